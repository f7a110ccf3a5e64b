//! `codeimport preview`: what a source has, before anything is written.

use super::{options, source_url};
use crate::args::Preview;
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::PreviewView;
use codeimport_convert::{Watch, open_source};
use std::process::ExitCode;

/// Asks and prints.
pub(super) fn run(output: Output, preview: &Preview, watch: &Watch) -> Done {
    let url = source_url(&preview.source, watch)?;
    let failed = |error| Failure::outcome(&error);
    let source = open_source(&url, options(&preview.source, preview.svn.source_options()?)?);
    let preview = source.preview(watch).map_err(failed)?;
    output.preview(&PreviewView::new(&url, preview));
    Ok(ExitCode::SUCCESS)
}
