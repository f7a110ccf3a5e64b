//! Draws the progress of a run: one line that is written over on a terminal, a line per stage elsewhere.

use crate::output::Output;
use crate::progress::{ProgressLine, Snapshot};
use std::io::{IsTerminal as _, Write as _};

/// Where progress is shown: standard error.
pub(crate) struct Display {
    line: ProgressLine,
    terminal: bool,
    silent: bool,
    stage: Option<&'static str>,
}

impl Display {
    pub(crate) fn new(output: Output) -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { line: ProgressLine::default(), terminal, silent: output.json, stage: None }
    }

    /// Shows how far the run is.
    pub(crate) fn show(&mut self, run: &Snapshot) {
        let text = self.line.render(run);
        if self.silent {
            return;
        }
        if self.terminal {
            // Return, the line, and "erase to end of line" (ECMA-48, 8.3.41).
            write(&format!("\r{text}\x1b[K"));
        } else if run.stage != self.stage {
            write(&format!("{text}\n"));
        }
        self.stage = run.stage;
    }

    /// Writes a line that stays.
    pub(crate) fn note(&mut self, text: &str) {
        if !self.silent {
            self.clear();
            write(&format!("{text}\n"));
        }
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if self.terminal && !self.silent {
            write("\r\x1b[K");
        }
    }
}

fn write(text: &str) {
    // Progress that cannot be shown is no reason to stop.
    let mut stderr = std::io::stderr();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}
