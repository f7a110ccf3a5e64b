//! Layouts: found out from what was copied where, or as they were asked for.

use super::conversion::Conversion;
use super::server::SvnServer;
use codeimport_convert::{Preview, SourceOptions, Watch, open_source};
use codeimport_core::{RcsType, SourceUrl};

/// A repository with these commits. `TEXT` stands for a file to put.
fn repository(server: &SvnServer, name: &str, commits: &[&str]) {
    server.create(name);
    for (number, words) in commits.iter().enumerate() {
        let text = server.file(&format!("{number}\n"));
        let words: Vec<_> = words.split(' ').map(|word| if word == "TEXT" { text.as_str() } else { word }).collect();
        server.mucc(name, &words);
    }
}

fn preview(server: &SvnServer, name: &str) -> Preview {
    let url = SourceUrl::parse(RcsType::Subversion, &server.url(name)).expect("valid");
    let source = open_source(&url, SourceOptions::default());
    source.preview(&Watch::none()).expect("looked at")
}

/// Claims that preview proposes a layout, that the first run takes it, and that these refs come out.
fn assert_found(name: &str, commits: &[&str], layout: &str, refs: &[&str]) -> Conversion {
    let server = SvnServer::start();
    repository(&server, name, commits);
    let preview = preview(&server, name);
    assert_eq!(preview.layout, layout, "{:?}", preview.layout_reasons);
    let shown = preview.branches.iter().map(|name| format!("refs/heads/{name}"));
    let shown: Vec<_> = shown.chain(preview.tags.iter().map(|name| format!("refs/tags/{name}"))).collect();
    let mut conversion = Conversion::of(&server, name);
    conversion.run_to_the_end(false);
    assert_eq!(conversion.ref_names(), refs);
    assert_eq!(shown.iter().collect::<std::collections::BTreeSet<_>>().len(), refs.len(), "{shown:?}");
    assert!(shown.iter().all(|name| refs.contains(&name.as_str())), "{shown:?}");
    conversion.assert_faithful();
    conversion
}

#[test]
fn the_usual_directories_are_found() {
    let commits = [
        "mkdir trunk mkdir branches mkdir tags put TEXT trunk/f",
        "cp 1 trunk branches/a put TEXT branches/a/g",
        "cp 1 trunk tags/1",
    ];
    let refs = ["refs/heads/a", "refs/heads/trunk", "refs/tags/1"];
    assert_found("r", &commits, "trunk=trunk,branches=branches,tags=tags", &refs);
}

#[test]
fn a_main_line_of_another_name_is_found_by_what_was_copied_from_it() {
    let commits = [
        "mkdir main mkdir stable mkdir releases put TEXT main/f",
        "cp 1 main stable/1 put TEXT stable/1/g",
        "put TEXT stable/1/f",
        "cp 3 stable/1 releases/1.0",
        "put TEXT main/f",
        "cp 5 main releases/2.0",
    ];
    let refs = ["refs/heads/1", "refs/heads/trunk", "refs/tags/1.0", "refs/tags/2.0"];
    let conversion = assert_found("r", &commits, "trunk=main,branches=stable,tags=releases", &refs);
    assert_eq!(conversion.git(&["symbolic-ref", "HEAD"]), "refs/heads/trunk");
}

#[test]
fn branches_that_are_sorted_into_directories_are_found() {
    let commits = [
        "mkdir trunk mkdir branches mkdir branches/stable put TEXT trunk/f",
        "cp 1 trunk branches/stable/1 put TEXT branches/stable/1/g",
        "cp 1 trunk branches/a put TEXT branches/a/g",
    ];
    let refs = ["refs/heads/a", "refs/heads/stable/1", "refs/heads/trunk"];
    assert_found("r", &commits, "trunk=trunk,branches=branches,branches=branches/stable,tags=tags", &refs);
}

#[test]
fn several_projects_in_one_repository_are_found() {
    let commits = [
        "mkdir a mkdir a/trunk mkdir a/branches mkdir a/tags put TEXT a/trunk/f",
        "mkdir b mkdir b/trunk mkdir b/branches mkdir b/tags put TEXT b/trunk/f",
        "cp 1 a/trunk a/branches/x put TEXT a/branches/x/g",
        "cp 2 b/trunk b/tags/1",
        "mv a/trunk/f b/trunk/from-a",
    ];
    let refs = ["refs/heads/a/trunk", "refs/heads/a/x", "refs/heads/b/trunk", "refs/tags/b/1"];
    let conversion = assert_found("r", &commits, "project=a,project=b", &refs);
    assert_eq!(conversion.git(&["symbolic-ref", "HEAD"]), "refs/heads/a/trunk");
}

#[test]
fn several_projects_in_one_trunk_are_found() {
    let commits = [
        "mkdir trunk mkdir branches mkdir tags mkdir trunk/a mkdir trunk/b put TEXT trunk/a/f put TEXT trunk/b/f",
        "mkdir branches/a cp 1 trunk/a branches/a/x put TEXT branches/a/x/g",
        "mkdir tags/b cp 1 trunk/b tags/b/1",
    ];
    let layout = "project=a,trunk=trunk/a,branches=branches/a,tags=tags/a,\
                  project=b,trunk=trunk/b,branches=branches/b,tags=tags/b";
    let refs = ["refs/heads/a/trunk", "refs/heads/a/x", "refs/heads/b/trunk", "refs/tags/b/1"];
    assert_found("r", &commits, layout, &refs);
}

#[test]
fn no_layout_at_all_is_one_line_of_history() {
    let commits = ["mkdir src put TEXT src/f", "mkdir doc put TEXT doc/f", "cp 2 src/f doc/g"];
    assert_found("r", &commits, "single", &["refs/heads/trunk"]);
}

#[test]
fn one_project_of_several_is_a_source_of_its_own() {
    let server = SvnServer::start();
    let commits = [
        "mkdir a mkdir a/trunk mkdir a/tags put TEXT a/trunk/f",
        "mkdir b mkdir b/trunk put TEXT b/trunk/f",
        "cp 1 a/trunk a/tags/1",
    ];
    repository(&server, "r", &commits);
    let mut conversion = Conversion::below(&server, "r", "/a");
    conversion.run_to_the_end(false);
    assert_eq!(conversion.ref_names(), ["refs/heads/trunk", "refs/tags/1"]);
    conversion.assert_faithful();
}

#[test]
fn a_layout_that_was_asked_for_is_the_one_that_counts() {
    let server = SvnServer::start();
    let commits =
        ["mkdir a mkdir a/trunk put TEXT a/trunk/f", "mkdir b mkdir b/trunk put TEXT b/trunk/f", "cp 2 b/trunk a/new"];
    repository(&server, "r", &commits);
    let mut conversion = Conversion::of(&server, "r");
    conversion.options.svn.layout = Some("project=x/y,trunk=b/trunk,project=z,branches=a/*".parse().expect("a layout"));
    conversion.run_to_the_end(false);
    let refs = ["refs/heads/x/y/trunk", "refs/heads/z/branches/trunk", "refs/heads/z/new"];
    assert_eq!(conversion.ref_names(), refs.map(|name| name.replace("branches/trunk", "a/trunk")));
    conversion.assert_faithful();
    // Another one later is refused, none at all is no other one.
    conversion.options.svn.layout = Some("single".parse().expect("a layout"));
    assert!(conversion.try_run(false).expect_err("refused").to_string().contains("other options"));
    conversion.options.svn.layout = None;
    assert!(conversion.try_run(false).expect("the same").complete);
}
