//! Any bytes as a delta on any base.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| codeimport_convert::fuzzing::svndiff(input.0, input.1));
