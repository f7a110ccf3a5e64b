//! Any bytes as a changeset, and as a delta on a manifest.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (&[u8], &[u8])| codeimport_convert::fuzzing::hg_texts(input.0, input.1));
