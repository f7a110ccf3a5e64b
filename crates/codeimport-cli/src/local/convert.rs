//! `codeimport convert`: from a source into a bare repository, piece by piece.
//!
//! Each piece is published before the next begins, so whatever ends the command costs one piece at most.

use super::screen::Screen;
use super::source_url;
use crate::args::Convert;
use crate::exit::{self, Done, Failure};
use crate::output::Output;
use crate::view::ConversionView;
use codeimport_convert::{LocalRun, LocalTarget, SourceOptions, Watch};
use codeimport_core::{Outcome, SourceUrl};
use std::process::ExitCode;
use std::time::Duration;

/// Most revisions of one piece. Beginning a piece costs a connection and a look at what was converted.
const PIECE: u64 = 20_000;

/// Longest time of one piece: what a `kill -9` may cost.
const PIECE_TIME: Duration = Duration::from_secs(15);

/// Converts until all is there, the limit is reached, or something fails.
pub(super) fn run(output: Output, convert: &Convert, watch: &Watch, screen: &Screen) -> Done {
    let url = source_url(&convert.source, watch)?;
    let options = super::options(&convert.source, convert.svn.source_options()?)?;
    let target = LocalTarget::open(&convert.dir, watch).map_err(|error| Failure::outcome(&error))?;
    let mut view = ConversionView::new(&url, &convert.dir);
    let result = all_pieces(convert.limit, &mut view, |max_revisions| {
        let (max_time, options) = (PIECE_TIME, options.clone());
        // A limit is counted in revisions alone, so that the same limit always ends at the same one.
        let max_time = if convert.limit.is_some() { Duration::MAX } else { max_time };
        piece(&target, &url, SourceOptions { max_revisions, max_time, ..options }, watch)
    });
    view.elapsed_s = screen.elapsed().as_secs_f64();
    screen.clear();
    if let Err(failure) = &result {
        failure.tell(&mut view.outcome, &mut view.message);
        // An empty repository would look as if something had been converted; what a person has stopped is gone on with.
        // If it cannot be taken away, it stays.
        if !watch.cancel().is_cancelled() {
            let _ = target.abandon();
        }
    }
    output.conversion(&view);
    result?;
    let partial = view.outcome == Outcome::Partial.name();
    Ok(if partial { ExitCode::from(exit::PARTIAL) } else { ExitCode::SUCCESS })
}

fn piece(target: &LocalTarget, url: &SourceUrl, options: SourceOptions, watch: &Watch) -> Result<LocalRun, Failure> {
    target.run(url, options, watch).map_err(|error| Failure::publishing(&error))
}

/// Runs piece after piece; adds up in `view` what they did.
fn all_pieces(
    limit: Option<u64>,
    view: &mut ConversionView,
    mut piece: impl FnMut(u64) -> Result<LocalRun, Failure>,
) -> Result<(), Failure> {
    let mut left = limit.unwrap_or(u64::MAX);
    loop {
        let size = PIECE.min(left);
        let run = piece(size)?;
        left -= size;
        view.add(&run);
        if run.outcome != Outcome::Partial || left == 0 {
            return Ok(());
        }
    }
}
