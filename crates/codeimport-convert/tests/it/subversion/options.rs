//! What Subversion says in properties, shown only if it was asked for; and what is lost otherwise, told.

use super::apache::Apache;
use super::conversion::Conversion;
use super::server::{SvnServer, run};
use codeimport_convert::{
    Finding, LocalRun, LocalTarget, Scope, SourceOptions, SvnOptions, Verdict, Verification, Watch, verify,
};
use codeimport_core::{AuthorMap, Layout, RcsType, SourceUrl};
use std::path::PathBuf;
use tempfile::TempDir;

/// A repository that is converted with some options, on this machine.
struct Local {
    dir: TempDir,
    url: SourceUrl,
    options: SourceOptions,
}

impl Local {
    fn of(server: &SvnServer, name: &str, svn: SvnOptions) -> Self {
        let url = SourceUrl::parse(RcsType::Subversion, &server.url(name)).expect("valid");
        let options = SourceOptions { svn, ..SourceOptions::default() };
        Self { dir: tempfile::tempdir().expect("temporary folder"), url, options }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("copy.git")
    }

    fn run(&self) -> LocalRun {
        let target = LocalTarget::open(&self.path(), &Watch::none()).expect("opened");
        target.run(&self.url, self.options.clone(), &Watch::none()).expect("converted")
    }

    /// With no options: those of the copy count.
    fn verify(&self) -> Verification {
        verify(&self.url, SourceOptions::default(), &self.path(), Scope::All, &Watch::none()).expect("compared")
    }

    fn git(&self, args: &[&str]) -> String {
        run(&self.path(), &[&["git"], args].concat())
    }

    fn files(&self) -> String {
        self.git(&["ls-tree", "-r", "--name-only", "refs/heads/trunk"])
    }
}

fn found(run: &LocalRun) -> Vec<(&'static str, u64, String)> {
    let short = |mut finding: Finding| {
        // Within a revision the server tells of paths in an order of its own.
        finding.examples.sort();
        (finding.kind.name(), finding.count, finding.examples.join(" "))
    };
    run.findings.iter().map(short).collect()
}

/// Directories with ignored names and externals, and one that has a .gitignore of its own.
fn with_properties(server: &SvnServer, name: &str) {
    server.create(name);
    let text = &server.file("text\n");
    let words = ["mkdir", "trunk", "mkdir", "trunk/d", "mkdir", "trunk/empty", "put", text, "trunk/d/.gitignore"];
    server.mucc(name, &words);
    server.mucc(name, &["propset", "svn:ignore", "*.o\n*.a b\n", "trunk", "propset", "svn:ignore", "x", "trunk/d"]);
    server.mucc(name, &["propset", "svn:global-ignores", "*.tmp", "trunk/empty"]);
    server.mucc(name, &["propset", "svn:externals", "^/other lib\n", "trunk"]);
    server.mucc(name, &["cp", "4", "trunk", "branches"]);
    server.mucc(name, &["propdel", "svn:externals", "trunk"]);
}

#[test]
fn what_is_not_shown_is_told_once() {
    let server = SvnServer::start();
    with_properties(&server, "r");
    let mut local = Local::of(&server, "r", SvnOptions { layout: Some(Layout::standard("")), ..SvnOptions::default() });
    local.options.authors = AuthorMap::parse("bob = Bob <bob@example.org>").expect("well-formed");
    let expected = [
        ("empty_directory", 1, "trunk/empty"),
        ("unknown_author", 1, "ada"),
        ("ignores_not_converted", 3, "trunk trunk/d trunk/empty"),
        ("externals_not_kept", 1, "trunk"),
    ];
    // A copy named like the directory of branches has directories in it, which are branches.
    assert_eq!(found(&local.run()), expected.map(|(kind, count, names)| (kind, count, names.to_owned())));
    assert!(local.run().findings.iter().next().is_none(), "nothing new, nothing found");
}

#[test]
fn revisions_without_commit_and_paths_outside_of_branches_are_told() {
    let server = SvnServer::start();
    server.create("r");
    let text = &server.file("text\n");
    server.mucc("r", &["mkdir", "trunk", "put", text, "trunk/f"]);
    server.mucc("r", &["mkdir", "notes", "put", text, "notes/f"]);
    let layout = Some(Layout::standard(""));
    let local = Local::of(&server, "r", SvnOptions { layout, ..SvnOptions::default() });
    let found = found(&local.run());
    assert!(found.contains(&("revision_without_commit", 1, "r2".to_owned())), "{found:?}");
    assert!(found.contains(&("outside_of_branches", 2, "notes notes/f".to_owned())), "{found:?}");
}

