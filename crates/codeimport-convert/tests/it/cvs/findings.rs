//! What is odd about a repository is told, and counted.

use super::copy::Copy;
use super::repository::CvsRoot;
use codeimport_core::AuthorMap;
use std::fs;

/// Two commits, the second on a branch without a name; names and words that no system of today would write.
const FILE: &[u8] = b"head 1.1; access; symbols mixed:1.1 a/b:1.1; locks; comment @# @;
1.1 date 2003.01.01.00.00.01; author ada; state Exp; branches 1.1.2.1; next ;
1.1.2.1 date 2003.01.01.00.00.09; author bob; state Exp; branches; next ;
desc @@
1.1 log @gr\xfcn
@ text @one
@
1.1.2.1 log @two
@ text @a1 1
two
@
";

#[test]
fn odd_names_mixed_tags_and_unknown_charsets_and_authors_are_told() {
    let root = CvsRoot::create();
    fs::create_dir(root.path().join("m")).expect("ours");
    fs::write(root.path().join("m/f,v"), FILE).expect("writable");
    let later =
        String::from_utf8_lossy(FILE).replace("symbols mixed:1.1 a/b:1.1", "symbols").replace("00.00.01", "09.00.00");
    fs::write(root.path().join("m/g,v"), later.replace('\u{fffd}', "u")).expect("writable");
    let mut copy = Copy::of(&root, "m");
    copy.options.authors = AuthorMap::parse("ada = Ada <ada@example.org>\n").expect("a map");
    // On the trunk `mixed` is the first commit; with g it would be another.
    fs::write(root.path().join("m/h,v"), later.replace('\u{fffd}', "u").replace("symbols", "symbols mixed:1.1"))
        .expect("writable");
    let found: Vec<_> = copy
        .findings()
        .iter()
        .map(|finding| format!("{} {}", finding.kind.name(), finding.examples.join(" ")))
        .collect();
    let expected = [
        "unknown_author bob",
        "mixed_symbol mixed",
        "respelled_symbol a/b",
        "unlabelled_branch 1.1.2",
        "foreign_message f 1.1",
    ];
    assert_eq!(found, expected);
}
