//! What only sources of Mercurial and Bazaar have: options that are right however they are chosen. Pure.

use super::source::is_for;
use crate::import::{BazaarOptions, MercurialOptions};
use codeimport_core::RcsType;
use codeimport_kit::Violations;
use codeimport_proto::registry::{self as wire, source::Options};

/// How a Mercurial repository is read.
pub(super) fn mercurial(source: &wire::Source, violations: &mut Violations) -> Option<MercurialOptions> {
    let Some(Options::Mercurial(options)) = &source.options else { return Some(MercurialOptions::default()) };
    let wire::MercurialOptions { keep_subrepos, freeze_rewritten } = *options;
    is_for(source, RcsType::Mercurial, "import.source.mercurial", violations)
        .then_some(MercurialOptions { keep_subrepos, freeze_rewritten })
}

/// How a Bazaar branch is read.
pub(super) fn bazaar(source: &wire::Source, violations: &mut Violations) -> Option<BazaarOptions> {
    let Some(Options::Bazaar(options)) = &source.options else { return Some(BazaarOptions::default()) };
    let wire::BazaarOptions { trailers, freeze_rewritten } = *options;
    is_for(source, RcsType::Bazaar, "import.source.bazaar", violations)
        .then_some(BazaarOptions { trailers, freeze_rewritten })
}
