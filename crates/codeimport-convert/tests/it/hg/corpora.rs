//! Other people's repositories, by both ways.

use super::copy::Copy;
use super::repository::{HgRepository, HgServer};
use std::fs;
use std::path::{Path, PathBuf};

fn archives() -> Vec<PathBuf> {
    let Some(corpora) = std::env::var_os("CODEIMPORT_CORPORA") else { return Vec::new() };
    let entries = fs::read_dir(Path::new(&corpora).join("hg")).expect("corpora");
    let mut archives: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    archives.sort();
    archives
}

#[test]
fn every_changeset_of_the_corpora_is_what_mercurial_exports_whichever_way_it_came() {
    for archive in archives() {
        let repository = HgRepository::unpack(&archive);
        let server = HgServer::start(&repository);
        let mut by_server = Copy::of(&server.url());
        by_server.run(false);
        let count = by_server.assert_faithful(&repository);
        let mut by_program = Copy::of(&repository.file_url());
        by_program.run(false);
        assert_eq!(by_server.refs(), by_program.refs(), "{}", archive.display());
        assert_eq!(by_server.map(), by_program.map(), "{}", archive.display());
        println!("{}: {count} changesets", archive.display());
    }
}
