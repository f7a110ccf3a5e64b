//! What the scan tells is what `git log` tells.

use crate::world::{World, os, run_git};
use codeimport_convert::{
    ConvertError, ObjectId, Watch,
    scan::{BATCH_LEN, ScannedCommit, new_commits, peel_refs},
};
use std::collections::BTreeSet;

fn scan(world: &World, known: &BTreeSet<ObjectId>) -> Vec<ScannedCommit> {
    let cache = world.cache();
    let wanted = world.fetch(&cache).expect("fetched");
    let refs = peel_refs(&cache, &wanted.refs).expect("peeled");
    let tips = refs.iter().filter_map(|r| r.commit_id).collect();
    let mut commits = Vec::new();
    let count = new_commits::<ConvertError>(&cache, &tips, known, &Watch::none(), |batch| {
        assert!(batch.len() <= BATCH_LEN);
        commits.extend(batch);
        Ok(())
    });
    assert_eq!(count.expect("scanned"), u64::try_from(commits.len()).expect("fits"));
    commits
}

/// What git says of the same commits, in the same words.
fn assert_same_as_git_log(world: &World, commits: &[ScannedCommit]) {
    let format = "%H%x00%P%x00%an%x00%ae%x00%at%x00%cn%x00%ce%x00%ct%x00%B";
    for commit in commits {
        let told = world.git_source([
            "show",
            "--no-patch",
            "--encoding=UTF-8",
            &format!("--format={format}"),
            &commit.id.to_string(),
        ]);
        let parents: Vec<_> = commit.parents.iter().map(ToString::to_string).collect();
        let (author, committer) = (&commit.author, &commit.committer);
        let ours = [
            &commit.id.to_string(),
            &parents.join(" "),
            &author.name,
            &author.email,
            &author.seconds.to_string(),
            &committer.name,
            &committer.email,
            &committer.seconds.to_string(),
            commit.message.trim_end(),
        ];
        assert_eq!(told.split('\0').collect::<Vec<_>>(), ours);
    }
}

#[test]
fn revisions_equal_git_log() {
    let world = World::with_history();
    world.git(["checkout", "-q", "-b", "side"]);
    world.commit("Subject\n\nBody with trailing lines\n\nSigned-off-by: me\n");
    world.git(["checkout", "-q", "main"]);
    world.commit("grün");
    world.git(["merge", "-q", "--no-ff", "-m", "merge", "-s", "ours", "side"]);
    world.push(["main", "side"]);
    let commits = scan(&world, &BTreeSet::new());
    assert_eq!(commits.len(), 4);
    assert!(commits.iter().all(|c| c.author.offset_minutes == 90));
    assert_same_as_git_log(&world, &commits);
}

#[test]
fn only_commits_that_are_not_known_are_told() {
    let world = World::with_history();
    let known: BTreeSet<_> = scan(&world, &BTreeSet::new()).iter().map(|c| c.id).collect();
    let second = world.commit("second");
    world.push(["main"]);
    let new: Vec<_> = scan(&world, &known).iter().map(|c| c.id.to_string()).collect();
    assert_eq!(new, [second]);
    let gone = BTreeSet::from([ObjectId::from_hex(&[b'a'; 40]).expect("valid")]);
    assert_eq!(scan(&world, &gone).len(), 2, "what the cache does not have is passed over");
}

#[test]
fn a_commit_in_an_old_encoding_is_decoded() {
    let world = World::with_history();
    let message = world.dir.path().join("message");
    std::fs::write(&message, b"gr\xfcn\n").expect("writable");
    world.git([
        "-c",
        "i18n.commitEncoding=ISO-8859-1",
        "commit",
        "-q",
        "--allow-empty",
        "-F",
        message.to_str().expect("text"),
    ]);
    world.push(["main"]);
    let commits = scan(&world, &BTreeSet::new());
    assert!(commits.iter().any(|c| c.message == "grün\n"));
    assert_same_as_git_log(&world, &commits);
}

#[test]
fn malformed_commits_are_told_as_far_as_they_go() {
    let world = World::with_history();
    let tree = world.git(["rev-parse", "HEAD^{tree}"]);
    let odd = [
        format!("tree {tree}\nauthor no address at all\ncommitter C <c@h> 12 +0000\n\nodd author\n"),
        format!("tree {tree}\nauthor A <a@h> 99999999999999999999 +9999\ncommitter A <a@h> 5 -0000\n\nodd date\n"),
        format!("tree {tree}\nauthor A <a@h> 5 +0000\ncommitter A <a@h>\n\nno date\n"),
    ];
    for (number, text) in odd.iter().enumerate() {
        let command = crate::world::git_command(
            &world.source(),
            ["hash-object", "-t", "commit", "-w", "--literally", "--stdin"].map(Into::into).to_vec(),
        );
        let output = command.stdin(text.clone().into_bytes()).run().expect("git runs");
        assert!(output.success(), "{}", output.stderr);
        let id = output.stdout_text().trim().to_owned();
        std::fs::write(world.source().join(format!("refs/heads/odd{number}")), format!("{id}\n")).expect("writable");
    }
    let commits = scan(&world, &BTreeSet::new());
    let messages: BTreeSet<_> = commits.iter().map(|c| c.message.as_str()).collect();
    assert_eq!(messages, BTreeSet::from(["first\n", "odd author\n", "odd date\n", "no date\n"]));
}

#[test]
fn a_tag_leads_to_its_commit_and_a_tag_of_a_blob_to_none() {
    let world = World::with_history();
    world.git(["tag", "-a", "-m", "one", "v1"]);
    world.git(["tag", "-a", "-m", "two", "v2", "v1"]);
    let blob = world.git(["hash-object", "-w", "file.txt"]);
    world.git(["tag", "blob", &blob]);
    world.push(["--tags"]);
    run_git(&world.source(), vec!["update-ref".into(), os(b"refs/heads/\xff"), "main".into()]);
    let cache = world.cache();
    let wanted = world.fetch(&cache).expect("fetched");
    let refs = peel_refs(&cache, &wanted.refs).expect("peeled");
    let shown: Vec<_> = refs.iter().map(|r| (r.name.as_str(), r.commit_id.is_some())).collect();
    let expected = [
        ("refs/heads/%ff", true),
        ("refs/heads/main", true),
        ("refs/tags/blob", false),
        ("refs/tags/v1", true),
        ("refs/tags/v2", true),
    ];
    assert_eq!(shown, expected);
    let v2 = refs.last().expect("there");
    assert_ne!(Some(v2.object_id), v2.commit_id);
}
