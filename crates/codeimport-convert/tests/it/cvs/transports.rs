//! Whichever way a repository comes, the same commits are made of it.

use super::copy::Copy;
use super::corpora::unpack;
use super::repository::CvsRoot;
use super::server::CvsServer;
use std::path::Path;

/// What CVS itself cannot log: it counts the lines of deltas, and one of them is none.
const CANNOT_LOG: [&str; 1] = ["cvs-fast-export-tests-rcs-only/deadbranch"];

#[test]
fn files_and_server_give_the_same_commits_on_the_corpora() {
    let Some(corpora) = std::env::var_os("CODEIMPORT_CORPORA") else { return };
    let root = CvsRoot::create();
    let modules = unpack(Path::new(&corpora), &root.path());
    let server = CvsServer::start(&root);
    let only = std::env::var("CODEIMPORT_MODULE").unwrap_or_default();
    let mut wrong = Vec::new();
    for module in modules.iter().filter(|module| module.contains(&only)) {
        let by_files = Copy::of(&root, module);
        let by_server = Copy::at(&root, module, &server.url(module));
        let told = (by_files.run(), by_server.run());
        if CANNOT_LOG.contains(&module.as_str()) {
            assert!(told.1.is_err_and(|error| error.starts_with("RemoteBroken")), "{module}");
        } else if told != (Ok(true), Ok(true)) {
            wrong.push(format!("{module}: {told:?}"));
        } else if (by_files.refs(), by_files.map()) != (by_server.refs(), by_server.map()) {
            let (files, server) = (by_files.log(), by_server.log());
            let only =
                |a: &str, b: &str| a.lines().filter(|line| !b.contains(*line)).map(str::to_owned).collect::<Vec<_>>();
            wrong.push(format!("{module}: {:?}\n{:?}", only(&files, &server), only(&server, &files)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
