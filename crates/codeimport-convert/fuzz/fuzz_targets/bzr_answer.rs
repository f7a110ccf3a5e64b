//! Any bytes as the answer of a Bazaar server: read or refused, never a panic, a hang, or memory by a length's word alone.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|said: &[u8]| codeimport_convert::fuzzing::bzr_answer(said));
