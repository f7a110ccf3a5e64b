//! What no worker should send: refused by name, or stored as it can be shown; never half.

use crate::{
    harness::{Registry, token, violated_fields},
    scans::{commit, put, reference, swap},
};
use codeimport_proto::registry::{GetRevisionRequest, PutRevisionsRequest, Revision, Signature, SourceRevision};

async fn registry_with_import() -> Registry {
    let mut registry = Registry::start().await;
    registry.create("a").await;
    registry
}

async fn stored(registry: &mut Registry, revision: Revision) -> Revision {
    let request = GetRevisionRequest { import_id: "a".to_owned(), commit_id: revision.commit_id.clone() };
    registry.runs.put_revisions(put(token("a", 1), vec![revision])).await.expect("stored");
    registry.runs.swap_refs(swap(token("a", 1), vec![reference("main", 1)])).await.expect("swapped");
    registry.scans.get_revision(request).await.expect("shown").into_inner().revision.expect("revision")
}

#[tokio::test]
async fn control_characters_and_any_script_are_shown_as_they_were_sent() {
    let mut registry = registry_with_import().await;
    let signature = |name: &str| Signature {
        name: name.to_owned(),
        email: "\u{1b}[31m\r\n<>\u{202e}".to_owned(),
        time: Some(prost_types::Timestamp { seconds: i64::MIN, nanos: 0 }),
        utc_offset_minutes: i32::MIN,
    };
    let odd = Revision {
        author: Some(signature("")),
        committer: Some(signature(&"ü漢\u{7}".repeat(5_000))),
        message: "\u{0}a\u{1}\u{feff}\r\n\u{10ffff}".to_owned(),
        ..commit(1, &[])
    };
    let shown = stored(&mut registry, odd.clone()).await;
    assert_eq!(shown.message, odd.message.replace('\0', "\u{fffd}"), "NUL is what PostgreSQL does not have");
    assert_eq!((shown.author, shown.committer), (odd.author, odd.committer));
}

#[tokio::test]
async fn a_message_of_ten_megabytes_is_stored_whole() {
    let mut registry = registry_with_import().await;
    let large = Revision { message: "line\n".repeat(2 << 20), ..commit(1, &[]) };
    registry.scans = registry.scans.clone().max_decoding_message_size(64 << 20);
    registry.runs = registry.runs.clone().max_encoding_message_size(64 << 20);
    assert!(stored(&mut registry, large.clone()).await == large);
}

#[tokio::test]
async fn parents_that_cannot_be_are_refused_by_name_and_nothing_is_stored() {
    let mut registry = registry_with_import().await;
    let with_parents = |parent_ids: Vec<String>| Revision { parent_ids, ..commit(2, &[]) };
    let bad = [
        with_parents(vec!["0".repeat(39)]),
        with_parents(vec!["g".repeat(40)]),
        with_parents(vec![String::new()]),
        with_parents(vec!["0".repeat(40); 10_001]),
    ];
    for revision in bad {
        let sent = registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[]), revision])).await;
        assert_eq!(violated_fields(sent), ["revisions[1].parent_ids"]);
    }
    assert_eq!(registry.count("SELECT count(*) FROM revision").await, 0);
}

#[tokio::test]
async fn a_commit_that_is_its_own_parent_ends_no_walk_badly() {
    let mut registry = registry_with_import().await;
    let circle = vec![commit(2, &[1, 1, 2]), commit(1, &[2])];
    registry.runs.put_revisions(put(token("a", 1), circle)).await.expect("stored");
    registry.runs.swap_refs(swap(token("a", 1), vec![reference("main", 1)])).await.expect("swapped");
    assert_eq!(registry.count("SELECT commit_count FROM scan").await, 2);
}

#[tokio::test]
async fn lists_that_are_too_long_and_numbers_out_of_bounds_are_refused_by_name() {
    let mut registry = registry_with_import().await;
    let many = vec![Revision { message: String::new(), ..commit(1, &[]) }; 10_001];
    let fields = violated_fields(registry.runs.put_revisions(put(token("a", 1), many)).await);
    assert_eq!(fields[..2], ["revisions", "revisions[1].commit_id"], "and each that is there twice");
    for offset in [-1, i64::MAX] {
        let request = PutRevisionsRequest { offset, ..put(token("a", 1), vec![commit(1, &[])]) };
        assert_eq!(violated_fields(registry.runs.put_revisions(request).await), ["offset"]);
    }
    let shown = |revision: &str, branch_path: String| SourceRevision {
        revision: revision.to_owned(),
        branch_path,
        commit_id: hex::encode([1; 20]),
    };
    let source_revisions =
        vec![shown("1\n2", String::new()), shown("1", "a\0b".to_owned()), shown("1", "a".repeat(1_001))];
    let request = PutRevisionsRequest { source_revisions, ..put(token("a", 1), vec![commit(1, &[])]) };
    let fields = violated_fields(registry.runs.put_revisions(request).await);
    assert_eq!(
        fields,
        ["source_revisions[0].revision", "source_revisions[1].branch_path", "source_revisions[2].branch_path"]
    );
    assert_eq!(registry.count("SELECT count(*) FROM revision").await, 0);
}

#[tokio::test]
async fn names_of_refs_have_limits_and_a_swap_that_breaks_one_changes_nothing() {
    let mut registry = registry_with_import().await;
    registry.runs.put_revisions(put(token("a", 1), vec![commit(1, &[])])).await.expect("stored");
    let refs = vec![reference("ok", 1), reference(&"x".repeat(1_000), 1), reference("a\0b", 1)];
    let fields = violated_fields(registry.runs.swap_refs(swap(token("a", 1), refs)).await);
    assert_eq!(fields, ["refs[1].name", "refs[2].name"]);
    assert_eq!(registry.count("SELECT count(*) FROM ref").await, 0);
}
