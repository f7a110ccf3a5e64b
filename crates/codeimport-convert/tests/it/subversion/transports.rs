//! The same history by each way to it: the ids do not tell which one it was.

use super::apache::Apache;
use super::corpora::dumps;
use super::generated::random_history;
use super::server::{SvnServer, run};
use codeimport_convert::{LocalTarget, MapEntry, Preview, SourceOptions, Watch, open_source, read_map};
use codeimport_core::{RcsType, SourceUrl};
use std::path::Path;

/// What comes out of an address.
struct Converted {
    refs: String,
    map: Vec<MapEntry>,
}

fn convert(url: &str) -> Converted {
    let dir = tempfile::tempdir().expect("temporary folder");
    let url = SourceUrl::parse_on_own_machine(RcsType::Subversion, url).expect("valid");
    let target = LocalTarget::open(dir.path(), &Watch::none()).expect("made");
    target.run(&url, SourceOptions::default(), &Watch::none()).expect("converted");
    let list = ["git", "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags"];
    Converted { refs: run(dir.path(), &list), map: read_map(dir.path()).expect("ours") }
}

/// Compares what servers replay for us with what `svnrdump` makes of the same repository: it is the one that reads
/// `file://`, without any server.
fn compare(server: &SvnServer, apache: Option<&Apache>, name: &str, path: &str) {
    let by_program = convert(&format!("file://{}{path}", server.path(name).display()));
    let over_http = apache.map(|apache| apache.url("svn", name));
    for url in [Some(server.url(name)), over_http].into_iter().flatten() {
        let own = convert(&format!("{url}{path}"));
        assert_eq!(own.refs, by_program.refs, "{url}{path}");
        assert_eq!(own.map, by_program.map, "{url}{path}");
    }
}

#[test]
fn own_replay_and_svnrdump_give_the_same_commits() {
    let server = SvnServer::start();
    let apache = Apache::serve(&server.root());
    for seed in 11..15 {
        let name = format!("seed-{seed}");
        random_history(&server, &name, seed, 40);
        compare(&server, apache.as_ref(), &name, "");
        compare(&server, apache.as_ref(), &name, "/trunk");
    }
}

#[test]
fn so_they_do_on_the_corpora() {
    let Some(corpora) = std::env::var_os("CODEIMPORT_CORPORA") else { return };
    let server = SvnServer::start();
    let apache = Apache::serve(&server.root());
    for dump in dumps(Path::new(&corpora)) {
        let name = dump.file_stem().expect("a name").to_str().expect("text");
        if server.load(name, &dump) {
            compare(&server, apache.as_ref(), name, "");
        }
    }
}

#[test]
fn so_they_do_where_xml_has_its_difficulties() {
    let server = SvnServer::start();
    let apache = Apache::serve(&server.root());
    server.create("r");
    let trunk = |name: &str| format!("trunk/{name}");
    server.mucc("r", &["mkdir", "trunk", "put", &server.file("a\n"), &trunk("a <b> & 'c' \"d\" ü%20")]);
    server.mucc("r", &["put", &server.file(""), &trunk("empty")]);
    server.mucc("r", &["cp", "1", &trunk("a <b> & 'c' \"d\" ü%20"), &trunk("]]>&lt;")]);
    server.mucc("r", &["propset", "a-b:c", "\u{2}\r\n é ", "trunk"]);
    server.mucc("r", &["propdel", "a-b:c", "trunk", "put", &server.file("b\n"), &trunk("b")]);
    server.mucc("r", &["put", &server.file("c\n"), &trunk("c")]);
    for (revision, message) in (1..).zip(["", " \u{7} <b>&amp; \n\n x ", "\tü\n\n", "]]>"]) {
        let revision = revision.to_string();
        let set = ["svnadmin", "setrevprop", "-r", &revision, ".", "svn:log", &server.file(message)];
        run(&server.path("r"), &set);
    }
    run(&server.path("r"), &["svnadmin", "delrevprop", "-r", "5", ".", "svn:author"]);
    run(&server.path("r"), &["svnadmin", "delrevprop", "-r", "6", ".", "svn:date"]);
    compare(&server, apache.as_ref(), "r", "");
    let Some(apache) = apache else { return };
    // Subversion's programs are kept out there: all of it is our own.
    assert_eq!(convert(&apache.url("spared", "r")).refs, convert(&server.url("r")).refs);
}

#[test]
fn a_server_that_does_not_replay_is_read_by_svnrdump() {
    let server = SvnServer::start();
    let Some(apache) = Apache::serve(&server.root()) else { return };
    random_history(&server, "r", 15, 10);
    assert_eq!(convert(&apache.url("reserved", "r")).refs, convert(&server.url("r")).refs);
}

fn preview(url: &str) -> Preview {
    let url = SourceUrl::parse_on_own_machine(RcsType::Subversion, url).expect("valid");
    let source = open_source(&url, SourceOptions::default());
    source.preview(&Watch::none()).expect("looked at")
}

#[test]
fn a_log_over_http_needs_no_program_and_says_what_svn_log_says() {
    let server = SvnServer::start();
    let Some(apache) = Apache::serve(&server.root()) else { return };
    server.create("r");
    let path = server.path("r");
    for (revision, author) in (1..).zip(["ada", "a <b> & \"c\" ü", "", "ada", "ada"]) {
        server.mucc("r", &["put", &server.file(author), &format!("f & <{revision}>")]);
        let revision = revision.to_string();
        run(&path, &["svnadmin", "setrevprop", "-r", &revision, ".", "svn:author", &server.file(author)]);
    }
    run(&path, &["svnadmin", "delrevprop", "-r", "4", ".", "svn:author"]);
    run(&path, &["svnadmin", "delrevprop", "-r", "5", ".", "svn:date"]);
    let by_program = preview(&format!("file://{}", path.display()));
    assert_eq!((by_program.revision_count, by_program.odd.len()), (Some(5), 2), "{:?}", by_program.odd);
    assert_eq!(preview(&apache.url("spared", "r")), by_program);
    // What the server then says is no XML.
    run(&path, &["svnadmin", "setrevprop", "-r", "2", ".", "svn:author", &server.file("bell \u{7}")]);
    assert_eq!(preview(&apache.url("svn", "r")), preview(&format!("file://{}", path.display())));
}
