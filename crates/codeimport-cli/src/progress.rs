//! The progress line of a run: what `--wait` and `convert` show on a terminal.
//!
//! Pure: takes snapshots of a run and gives text. [`crate::display`] draws it.

use crate::words;
use jiff::SignedDuration;

const BAR_WIDTH: usize = 24;

/// How far a run has come.
#[derive(Clone, PartialEq, Debug, Default)]
pub(crate) struct Snapshot {
    /// Name of the stage under way; none before the first.
    pub(crate) stage: Option<&'static str>,
    /// Units done so far in this stage.
    pub(crate) done: i64,
    /// Units in all, once known.
    pub(crate) total: Option<i64>,
    /// What is counted.
    pub(crate) unit: String,
    /// Bytes received from the source.
    pub(crate) received_bytes: i64,
    /// Seconds since the run began.
    pub(crate) elapsed_s: f64,
}

/// Turns snapshots of one run into lines, and knows the rate by comparing them.
#[derive(Default)]
pub(crate) struct ProgressLine {
    stage: Option<&'static str>,
    /// Elapsed time and count at the first snapshot of the stage.
    stage_start: (f64, i64),
}

impl ProgressLine {
    /// The line for this snapshot: stage, bar, counts, bytes, rate, time left, time.
    pub(crate) fn render(&mut self, run: &Snapshot) -> String {
        if run.stage != self.stage {
            self.stage = run.stage;
            self.stage_start = (run.elapsed_s, run.done);
        }
        let mut parts = vec![format!("{:<8}", run.stage.unwrap_or("start"))];
        let total = run.total.filter(|total| *total > 0);
        if let Some(total) = total {
            parts.push(bar(run.done, total));
            parts.push(format!("{}/{} {}", words::count(run.done), words::count(total), run.unit));
        } else if run.done > 0 {
            parts.push(format!("{} {}", words::count(run.done), run.unit));
        }
        if run.received_bytes > 0 {
            parts.push(words::bytes(run.received_bytes));
        }
        if let Some(rate) = self.rate(run.elapsed_s, run.done) {
            parts.push(format!("{}/s", words::count(rate)));
            if let Some(left) = total.map(|total| (total - run.done) / rate).filter(|seconds| *seconds > 0) {
                parts.push(format!("{} left", words::span(SignedDuration::from_secs(left))));
            }
        }
        parts.push(words::span(SignedDuration::try_from_secs_f64(run.elapsed_s).unwrap_or_default()));
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

    fn snapshot(done: i64, total: Option<i64>, elapsed_s: f64) -> Snapshot {
        let (stage, unit) = (Some("fetch"), "objects".to_owned());
        Snapshot { stage, done, total, unit, received_bytes: 2048, elapsed_s }
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
        assert!(!line.render(&snapshot(100, Some(1_000), 10.0)).contains("/s"), "one snapshot has no rate");
        let text = line.render(&snapshot(300, Some(1_000), 12.0));
        assert!(
            text.contains("100/s  7.0 s left") && text.contains("300/1,000 objects") && text.contains("2.0 KiB"),
            "{text}"
        );
    }

    #[test]
    fn without_a_total_there_is_no_bar() {
        let text = ProgressLine::default().render(&snapshot(5, None, 1.0));
        assert!(!text.contains('[') && text.contains("5 objects"), "{text}");
    }
}
