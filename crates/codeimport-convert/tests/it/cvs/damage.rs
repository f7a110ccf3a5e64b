//! Damaged repositories: the file is named, and nothing is published half.

use super::copy::Copy;
use super::repository::CvsRoot;
use super::server::CvsServer;
use std::fs;

const FILE: &str = "head 1.2; access; symbols; locks; comment @# @;
1.2 date 2003.01.01.00.00.02; author a; state Exp; branches; next 1.1;
1.1 date 2003.01.01.00.00.01; author a; state Exp; branches; next ;
desc @@
1.2 log @two@ text @2
@
1.1 log @one@ text @d1 1
a1 1
1
@
";

fn with_file(text: &str) -> CvsRoot {
    let root = CvsRoot::create();
    fs::create_dir_all(root.path().join("m/d")).expect("ours");
    fs::write(root.path().join("m/good,v"), FILE).expect("writable");
    fs::write(root.path().join("m/d/bad,v"), text).expect("writable");
    root
}

#[test]
fn a_damaged_file_is_named_and_nothing_is_published() {
    let cases = [
        ("truncated", FILE[..FILE.len() - 20].to_owned()),
        ("without the text of 1.1", FILE[..FILE.find("1.1 log").expect("there")].to_owned()),
        ("with a delta that does not fit", FILE.replace("d1 1", "d7 1")),
        ("with nothing in it", String::new()),
        ("with something else in it", "hello".to_owned()),
    ];
    for (what, text) in cases {
        let root = with_file(&text);
        let copy = Copy::of(&root, "m");
        let error = copy.run().expect_err(what);
        assert!(error.starts_with("RemoteBroken") && error.contains("d/bad"), "{what}: {error}");
        assert_eq!(copy.refs(), "", "{what}");
    }
}

#[test]
fn a_server_with_a_damaged_file_is_told_of_and_nothing_is_published() {
    for (what, text) in
        [("truncated", &FILE[..FILE.len() - 20]), ("with a delta that does not fit", &FILE.replace("d1 1", "d7 1"))]
    {
        let root = with_file(text);
        let server = CvsServer::start(&root);
        let copy = Copy::at(&root, "m", &server.url("m"));
        let error = copy.run().expect_err(what);
        assert!(error.starts_with("RemoteBroken") && error.contains("bad"), "{what}: {error}");
        assert_eq!(copy.refs(), "", "{what}");
    }
}

#[test]
fn what_a_server_refuses_is_told_apart() {
    let root = with_file(FILE);
    let server = CvsServer::start(&root);
    let error_of = |url: &str| Copy::at(&root, "m", url).run().expect_err("refused");
    let missing = error_of(&server.url("nothing"));
    assert!(missing.starts_with("Invalid"), "{missing}");
    let no_root = error_of(&server.url("m").replace("/root//", "/other//"));
    assert!(no_root.starts_with("Invalid"), "{no_root}");
    fs::write(root.path().join("CVSROOT/passwd"), "ada::nobody\n").expect("writable");
    let closed = error_of(&server.url("m"));
    assert!(closed.starts_with("Authentication"), "{closed}");
    let nobody = error_of("pserver://127.0.0.1:1/r//m");
    assert!(nobody.starts_with("Unavailable"), "{nobody}");
}
