//! Any bytes as what Bazaar's exporter tells: converted or refused, never a panic, a hang, or memory by a length's word alone.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| codeimport_convert::fuzzing::bzr_stream(stream));
