//! What only sources of Mercurial and Bazaar have, as it is typed: for the engine on this machine, or for the registry.

use crate::exit::Failure;
use clap::Args;
use codeimport_convert::{BzrOptions, HgOptions, SourceOptions};
use codeimport_core::RcsType;
use codeimport_proto::convert::rcs_type_from_wire;
use codeimport_proto::registry::{BazaarOptions, MercurialOptions, Source, source::Options};

/// What is not typed stays as it is.
#[derive(Args)]
pub(crate) struct DistributedArgs {
    /// Mercurial: keep subrepositories as the texts .hgsub and .hgsubstate, instead of refusing them. Kept from the first run on.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    hg_keep_subrepos: Option<bool>,
    /// Bazaar: end each message with what Git has no field for: further authors, bugs, and the revision's id in Bazaar. Kept
    /// from the first run on.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    bzr_trailers: Option<bool>,
    /// Mercurial and Bazaar: do not follow a source that has lost what was published, but fail and say so.
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    freeze_rewritten: Option<bool>,
}

impl DistributedArgs {
    /// For the engine on this machine.
    pub(crate) fn options(&self, others: SourceOptions) -> SourceOptions {
        SourceOptions {
            hg: HgOptions { keep_subrepos: self.hg_keep_subrepos.unwrap_or_default() },
            bzr: BzrOptions { trailers: self.bzr_trailers.unwrap_or_default() },
            freeze_rewritten: self.freeze_rewritten.unwrap_or_default(),
            ..others
        }
    }

    /// Changes a definition by what was typed. The registry checks it.
    pub(crate) fn change(&self, source: &mut Source) -> Result<(), Failure> {
        if !self.has_options() {
            return Ok(());
        }
        match rcs_type_from_wire(source.rcs_type) {
            Some(RcsType::Mercurial) if self.bzr_trailers.is_none() => self.change_mercurial(source),
            Some(RcsType::Bazaar) if self.hg_keep_subrepos.is_none() => self.change_bazaar(source),
            _ => {
                return Err(Failure::usage("an option is only for Mercurial or Bazaar, and the source is another one"));
            }
        }
        Ok(())
    }

    /// Whether anything was typed.
    pub(crate) fn has_options(&self) -> bool {
        [self.hg_keep_subrepos, self.bzr_trailers, self.freeze_rewritten].iter().any(Option::is_some)
    }

    fn change_mercurial(&self, source: &mut Source) {
        let MercurialOptions { keep_subrepos, freeze_rewritten } = match source.options {
            Some(Options::Mercurial(options)) => options,
            _ => MercurialOptions::default(),
        };
        source.options = Some(Options::Mercurial(MercurialOptions {
            keep_subrepos: self.hg_keep_subrepos.unwrap_or(keep_subrepos),
            freeze_rewritten: self.freeze_rewritten.unwrap_or(freeze_rewritten),
        }));
    }

    fn change_bazaar(&self, source: &mut Source) {
        let BazaarOptions { trailers, freeze_rewritten } = match source.options {
            Some(Options::Bazaar(options)) => options,
            _ => BazaarOptions::default(),
        };
        source.options = Some(Options::Bazaar(BazaarOptions {
            trailers: self.bzr_trailers.unwrap_or(trailers),
            freeze_rewritten: self.freeze_rewritten.unwrap_or(freeze_rewritten),
        }));
    }
}
