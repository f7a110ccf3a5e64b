//! CVS: `,v` files in a folder or by rsync, and servers by `:pserver:` or ssh.
//!
//! ```text
//!   rcs         `,v` files: form, texts                                   pure
//!   history     what is known of each file but its texts; interner: names and messages, each once   pure
//!   gathering   histories as they come in
//!   long_list   where memory has no room; packed: what lies there (pure), sorting: brought into order
//!   transport   what all ways in have in common: folder (`,v` files on this machine), rsync, server
//!   address     where a module is                                         pure
//!   place       which line (branch of the whole repository) a revision is on   pure
//!   changeset   which revisions were one commit; order: in which order, circles: where there is none
//!   plan        what is converted now, one after the other
//!   keywords    texts as `cvs export -kk` shows them                      pure
//!   symbols     what branches and tags name; named: in which files; fit: where that fits best
//!   ledger      what was converted; only grows                            pure
//!   emit        changesets -> Git commits; tree: the trees of lines
//!   names       refs of lines and tags                                    pure
//!   run         all of these, once; look: what it sees, contents: texts, refs: what comes out
//!   state       what is carried to the next run
//!   findings    what is not as people may expect it
//!   export      what CVS itself says, for verification; preview: for people
//! ```
//!
//! Promises: the tree of each branch and tag is what `cvs export -kk -r` gives; a converted changeset never changes, so published
//! commits stay whatever is committed late, moved or tagged anew; each way in gives the same commits.

mod address;
mod changeset;
mod circles;
mod contents;
mod emit;
mod export;
mod findings;
mod fit;
mod folder;
#[cfg(fuzzing)]
pub(crate) mod fuzzing;
mod gathering;
mod history;
mod interner;
mod keywords;
mod ledger;
mod long_list;
mod look;
mod named;
mod names;
mod options;
mod order;
mod packed;
mod place;
mod plan;
mod preview;
mod rcs;
mod refs;
mod rsync;
mod run;
mod server;
mod sorting;
mod state;
mod symbols;
mod transport;
mod tree;

pub use options::CvsOptions;

use crate::objects::ObjectStore;
use crate::{Cache, ConvertError, MapEntry, Preview, Source, SourceOptions, SourceState, Watch, Watermark};
use address::{Access, Address};
use codeimport_core::{SourceUrl, Stage};
use export::Export;
use folder::Folder;
use gix::{ObjectId, bstr::BString};
use ledger::KnownCommit;
use rsync::Rsync;
use server::Server;
use std::io;
use std::sync::OnceLock;
use std::{collections::BTreeSet, path::Path};
use transport::Transport;

/// Folder for `,v` files, in the folder of a cache.
const KEPT_FILES: &str = "cvs-files";

/// A module of a CVS repository.
pub(super) struct CvsSource {
    address: Address,
    transport: Box<dyn Transport>,
    options: SourceOptions,
}

impl CvsSource {
    pub(super) fn new(url: &SourceUrl, options: SourceOptions) -> Self {
        let address = Address::of(url);
        let is_root = address.is_whole();
        let transport: Box<dyn Transport> = match address.access {
            Access::Folder => Box::new(Folder { path: address.path(), is_root }),
            Access::Rsync => {
                let (connect_timeout, idle_timeout) = (options.connect_timeout, options.idle_timeout);
                let kept = OnceLock::new();
                Box::new(Rsync { url: address.rsync_url(), connect_timeout, idle_timeout, is_root, kept })
            }
            Access::Password | Access::Ssh => Box::new(Server::new(address.clone(), &options)),
        };
        Self { address, transport, options }
    }
}

impl Source for CvsSource {
    fn probe(&self, watch: &Watch) -> Result<Watermark, ConvertError> {
        self.transport.position(Stage::Probe, watch).map(Watermark)
    }

    fn fetch(&self, cache: &Cache, carried: Option<ObjectId>, watch: &Watch) -> Result<SourceState, ConvertError> {
        self.transport.keep_in(cache.path().join(KEPT_FILES));
        let now = jiff::Timestamp::now().as_second();
        run::Run { transport: &*self.transport, options: &self.options, cache, watch, now }.fetch(carried)
    }

    fn export(&self, branch: &[u8], revision: &str, into: &Path, watch: &Watch) -> Result<(), ConvertError> {
        let keywords = if self.options.cvs.raw_keywords { "-ko" } else { "-kk" };
        let ssh = match self.address.access {
            Access::Ssh => self.options.ssh.command_line(self.address.port, self.options.connect_timeout),
            _ => None,
        };
        Export { address: &self.address, keywords, ssh, into, watch }.run(branch, revision)
    }

    fn can_export(&self, revision: &str) -> bool {
        export::can_be_exported(revision)
    }

    fn translated_paths(&self, _: &[u8], _: &str, _: &Watch) -> Result<BTreeSet<BString>, ConvertError> {
        // CVS translates line ends on systems that have others; here it does not.
        Ok(BTreeSet::new())
    }

    fn preview(&self, watch: &Watch) -> Result<Preview, ConvertError> {
        let position = self.transport.position(Stage::Probe, watch)?;
        let scratch = std::env::temp_dir();
        let histories = self.transport.histories(Stage::Probe, &scratch, watch)?;
        preview::preview(position, histories, self.options.cvs.charset, &scratch)
            .map_err(|error| ConvertError::disk(Stage::Probe, &scratch, error))
    }
}

/// The commits made so far, from the tree that a run has carried; none if it cannot be read.
pub(crate) fn read_map(carried: ObjectId, store: &mut ObjectStore) -> Option<Vec<MapEntry>> {
    let state = state::CvsState::read(carried, store, &std::env::temp_dir())?;
    let ledger = &state.ledger;
    let entry = |(commit, revision): (io::Result<KnownCommit>, String)| {
        let KnownCommit { id, line, .. } = commit.ok()?;
        Some(MapEntry { branch: names::in_cvs(ledger.name(line)), revision, commit: id })
    };
    let commits = ledger.commits().zip(export::revisions(ledger).ok()?).map(entry);
    let tag = |(name, commit): &(Vec<u8>, ObjectId)| MapEntry {
        branch: name.clone(),
        revision: export::tip_of(name),
        commit: *commit,
    };
    commits.chain(state.tags.iter().map(tag).map(Some)).collect()
}
