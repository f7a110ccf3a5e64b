//! Any bytes as mod_dav_svn's answer to `replay-report`: records or refused, never a panic, a hang, or memory by a length's
//! word alone.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|stream: &[u8]| codeimport_convert::fuzzing::svn_dav_replay(stream));
