//! Damaged repositories: told apart from unreachable ones, and nothing is published.

use super::copy::Copy;
use super::repository::{HgRepository, HgServer};
use codeimport_core::Outcome;
use std::fs;

#[test]
fn a_damaged_store_is_told_and_nothing_is_published() {
    for file in ["00changelog.i", "00manifest.i", "data/f.i"] {
        let repository = HgRepository::create();
        for number in 0..5 {
            repository.commit("f", &format!("{}{number}\n", "some text, long enough\n".repeat(20)));
        }
        let path = repository.path.join(".hg/store").join(file);
        let mut bytes = fs::read(&path).expect("there");
        let place = bytes.len() - 40;
        bytes[place..].fill(0x55);
        fs::write(&path, bytes).expect("writable");
        let server = HgServer::start(&repository);
        for url in [server.url(), repository.file_url()] {
            let mut copy = Copy::of(&url);
            let error = copy.try_run(false).expect_err(file);
            assert_eq!(error.outcome, Outcome::RemoteBroken, "{file} {url}: {}", error.chain());
            assert!(!copy.path().exists() || copy.refs().is_empty(), "{file}");
        }
    }
}
