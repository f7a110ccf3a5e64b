//! `codeimport verify`: is the copy what the source has?

use super::screen::Screen;
use super::{options, source_url};
use crate::args::Verify;
use crate::exit::{self, Done, Failure};
use crate::output::Output;
use crate::view::VerificationView;
use codeimport_convert::{Scope, SourceOptions, Verdict, Watch, verify};
use std::process::ExitCode;

/// Compares, prints what was found; the exit code is the verdict.
pub(super) fn run(output: Output, arguments: &Verify, watch: &Watch, screen: &Screen) -> Done {
    let url = source_url(&arguments.source, watch)?;
    let samples = Scope::Samples { count: arguments.samples, seed: rand::random() };
    let scope = if arguments.all { Scope::All } else { samples };
    let found = verify(&url, options(&arguments.source, SourceOptions::default())?, &arguments.dir, scope, watch);
    let found = found.map_err(|error| Failure::outcome(&error))?;
    screen.clear();
    output.verification(&VerificationView::new(&found));
    Ok(match found.verdict() {
        Verdict::Verified => ExitCode::SUCCESS,
        Verdict::Partial => ExitCode::from(exit::PARTIAL),
        Verdict::Mismatch => ExitCode::from(exit::MISMATCH),
    })
}
