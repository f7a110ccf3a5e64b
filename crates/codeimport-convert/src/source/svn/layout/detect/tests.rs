//! Histories in short, and the layouts that are found in them.

use super::*;
use crate::source::svn::records::{LogEntry, LogPath};

/// A history in short: each item is a revision, `+dir`, `file`, `from>to` or `from>>to` (moved).
fn survey(history: &[&str]) -> Survey {
    let mut survey = Survey::of("");
    for (number, words) in history.iter().enumerate() {
        let paths = words.split(' ').flat_map(changes).collect();
        survey.add(&LogEntry { revision: number as u64 + 1, paths, ..LogEntry::default() });
    }
    survey
}

fn changes(word: &str) -> Vec<LogPath> {
    let path = |action, path: &str, is_dir, copy_from: Option<&str>| LogPath {
        action,
        path: path.to_owned(),
        is_dir: Some(is_dir),
        copy_from: copy_from.map(str::to_owned),
    };
    match (word.strip_prefix('+'), word.split_once(">>"), word.split_once('>')) {
        (Some(dir), ..) => vec![path('A', dir, true, None)],
        (_, Some((from, to)), _) => vec![path('D', from, true, None), path('A', to, true, Some(from))],
        (_, _, Some((from, to))) => vec![path('A', to, true, Some(from))],
        _ => vec![path('M', word, false, None)],
    }
}

fn found(history: &[&str]) -> (String, u8) {
    let detected = detect(&survey(history));
    assert!(!detected.reasons.is_empty());
    (detected.layout.to_string(), detected.confidence)
}

#[test]
fn each_shape_is_found_whatever_it_is_called() {
    let cases: [(&str, &[&str], &str); 13] = [
        (
            "several projects without branches",
            &["+a +a/trunk a/trunk/f", "+b +b/trunk b/trunk/f"],
            "project=a,project=b",
        ),
        (
            "standard",
            &["+trunk +branches +tags trunk/f", "trunk>branches/a", "trunk>tags/1"],
            "trunk=trunk,branches=branches,tags=tags",
        ),
        ("standard without branches", &["+trunk trunk/f trunk/g"], "trunk=trunk,branches=branches,tags=tags"),
        (
            "standard below a directory",
            &["+p +p/trunk +p/tags p/trunk/f", "p/trunk>p/tags/1"],
            "trunk=p/trunk,branches=p/branches,tags=p/tags",
        ),
        (
            "more directories of branches",
            &[
                "+trunk +branches +stable trunk/f",
                "trunk>branches/a",
                "trunk>stable/1.0",
                "stable/1.0/f",
                "trunk>vendor/x vendor/x/f",
            ],
            "trunk=trunk,branches=branches,branches=stable,branches=vendor,tags=tags",
        ),
        (
            "branches sorted into directories",
            &[
                "+trunk +branches +branches/stable trunk/f",
                "trunk>branches/a",
                "trunk>branches/stable/1",
                "branches/a/f",
            ],
            "trunk=trunk,branches=branches,branches=branches/stable,tags=tags",
        ),
        (
            "other names",
            &["+main main/f", "main>stable/1 stable/1/f", "main>releases/1.0", "main/f", "stable/1>releases/1.1"],
            "trunk=main,branches=stable,tags=releases",
        ),
        (
            "names that mean nothing",
            &["+src src/f", "src>lines/x", "lines/x/f", "src>lines/y", "src>frozen/1", "lines/x>frozen/2"],
            "trunk=src,branches=lines,tags=frozen",
        ),
        (
            "the main line among the branches",
            &["+branches +branches/main branches/main/f", "branches/main>branches/a", "branches/a/f"],
            "trunk=branches/main,branches=branches",
        ),
        (
            "several projects",
            &[
                "+a +a/trunk +a/tags a/trunk/f +b +b/trunk +b/branches b/trunk/f",
                "a/trunk>a/tags/1",
                "b/trunk>b/branches/x",
            ],
            "project=a,project=b",
        ),
        (
            "several projects in one trunk",
            &[
                "+trunk +branches +tags +trunk/a +trunk/b trunk/a/f trunk/b/f",
                "trunk/a>branches/a/x",
                "trunk/b>tags/b/1",
                "trunk/a>tags/a/1",
            ],
            "project=a,trunk=trunk/a,branches=branches/a,tags=tags/a,project=b,trunk=trunk/b,branches=branches/b,tags=tags/b",
        ),
        ("nothing", &["+src +doc src/f doc/f", "src/f"], "single"),
        ("tidying up", &["+src +lib src/a/f", "src/a>lib/a", "src>src-old", "lib>>src/lib", "src/a>>src/b"], "single"),
    ];
    for (name, history, expected) in cases {
        let (layout, confidence) = found(history);
        assert_eq!(layout, expected, "{name}");
        assert!(confidence >= 50, "{name}: {confidence}");
    }
}

#[test]
fn the_less_lies_in_it_the_less_sure_it_is() {
    let (_, sure) = found(&["+trunk trunk/f", "trunk>tags/1"]);
    let (_, unsure) = found(&["+trunk trunk/f other/a other/b other/c", "trunk>tags/1"]);
    assert!(sure > unsure, "{sure} {unsure}");
    assert_eq!(detect(&survey(&[])).confidence, 0, "no history, no knowledge");
}

#[test]
fn what_is_aside_of_a_large_trunk_is_left_out_and_said() {
    let busy = vec!["trunk/f"; 40];
    let detected = detect(&survey(&[&["+trunk +branches +old +old/trunk +old/tags"][..], &busy].concat()));
    assert_eq!(detected.layout.projects().len(), 1);
    assert!(detected.reasons[0].starts_with("old have trunks of their own"), "{:?}", detected.reasons);
}
