//! What was done to credentials and webhooks, as their owners list it.

use crate::up::{Up, codeimport};
use serde_json::{Value, json};

/// A command that reads a password.
fn ok_with_password(up: &Up, password: &str, args: &[&str]) {
    let typed = format!("{password}\n").into_bytes();
    let output = codeimport(up.dir.path(), args).stdin(typed).run().expect("the program can be run");
    assert!(output.success(), "{args:?}: {}", output.stderr);
}

/// What was done to which, newest first.
fn deeds(events: &[Value]) -> Vec<[&Value; 2]> {
    events.iter().map(|event| [&event["type"], &event["owned_id"]]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_to_credentials_and_webhooks_is_listed_without_secrets() {
    let up = Up::start().await;
    ok_with_password(&up, "first-pa55", &["credential", "create", "https://host.invalid/", "--id", "c"]);
    ok_with_password(&up, "other-pa55", &["credential", "create", "https://host.invalid/", "--id", "d"]);
    ok_with_password(&up, "second-pa55", &["credential", "rotate", "c"]);
    up.ok(&["credential", "delete", "c"]);
    let of_one = up.json(&["credential", "events", "c"]);
    assert_eq!(deeds(&of_one), [["deleted", "c"], ["rotated", "c"], ["created", "c"]], "it outlives what it tells of");
    assert_eq!(of_one[1]["changes"], json!([{ "path": "version", "before": "1", "after": "2" }]));
    assert_eq!(deeds(&up.json(&["credential", "events", "--limit", "3"]))[2], ["created", "d"], "of all of them");

    up.ok(&["webhook", "create", "http://127.0.0.1:9/hook", "--id", "w"]);
    up.ok(&["webhook", "pause", "w"]);
    let told = up.json(&["webhook", "events", "w", "--limit", "1"]);
    assert_eq!(deeds(&told), [["updated", "w"]]);
    let shown = up.ok(&["webhook", "events", "w"]) + &up.ok(&["credential", "events"]);
    assert!(shown.contains("  w  updated by ") && shown.contains("  is_paused: false -> true\n"), "{shown}");
    assert!(!shown.contains("pa55") && !shown.contains("whsec_"), "{shown}");
}
