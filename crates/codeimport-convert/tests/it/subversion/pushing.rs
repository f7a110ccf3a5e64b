//! What an increment sends to the target: what is new, not what all of history was kept in.

use super::conversion::Conversion;
use super::server::SvnServer;
use codeimport_subprocess::Command;
use std::fmt::Write as _;

/// A dump of a trunk with one file that changes in every revision.
fn long_history(revisions: usize) -> String {
    let mut dump = "SVN-fs-dump-format-version: 2\n\n".to_owned();
    for revision in 1..=revisions {
        let text = format!("revision {revision}\n");
        let (len, action) = (text.len(), if revision == 1 { "add" } else { "change" });
        write!(dump, "Revision-number: {revision}\nProp-content-length: 10\nContent-length: 10\n\nPROPS-END\n\n")
            .expect("memory");
        if revision == 1 {
            dump += "Node-path: trunk\nNode-kind: dir\nNode-action: add\n\n";
        }
        let head = format!("Node-path: trunk/f\nNode-kind: file\nNode-action: {action}\n");
        write!(dump, "{head}Text-content-length: {len}\nContent-length: {len}\n\n{text}\n\n").expect("memory");
    }
    dump
}

/// Bytes that `git push` sends to a target that has `old` where `new` is wanted.
fn pushed_bytes(conversion: &Conversion, new: &str, old: &str) -> usize {
    let pack = ["pack-objects", "--revs", "--stdout", "--thin", "--delta-base-offset", "-q"];
    let revisions = format!("{new}\n^{old}\n").into_bytes();
    let packed = Command::new("git").args(pack).cwd(conversion.target()).stdin(revisions).run().expect("git runs");
    assert!(packed.success(), "{}", packed.stderr);
    packed.stdout.len()
}

#[test]
fn an_increment_does_not_send_the_state_of_all_history_again() {
    let server = SvnServer::start();
    let dump = server.file(&long_history(2_005));
    assert!(server.load("r", dump.as_ref()));
    let mut conversion = Conversion::of(&server, "r");
    conversion.run_to_the_end(false);
    let state = |conversion: &Conversion| conversion.git(&["rev-parse", "refs/codeimport/state"]);
    let before = state(&conversion);
    server.mucc("r", &["put", &server.file("new\n"), "trunk/g"]);
    conversion.run_to_the_end(false);
    // Two full segments are 160 KB of object ids, which do not get smaller by compression.
    let bytes = pushed_bytes(&conversion, &state(&conversion), &before);
    assert!(bytes < 5_000, "{bytes} bytes");
    assert_eq!(conversion.git(&["rev-list", "--count", "refs/heads/trunk"]), "2006");
}
