//! Lines on standard output. What cannot be written ends the command: a reader that has seen enough ends it quietly.

use crate::exit::{self, Failure};
use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write as _};
use std::process;

/// Writes a line, as `println!` does, which would panic where nobody reads.
macro_rules! outln {
    ($($words:tt)*) => { $crate::output::stdout::line(format_args!($($words)*)) };
}
pub(super) use outln;

/// Writes a line.
pub(super) fn line(words: Arguments) {
    if let Err(error) = writeln!(io::stdout().lock(), "{words}") {
        end(&error);
    }
}

fn end(error: &io::Error) -> ! {
    if error.kind() != ErrorKind::BrokenPipe {
        exit::report(&Failure::other("cannot write to standard output", error));
        process::exit(1);
    }
    process::exit(exit::READER_GONE)
}
