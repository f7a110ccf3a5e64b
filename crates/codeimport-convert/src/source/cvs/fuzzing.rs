//! What the fuzz targets run.

use super::pserver::LogReader;
use super::rcs::RcsFile;
use std::ops::ControlFlow;

/// Reads a `,v` file and works out all its texts, whatever it is.
pub(crate) fn read_rcs(bytes: &[u8]) {
    let Ok(file) = RcsFile::parse(bytes) else { return };
    let wanted = file.deltas.keys().cloned().collect();
    // A file can say how to make texts far longer than itself; what is looked for is not that.
    let mut left: usize = 1 << 20;
    let _ = file.texts(&wanted, |_, text| {
        left = left.saturating_sub(text.len());
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
}

/// Reads what a server says, whatever it is.
pub(crate) fn read_rlog(said: &[u8]) {
    let mut reader = LogReader::new(b"/r/".to_vec(), false);
    for line in said.split(|b| *b == b'\n') {
        if reader.take_raw(line).is_err() {
            return;
        }
    }
    let _ = reader.finish();
}