#[test]
fn ignored_names_and_externals_become_files_if_asked_for() {
    let server = SvnServer::start();
    with_properties(&server, "r");
    let svn = SvnOptions {
        layout: Some(Layout::single("trunk")),
        convert_ignores: true,
        keep_externals: true,
        ..SvnOptions::default()
    };
    let local = Local::of(&server, "r", svn);
    let run = local.run();
    assert!(found(&run).iter().all(|(kind, ..)| !kind.ends_with("converted") && !kind.ends_with("kept")));
    assert_eq!(local.files(), ".gitignore\nd/.gitignore\nempty/.gitignore");
    let show = |path: &str| local.git(&["show", &format!("refs/heads/trunk{path}")]);
    assert_eq!(show(":.gitignore"), "/*.o\n/*.a b");
    assert_eq!(show(":d/.gitignore"), "text", "the source's own file stays");
    assert_eq!(show(":empty/.gitignore"), "*.tmp");
    assert_eq!(show("~1:.svnexternals"), "^/other lib");
    let found = local.verify();
    assert_eq!(found.verdict(), Verdict::Verified, "{found:?}");
}

#[test]
fn normalized_line_ends_follow_their_files() {
    let server = SvnServer::start();
    server.create("r");
    let text = server.file("one\r\ntwo\r\n");
    let style = |value: &'static str, path: &'static str| ["propset", "svn:eol-style", value, path];
    let put = |path: &'static str| ["put", text.as_str(), path];
    let words = [
        &["mkdir", "trunk", "mkdir", "trunk/d", "mkdir", "trunk/e"][..],
        &put("trunk/d/native"),
        &style("native", "trunk/d/native"),
        &put("trunk/d/lf"),
        &style("LF", "trunk/d/lf"),
        &put("trunk/raw"),
    ];
    server.mucc("r", &words.concat());
    server.mucc("r", &["cp", "1", "trunk/d/native", "trunk/e/copy"]);
    server.mucc("r", &["propdel", "svn:eol-style", "trunk/d/lf"]);
    server.mucc("r", &["cp", "1", "trunk/d", "trunk/old"]);
    server.mucc("r", &["rm", "trunk/d/native"]);
    server.mucc("r", &put("trunk/d/native"));
    let svn = SvnOptions { normalize_line_ends: true, ..SvnOptions::default() };
    let local = Local::of(&server, "r", svn.clone());
    local.run();
    let found = local.verify();
    assert_eq!(found.verdict(), Verdict::Verified, "{found:?}");
    let raw_blob = local.git(&["rev-parse", "refs/heads/trunk:raw"]);
    let is_raw = |path: &str| local.git(&["rev-parse", &format!("refs/heads/trunk:{path}")]) == raw_blob;
    let raw: Vec<_> =
        ["d/native", "d/lf", "e/copy", "old/native", "old/lf"].into_iter().filter(|p| is_raw(p)).collect();
    assert_eq!(raw, ["d/native", "d/lf"], "whatever a file is called, it is the property that counts");
    // Cut up it is the same, and other options are refused.
    let mut cut = Conversion::of(&server, "r");
    (cut.options.svn, cut.options.max_revisions) = (svn, 1);
    cut.run_to_the_end(true);
    assert_eq!(
        cut.refs(),
        local.git(&["for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"])
    );
    cut.options.svn.normalize_line_ends = false;
    assert!(cut.try_run(true).expect_err("refused").to_string().contains("line ends"));
}

#[test]
fn a_message_that_is_changed_later_is_told_once_and_its_commit_stays() {
    let server = SvnServer::start();
    server.create("r");
    let put = |text: &str| server.mucc("r", &["put", &server.file(text), "f"]);
    put("one");
    put("two");
    let local = Local::of(&server, "r", SvnOptions::default());
    local.run();
    let before = local.git(&["rev-parse", "refs/heads/trunk"]);
    let message = server.file("mended\n");
    run(&server.path("r"), &["svnadmin", "setlog", "--bypass-hooks", "-r", "1", ".", &message]);
    put("three");
    let first = local.run();
    assert!(found(&first).contains(&("late_change", 1, "r1".to_owned())), "{:?}", found(&first));
    assert_eq!(local.git(&["rev-parse", "refs/heads/trunk~1"]), before);
    put("four");
    assert!(found(&local.run()).iter().all(|(kind, ..)| *kind != "late_change"), "told already");
    // The same over another way in, which has to ask svn.
    let author = server.file("bob");
    run(&server.path("r"), &["svnadmin", "setrevprop", "-r", "2", ".", "svn:author", &author]);
    put("five");
    let url = SourceUrl::parse_on_own_machine(RcsType::Subversion, &format!("file://{}", server.path("r").display()));
    let by_file = Local { url: url.expect("valid"), ..local };
    assert!(found(&by_file.run()).contains(&("late_change", 1, "r2".to_owned())));
    // And over HTTP.
    let Some(apache) = Apache::serve(&server.root()) else { return };
    run(
        &server.path("r"),
        &["svnadmin", "setlog", "--bypass-hooks", "-r", "3", ".", &server.file("<mended> & \"ü\"\n")],
    );
    put("six");
    let url = SourceUrl::parse(RcsType::Subversion, &apache.url("svn", "r"));
    let by_http = Local { url: url.expect("valid"), ..by_file };
    assert!(found(&by_http.run()).contains(&("late_change", 1, "r3".to_owned())));
    put("seven");
    assert!(found(&by_http.run()).iter().all(|(kind, ..)| *kind != "late_change"), "told already");
}
