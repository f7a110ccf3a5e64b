//! Any bytes as what a Mercurial server sends of its history.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| codeimport_convert::fuzzing::hg_bundle(stream));
