//! Any bytes as a dump stream: converted or refused, never a panic, a hang, or memory by the stream's word alone.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| codeimport_convert::fuzzing::svn_dump(stream));
