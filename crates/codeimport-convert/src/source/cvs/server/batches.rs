//! In which requests texts are asked for. Pure.
//!
//! A command works on many files at once, but on one revision number. Starting one costs the server a process, so all files
//! of which the same number is wanted go together.

use crate::source::cvs::address::Address;
use crate::source::cvs::rcs::Number;
use crate::source::cvs::transport::Wanted;
use std::collections::BTreeMap;

/// Most files in a command: an answer that is lost is not much.
const MOST_FILES: usize = 200;

/// The commands for texts, as they are sent.
pub(super) fn requests(address: &Address, wanted: &[Wanted<'_>]) -> Vec<Vec<u8>> {
    let mut by_number: BTreeMap<&Number, Vec<&[u8]>> = BTreeMap::new();
    for file in wanted {
        for number in file.numbers() {
            by_number.entry(number).or_default().push(file.path);
        }
    }
    by_number
        .into_iter()
        .flat_map(|(number, paths)| {
            paths.chunks(MOST_FILES).map(|paths| request(address, number, paths)).collect::<Vec<_>>()
        })
        .collect()
}

/// Raw texts of some files at one revision. `-ko`: as they are stored.
fn request(address: &Address, number: &Number, paths: &[&[u8]]) -> Vec<u8> {
    let root = &address.root;
    let mut request =
        format!("Directory .\n{root}\nArgument -ko\nArgument -r\nArgument {number}\nArgument --\n").into_bytes();
    for path in paths {
        request.extend_from_slice(b"Argument ");
        if address.module != "." {
            request.extend_from_slice(address.module.as_bytes());
            request.push(b'/');
        }
        request.extend_from_slice(path);
        request.push(b'\n');
    }
    request.extend_from_slice(b"co\n");
    request
}
