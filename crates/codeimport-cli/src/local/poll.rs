//! `codeimport poll`: where a source's history stands.

use super::{options, source_url};
use crate::args::Poll;
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::PositionView;
use codeimport_convert::{SourceOptions, Watch, open_source};
use std::process::ExitCode;

/// Prints the position: equal positions mean that nothing is new.
pub(super) fn run(output: Output, poll: &Poll, watch: &Watch) -> Done {
    let url = source_url(&poll.source, watch)?;
    let failed = |error| Failure::outcome(&error);
    let source = open_source(&url, options(&poll.source, SourceOptions::default())?);
    let watermark = source.probe(watch).map_err(failed)?;
    output.position(&PositionView::new(&url, &watermark));
    Ok(ExitCode::SUCCESS)
}
