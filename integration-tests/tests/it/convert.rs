//! The commands that need no service: from a repository to a folder.

use crate::svn_import::SvnServer;
use codeimport_integration_tests::{GitDaemon, GitRepo, git, program, published_refs};
use codeimport_subprocess::{Command, Output};
use serde_json::Value;
use std::fmt::Write as _;
use std::path::PathBuf;

fn codeimport(args: &[&str]) -> Output {
    Command::new(program("codeimport")).arg("--json").args(args).run().expect("the program can be run")
}

/// What a command prints, and its exit code.
fn json(args: &[&str]) -> (Vec<Value>, Option<u32>) {
    let output = codeimport(args);
    let text = output.stdout_text();
    (text.lines().map(|line| serde_json::from_str(line).expect("each line is one object")).collect(), output.code)
}

/// The only object that a command prints, and its exit code.
fn one(args: &[&str]) -> (Value, Option<u32>) {
    let (mut values, code) = json(args);
    assert_eq!(values.len(), 1, "{args:?}");
    (values.remove(0), code)
}

fn target(svn: &SvnServer, name: &str) -> (PathBuf, String) {
    let path = svn.dir.path().join(name);
    let text = path.to_str().expect("a temporary folder's name is text").to_owned();
    (path, text)
}

#[tokio::test]
async fn a_repository_is_looked_at_converted_verified_and_followed() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let url = svn.url("r");
    let (path, dir) = target(&svn, "copy.git");

    let (preview, code) = one(&["preview", &url]);
    assert_eq!(
        (&preview["branches"], &preview["tags"], code),
        (&["b", "trunk"].as_slice().into(), &["v1"].as_slice().into(), Some(0))
    );
    assert_eq!((&preview["revision_count"], &preview["authors"][0]["account"]), (&5.into(), &"ada".into()));
    assert!(!path.exists(), "nothing is written");

    let (first, code) = one(&["convert", &url, &dir, "--limit", "2"]);
    assert_eq!((&first["outcome"], code), (&"partial".into(), Some(3)));
    let (rest, code) = one(&["convert", &url, &dir]);
    assert_eq!((&rest["outcome"], code), (&"success".into(), Some(0)), "{rest}");
    let (again, code) = one(&["convert", &url, &dir]);
    assert_eq!((&again["outcome"], code), (&"no_change".into(), Some(0)));
    assert_eq!(one(&["poll", &url]).0["position"], again["position"]);
    assert_eq!(git(&path, &["rev-list", "--count", "--merges", "trunk"]), "1");

    let (map, _) = json(&["map", &dir]);
    let told: Vec<_> =
        map.iter().map(|line| format!("{}@{}", line["branch"], line["revision"]).replace('"', "")).collect();
    assert_eq!(told, ["trunk@1", "branches/b@2", "branches/b@3", "trunk@4", "tags/v1@5"]);
    assert_eq!(map[3]["commit_id"], git(&path, &["rev-parse", "trunk"]).as_str());

    let (found, code) = one(&["verify", &url, &dir, "--all"]);
    assert_eq!((&found["verdict"], &found["compared_count"], code), (&"VERIFIED".into(), &5.into(), Some(0)));
    git(&path, &["update-ref", "refs/heads/b", "refs/heads/trunk~1"]);
    git(&path, &["update-ref", "refs/heads/strange", &git(&path, &["commit-tree", "-m", "x", "trunk^{tree}"])]);
    let (found, code) = one(&["verify", &url, &dir]);
    assert_eq!((&found["verdict"], code), (&"MISMATCH".into(), Some(8)), "{found}");
}

/// A dump of a trunk that changes in every revision.
pub(crate) fn long_dump(revisions: u32) -> String {
    let props = "K 7\nsvn:log\nV 8\na change\nK 10\nsvn:author\nV 3\nada\nK 8\nsvn:date\nV 27\n2020-01-01T00:00:00.000000Z\nPROPS-END\n";
    let mut dump = "SVN-fs-dump-format-version: 2\n\n".to_owned();
    for number in 1..=revisions {
        let len = props.len();
        let _ =
            write!(dump, "Revision-number: {number}\nProp-content-length: {len}\nContent-length: {len}\n\n{props}\n");
        if number == 1 {
            dump.push_str("Node-path: trunk\nNode-kind: dir\nNode-action: add\n\n\n");
        }
        let (text, file) = (format!("text of r{number}\n"), number % 50);
        let (action, len) = (if number <= 50 { "add" } else { "change" }, text.len());
        let _ = write!(
            dump,
            "Node-path: trunk/f{file}\nNode-kind: file\nNode-action: {action}\nText-content-length: {len}\nContent-length: {len}\n\n{text}\n\n"
        );
    }
    dump
}

