//! What is published stays, whatever is committed late, tagged anew or moved.

use super::copy::Copy;
use super::repository::CvsRoot;
use codeimport_core::Outcome;
use std::fs;
use std::path::PathBuf;

/// A file whose only commit was made long ago.
const LATE: &str = "head 1.1; access; symbols; locks; comment @# @;
1.1 date 2003.01.01.00.00.01; author bob; state Exp; branches; next ;
desc @@
1.1 log @from another clock@ text @late
@
";

/// A module with a branch `b`, and tags `v1` and `v2`.
fn tagged(root: &CvsRoot) -> PathBuf {
    let import = root.dir.path().join("import");
    fs::create_dir(&import).expect("ours");
    for name in ["f", "g"] {
        fs::write(import.join(name), "one\n").expect("writable");
    }
    root.cvs(&import, &["import", "-m", "imported", "m", "vendor", "v0"]);
    root.cvs(root.dir.path(), &["checkout", "m"]);
    let work = root.dir.path().join("m");
    commit(root, &work, "f", "two");
    root.cvs(&work, &["tag", "v1"]);
    root.cvs(&work, &["tag", "-b", "b"]);
    commit(root, &work, "g", "three");
    root.cvs(&work, &["tag", "v2"]);
    root.cvs(&work, &["update", "-r", "b"]);
    commit(root, &work, "g", "on the branch");
    root.cvs(&work, &["update", "-A"]);
    work
}

fn commit(root: &CvsRoot, work: &std::path::Path, file: &str, text: &str) {
    fs::write(work.join(file), format!("{text}\n")).expect("writable");
    root.cvs(work, &["commit", "-m", text]);
}

/// Refs with what they name.
fn refs(copy: &Copy<'_>) -> Vec<(String, String)> {
    let split = |line: &str| line.split_once(' ').map(|(id, name)| (name.to_owned(), id.to_owned()));
    copy.refs().lines().filter_map(split).collect()
}

fn id_of(copy: &Copy<'_>, name: &str) -> String {
    refs(copy).into_iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{name} is there")).1
}

/// Runs, and checks that all is as CVS exports it, that no branch lost a commit, and which tags moved.
fn run_and_compare(copy: &Copy<'_>, what: &str, moved: &[&str]) {
    let before = refs(copy);
    assert_eq!(copy.run(), Ok(true), "{what}");
    let (_, differences) = copy.compare_refs();
    assert!(differences.is_empty(), "{what}: {}", differences.join("\n"));
    for (name, id) in &before {
        let now = id_of(copy, name);
        if name.starts_with("refs/heads/") {
            copy.git(&["merge-base", "--is-ancestor", id, &now]);
        } else {
            assert_eq!(now == *id, !moved.contains(&name.as_str()), "{what}: {name}");
        }
    }
    let after = refs(copy);
    assert_eq!(copy.run_outcome(), Outcome::NoChange, "{what}");
    assert_eq!(refs(copy), after, "{what}");
}

#[test]
fn symbols_that_come_late_or_move_and_late_commits_change_no_published_commit() {
    let root = CvsRoot::create();
    let work = tagged(&root);
    let copy = Copy::of(&root, "m");
    assert_eq!(copy.run(), Ok(true));
    root.cvs(&work, &["tag", "-r", "1.1", "late"]);
    run_and_compare(&copy, "a tag on old revisions", &[]);
    root.cvs(&work, &["tag", "-b", "-r", "1.1", "late-branch"]);
    run_and_compare(&copy, "a branch from old revisions", &[]);
    root.cvs(&work, &["update", "-r", "late-branch"]);
    commit(&root, &work, "f", "on the late branch");
    root.cvs(&work, &["update", "-A"]);
    run_and_compare(&copy, "a commit on it", &[]);
    root.cvs(&work, &["tag", "-F", "-r", "1.1", "v1"]);
    run_and_compare(&copy, "a moved tag", &["refs/tags/v1"]);
    root.cvs(&work, &["tag", "-F", "-B", "-b", "-r", "1.1", "b"]);
    run_and_compare(&copy, "a moved branch", &[]);
    fs::write(root.path().join("m/late,v"), LATE).expect("writable");
    run_and_compare(&copy, "a commit with an old date", &[]);
}

#[test]
fn a_branch_that_lost_its_name_loses_no_commit_and_a_deleted_tag_goes() {
    let root = CvsRoot::create();
    let work = tagged(&root);
    let copy = Copy::of(&root, "m");
    assert_eq!(copy.run(), Ok(true));
    let trunk = id_of(&copy, "refs/heads/trunk");
    root.cvs(&work, &["tag", "-d", "v1"]);
    root.cvs(&work, &["tag", "-d", "-B", "b"]);
    assert_eq!(copy.run(), Ok(true));
    let names: Vec<_> = refs(&copy).into_iter().map(|(name, _)| name).collect();
    assert!(!names.contains(&"refs/tags/v1".to_owned()) && !names.contains(&"refs/heads/b".to_owned()), "{names:?}");
    assert_eq!(id_of(&copy, "refs/heads/trunk"), trunk);
    assert_eq!(copy.compare_refs().1, Vec::<String>::new());
}
