//! The progress line of a run: what `--wait` shows on a terminal.
//!
//! Pure: takes snapshots of a run and gives text. [`crate::wait`] draws it.

use crate::words;
use codeimport_proto::{convert, queue};
use jiff::SignedDuration;

const BAR_WIDTH: usize = 24;

/// Turns snapshots of one run into lines, and knows the rate by comparing them.
#[derive(Default)]
pub(crate) struct ProgressLine {
    stage: i32,
    /// Elapsed time and count at the first snapshot of the stage.
    stage_start: (f64, i64),
}

impl ProgressLine {
    /// The line for this snapshot: stage, bar, counts, bytes, rate, time.
    pub(crate) fn render(&mut self, run: &queue::Run) -> String {
        let elapsed = run.elapsed.as_ref().and_then(convert::duration_from_wire).unwrap_or_default().as_secs_f64();
        let progress = run.progress.clone().unwrap_or_default();
        if progress.stage != self.stage {
            self.stage = progress.stage;
            self.stage_start = (elapsed, progress.done_count);
        }
        let stage = convert::stage_from_wire(progress.stage).map_or("start", |s| s.name());
        let mut parts = vec![format!("{stage:<8}")];
        if let Some(total) = progress.total_count.filter(|t| *t > 0) {
            parts.push(bar(progress.done_count, total));
            parts.push(format!("{}/{} {}", words::count(progress.done_count), words::count(total), progress.unit));
        } else if progress.done_count > 0 {
            parts.push(format!("{} {}", words::count(progress.done_count), progress.unit));
        }
        if progress.received_bytes > 0 {
            parts.push(words::bytes(progress.received_bytes));
        }
        if let Some(rate) = self.rate(elapsed, progress.done_count) {
            parts.push(format!("{}/s", words::count(rate)));
        }
        parts.push(words::span(SignedDuration::try_from_secs_f64(elapsed).unwrap_or_default()));
        parts.join("  ")
    }

    /// Units per second in this stage; none until half a second has passed, when it would only be noise.
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "shown as a whole number")]
    fn rate(&self, elapsed: f64, done: i64) -> Option<i64> {
        let (start, start_done) = self.stage_start;
        let rate = (done - start_done) as f64 / (elapsed - start);
        (elapsed - start >= 0.5 && rate >= 1.0).then_some(rate as i64)
    }
}

/// `[=====>      ]  46 %`
fn bar(done: i64, total: i64) -> String {
    let share = |whole: usize| {
        let filled = i128::from(done.clamp(0, total)) * i128::try_from(whole).unwrap_or(0) / i128::from(total.max(1));
        usize::try_from(filled).unwrap_or(0)
    };
    let filled = share(BAR_WIDTH);
    let head = if filled < BAR_WIDTH { ">" } else { "" };
    let rest = BAR_WIDTH - filled - head.len();
    format!("[{}{head}{}] {:>3} %", "=".repeat(filled), " ".repeat(rest), share(100))
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_proto::common::{Progress, Stage};

    fn snapshot(done: i64, total: Option<i64>, elapsed_s: i64) -> queue::Run {
        let progress = Progress {
            stage: Stage::Fetch.into(),
            done_count: done,
            total_count: total,
            unit: "objects".to_owned(),
            received_bytes: 2048,
        };
        let elapsed = prost_types::Duration { seconds: elapsed_s, nanos: 0 };
        queue::Run { progress: Some(progress), elapsed: Some(elapsed), ..Default::default() }
    }

    #[test]
    fn a_bar_is_as_long_when_empty_as_when_full() {
        let lengths: Vec<_> = [0, 1, 50, 99, 100, 250].iter().map(|done| bar(*done, 100).len()).collect();
        assert!(lengths.iter().all(|l| *l == lengths[0]), "{lengths:?}");
        assert!(bar(100, 100).contains("100 %") && bar(0, 100).contains("  0 %"));
    }

    #[test]
    fn the_rate_is_that_of_the_stage() {
        let mut line = ProgressLine::default();
        assert!(!line.render(&snapshot(100, Some(1_000), 10)).contains("/s"), "one snapshot has no rate");
        let text = line.render(&snapshot(300, Some(1_000), 12));
        assert!(text.contains("100/s") && text.contains("300/1,000 objects") && text.contains("2.0 KiB"), "{text}");
    }

    #[test]
    fn without_a_total_there_is_no_bar() {
        let text = ProgressLine::default().render(&snapshot(5, None, 1));
        assert!(!text.contains('[') && text.contains("5 objects"), "{text}");
    }
}
