//! `codeimport preview`: what a source has, before anything is written.

use super::source_url;
use crate::args::Preview;
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::PreviewView;
use codeimport_convert::{SourceOptions, Watch, open_source};
use std::process::ExitCode;

/// Asks and prints.
pub(super) fn run(output: Output, preview: &Preview, watch: &Watch) -> Done {
    let url = source_url(&preview.source, watch)?;
    let failed = |error| Failure::outcome(&error);
    let SourceOptions { ssh, cvs, bzr, .. } = super::options(&preview.source)?;
    let options = SourceOptions { ssh, cvs, bzr, ..preview.svn.source_options()? };
    let source = open_source(&url, options);
    let preview = source.preview(watch).map_err(failed)?;
    output.preview(&PreviewView::new(&url, preview));
    Ok(ExitCode::SUCCESS)
}
