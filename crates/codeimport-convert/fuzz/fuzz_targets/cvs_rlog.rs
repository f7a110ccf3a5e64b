//! Any bytes as what a CVS server says of its files.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| codeimport_convert::fuzzing::cvs_rlog(bytes));
