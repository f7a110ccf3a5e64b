//! Any bytes as a `,v` file.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| codeimport_convert::fuzzing::cvs_rcs(bytes));
