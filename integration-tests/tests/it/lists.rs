//! Lists of definitions, as somebody brings them along and takes them away.

use crate::up::Up;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

/// Of each type, with whatever it may have; and two of one source.
const LIST: &str = r#"
{"url": "https://host.invalid/a.git", "rcs": "git", "id": "plain"}
{"url": "https://host.invalid/a.git", "rcs": "git", "id": "again", "duplicate": true, "refs": ["refs/heads/*"]}
{"url": "svn://host.invalid/r", "rcs": "svn", "id": "s", "layout": "trunk=trunk,branches=branches", "author_map": "ada = Ada <a@b>\n# no more\n", "git_svn_id": true, "keep_externals": true}
{"url": ":pserver:anonymous@host.invalid:/cvsroot", "rcs": "cvs", "id": "c", "cvs_module": "m", "cvs_charset": "koi8-r", "author_map": "bob = Bob <b@b>\n"}
{"url": "https://host.invalid/h", "rcs": "hg", "id": "h", "name": "H, \"the\" one", "owner": "kernel", "assignee": "olga", "labels": {"team": "x", "old": ""}, "interval": "90m"}
{"url": "https://host.invalid/b", "rcs": "bzr", "id": "b", "shortest_interval": "30m", "longest_interval": "48h", "exclude_refs": ["refs/tags/*"]}
"#;

fn lines(dump: &str) -> BTreeSet<&str> {
    dump.lines().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_that_is_loaded_into_an_empty_registry_gives_the_same_definitions() {
    let up = Up::start().await;
    let file = |name: &str, text: &str| {
        let path = up.dir.path().join(name);
        fs::write(&path, text).expect("written");
        path.display().to_string()
    };
    up.ok(&["import", "load", &file("list.jsonl", LIST)]);
    let first = up.ok(&["import", "dump"]);
    assert_eq!(lines(&first).len(), 6, "{first}");
    for said in ["trunk=trunk", "# no more", "koi8-r", "1h 30m", "48h", "kernel", "olga"] {
        assert!(first.contains(said), "{said} is in it:\n{first}");
    }
    for line in first.lines() {
        let fields: BTreeMap<String, Value> = serde_json::from_str(line).expect("an object");
        let is_empty = |value: &Value| [json!(""), json!([]), json!({}), json!(false)].contains(value);
        assert!(!fields.values().any(is_empty), "only what it says: {line}");
    }
    for format in ["jsonl", "csv"] {
        let dump = up.ok(&["import", "dump", "--format", format]);
        for id in ["plain", "again", "s", "c", "h", "b"] {
            up.ok(&["import", "delete", id]);
        }
        up.ok(&["import", "load", &file(&format!("dump.{format}"), &dump)]);
        let second = up.ok(&["import", "dump"]);
        assert_eq!(lines(&second), lines(&first), "{format}");
    }
}