#[tokio::test]
async fn a_command_whose_reader_has_gone_ends_quietly() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let (_, dir) = target(&svn, "copy.git");
    assert_eq!(codeimport(&["convert", &svn.url("r"), &dir]).code, Some(0));
    // The reader is waited for, so that it has gone before the first line is written.
    let words = "exec 3> >(:); wait $!; exec \"$0\" map \"$1\" >&3";
    let output =
        Command::new("bash").args(["-c", words]).arg(program("codeimport")).arg(&dir).run().expect("bash is there");
    assert_eq!((output.code, output.stderr.as_str()), (Some(141), ""));
}

#[tokio::test]
async fn each_kind_of_failure_has_its_exit_code() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let (_, dir) = target(&svn, "copy.git");
    let code = |args: &[&str]| codeimport(args).code;
    assert_eq!(code(&["convert", &svn.url("missing"), &dir]), Some(5));
    assert_eq!(code(&["convert", "svn://127.0.0.1:1/r", &dir]), Some(4));
    assert_eq!(code(&["convert", &svn.url("r"), &dir, "--layout", "odd"]), Some(2));
    assert_eq!(code(&["convert", "no address", &dir]), Some(2));
    assert_eq!(code(&["map", svn.dir.path().to_str().expect("text")]), Some(5));
    assert_eq!(code(&["convert", &svn.url("r"), &dir, "--layout", "single"]), Some(0));
    assert_eq!(code(&["convert", &svn.url("r"), &dir, "--layout", "standard"]), Some(5), "the layout is kept");
    let (failed, _) = one(&["convert", &svn.url("missing"), &dir]);
    assert_eq!(failed["outcome"], "invalid");
}

#[tokio::test]
async fn options_decide_names_and_trailers() {
    let svn = SvnServer::start().await;
    svn.with_history("r");
    let (path, dir) = target(&svn, "copy.git");
    let authors = svn.dir.path().join("authors");
    std::fs::write(&authors, "ada = Ada Lovelace <ada@example.org>\n").expect("the folder is ours");
    let authors = authors.to_str().expect("text");
    let layout = "trunk=trunk,branches=branches";
    let url = format!("file://{}", svn.dir.path().join("r").display());
    let options = ["--authors", authors, "--git-svn-id", "--layout", layout];
    let (run, code) = one(&[&["convert", &url, &dir], &options[..]].concat());
    assert_eq!((&run["outcome"], code), (&"success".into(), Some(0)), "{run}");
    assert!(!published_refs(&path).contains("refs/tags/"), "no directory of tags was named");
    let log = git(&path, &["log", "-1", "--format=%an <%ae>%n%B", "trunk"]);
    assert!(log.starts_with("Ada Lovelace <ada@example.org>"), "{log}");
    assert!(log.contains(&format!("git-svn-id: {url}/trunk@4 ")), "{log}");
}

#[tokio::test]
async fn git_sources_need_no_service_either() {
    let mut repo = GitRepo::with_history();
    let source = GitDaemon::serve(&repo).await;
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let path = folder.path().join("copy.git");
    let dir = path.to_str().expect("text");
    assert_eq!(one(&["convert", &source.url(), dir]).1, Some(0));
    assert_eq!(published_refs(&path), published_refs(&repo.bare()));
    repo.commit("third");
    repo.push();
    let (found, code) = one(&["verify", &source.url(), dir]);
    assert_eq!((&found["verdict"], code), (&"PARTIAL".into(), Some(3)), "{found}");
    assert_eq!(one(&["convert", &source.url(), dir]).0["outcome"], "success");
    assert_eq!(published_refs(&path), published_refs(&repo.bare()));
    assert_eq!(one(&["verify", &source.url(), dir]).0["verdict"], "VERIFIED");
    assert_eq!(one(&["convert", &source.url_of("other.git"), dir]).1, Some(5), "it is another source's copy");
}
