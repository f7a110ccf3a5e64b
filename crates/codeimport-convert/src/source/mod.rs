//! Foreign repositories: one trait, one module per revision control system.
//!
//! Nothing outside a source's own module knows how it is read. What they share of the network is `http`, and `fault`: what went
//! wrong there, as an outcome and a sentence.

pub(crate) mod bzr;
pub(crate) mod cvs;
mod fault;
mod git;
pub(crate) mod hg;
mod http;
mod keeper;
mod login;
mod recognize;
mod rewritten;
mod ssh;
pub(crate) mod svn;
mod text;
mod tools;
mod wire;

pub use bzr::BzrOptions;
pub use cvs::CvsOptions;
pub use hg::HgOptions;
pub use login::Login;
pub use recognize::{Recognized, rcs_of_address, recognize};
pub use ssh::{InvalidSshPath, Ssh};
pub use svn::SvnOptions;
pub use tools::tool_versions;

use svn::escape_ref_part;

use crate::{Cache, ConvertError, Preview, SourceState, Watch, Watermark};
use codeimport_core::{AuthorMap, RcsType, RefFilter, SourceUrl};
use gix::{ObjectId, bstr::BString};
use std::{collections::BTreeSet, path::Path, sync::LazyLock, time::Duration};

/// A foreign repository that history is read from.
pub trait Source: Send + Sync {
    /// Asks where the source's history stands, without reading any of it.
    ///
    /// # Errors
    ///
    /// [`Stage::Probe`] with the outcome that tells whose trouble it is.
    fn probe(&self, watch: &Watch) -> Result<Watermark, ConvertError>;

    /// Brings everything into the cache that the target should have, and tells what that is.
    ///
    /// `carried` is the tree of [`Carried`] that an earlier run left in the target, if there is one. It makes a run
    /// cheaper, never different: without it, or with one that cannot be read, the source begins from the start.
    ///
    /// The state may be newer than what [`probe`](Self::probe) saw. Costs in proportion to what the cache does not have yet. A damaged
    /// cache is thrown away and filled anew.
    ///
    /// # Errors
    ///
    /// [`Stage::Fetch`] with the outcome that tells whose trouble it is.
    fn fetch(&self, cache: &Cache, carried: Option<ObjectId>, watch: &Watch) -> Result<SourceState, ConvertError>;

    /// Writes what a branch was at a revision into a folder that is not there yet, by the source's own means.
    ///
    /// # Errors
    ///
    /// [`Stage::Scan`]; [`Outcome::UnsupportedFeature`] for a source whose content needs no comparison.
    fn export(&self, branch: &[u8], revision: &str, into: &Path, watch: &Watch) -> Result<(), ConvertError>;

    /// Whether [`export`](Self::export) can be asked for a revision of the map. Not every commit of CVS has a name there.
    fn can_export(&self, _revision: &str) -> bool {
        true
    }

    /// Whether [`export`](Self::export) leaves out a path, whatever is there.
    fn leaves_out(&self, _path: &[u8]) -> bool {
        false
    }

    /// Paths of a branch at a revision whose text an export shows with other line ends than it is stored with.
    ///
    /// # Errors
    ///
    /// As [`export`](Self::export).
    fn translated_paths(&self, branch: &[u8], revision: &str, watch: &Watch)
    -> Result<BTreeSet<BString>, ConvertError>;

    /// Says what the source has. Reads no content, writes nothing.
    ///
    /// # Errors
    ///
    /// [`Stage::Probe`].
    fn preview(&self, watch: &Watch) -> Result<Preview, ConvertError>;
}

/// How a source is read.
#[derive(Clone, Debug)]
pub struct SourceOptions {
    /// Which refs are taken over.
    pub filter: RefFilter,
    /// Longest time to wait for a connection, per address of the host.
    pub connect_timeout: Duration,
    /// Longest silence of a server before it counts as gone.
    pub idle_timeout: Duration,
    /// How hosts are reached over SSH.
    pub ssh: Ssh,
    /// By what name and password the source is read; by none as a rule.
    pub login: Option<Login>,
    /// Identities of accounts, for sources that only know account names.
    pub authors: AuthorMap,
    /// Whether a source that has lost what was published (stripped, reset or replaced history) is followed no further. Else it is, and
    /// the lost commits get names of their own. Of Mercurial and Bazaar; it decides no commit, so it may change.
    pub freeze_rewritten: bool,
    /// What only Subversion has.
    pub svn: SvnOptions,
    /// What only CVS has.
    pub cvs: CvsOptions,
    /// What only Bazaar has.
    pub bzr: BzrOptions,
    /// What only Mercurial has.
    pub hg: HgOptions,
    /// Most source revisions that one run converts. A longer first import is published piece by piece.
    pub max_revisions: u64,
    /// Longest time that one run converts before it publishes what it has.
    pub max_time: Duration,
}

impl Default for SourceOptions {
    fn default() -> Self {
        Self {
            filter: RefFilter::default(),
            connect_timeout: Duration::from_secs(15),
            idle_timeout: Duration::from_secs(120),
            ssh: Ssh::default(),
            login: None,
            authors: AuthorMap::default(),
            freeze_rewritten: false,
            svn: SvnOptions::default(),
            cvs: CvsOptions::default(),
            bzr: BzrOptions::default(),
            hg: HgOptions::default(),
            max_revisions: 50_000,
            max_time: Duration::from_secs(15 * 60),
        }
    }
}

/// The types of sources that [`open_source`] can read here: some need a program. Blocking, the first time.
#[must_use]
pub fn supported_types() -> &'static [RcsType] {
    static TYPES: LazyLock<Vec<RcsType>> = LazyLock::new(|| {
        let needed = [(RcsType::Bazaar, "brz")].into_iter().filter(|(_, program)| tools::version(program).is_some());
        let always = [RcsType::Git, RcsType::Subversion, RcsType::Cvs, RcsType::Mercurial];
        always.into_iter().chain(needed.map(|(rcs_type, _)| rcs_type)).collect()
    });
    &TYPES
}

/// The source at an address. Nothing is asked of it yet.
#[must_use]
pub fn open_source(url: &SourceUrl, options: SourceOptions) -> Box<dyn Source> {
    match url.rcs_type() {
        RcsType::Git => Box::new(git::GitSource::new(url.clone(), options)),
        RcsType::Subversion => Box::new(svn::SvnSource::new(url.as_str(), options)),
        RcsType::Cvs => Box::new(cvs::CvsSource::new(url, options)),
        RcsType::Mercurial => Box::new(hg::HgSource::new(url, options)),
        RcsType::Bazaar => Box::new(bzr::BzrSource::new(url, options)),
    }
}
