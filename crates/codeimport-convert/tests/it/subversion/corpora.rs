//! Other people's repositories: those by which converters are tested, each in two layouts.

use super::conversion::Conversion;
use super::export::{Exported, export};
use super::server::{SvnServer, run};
use codeimport_convert::{MapEntry, ObjectId};
use codeimport_core::Layout;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What Subversion's export shows differently from the text that is stored, by its own rules.
const POLICY: [&str; 1] = [
    // svn:eol-style=native on a text stored with CRLF: export converts it, we keep what is stored.
    "asf-checkout_broken_eol",
];

pub(super) fn dumps(corpora: &Path) -> Vec<PathBuf> {
    let mut dumps: Vec<_> =
        std::fs::read_dir(corpora.join("svn")).expect("corpora").flatten().map(|e| e.path()).collect();
    dumps.retain(|path| path.extension().is_some_and(|extension| extension == "dump"));
    dumps.sort();
    dumps
}

/// Every revision of a repository, as Subversion exports it whole.
fn exports(repository: &Path) -> Vec<Exported> {
    let youngest: usize = run(repository, &["svnlook", "youngest", "."]).parse().expect("a number");
    let export_one = |revision: usize| {
        let revision = revision.to_string();
        let commit = ObjectId::null(gix::hash::Kind::Sha1);
        export(repository, &MapEntry { branch: Vec::new(), revision, commit })
    };
    (0..=youngest).map(export_one).collect()
}

/// Converts one repository in both layouts; gives how many trees were compared.
fn check(server: &SvnServer, dump: &Path) -> usize {
    let name = dump.file_stem().expect("a name").to_str().expect("text");
    // Some are partial by design: Subversion cannot load them either.
    if !server.load(name, dump) {
        return 0;
    }
    let exports = exports(&server.path(name));
    let layouts = [Layout::standard(""), Layout::single("")];
    let converted = layouts.map(|layout| {
        let mut conversion = Conversion::of(server, name);
        conversion.options.svn.layout = Some(layout);
        conversion.run_in_place();
        conversion
    });
    if POLICY.contains(&name) {
        converted.iter().for_each(Conversion::assert_sound);
        return 0;
    }
    converted.iter().map(|conversion| conversion.assert_faithful_to(&exports)).sum()
}

#[test]
fn the_corpora_are_faithful_in_two_layouts() {
    let Some(corpora) = std::env::var_os("CODEIMPORT_CORPORA") else { return };
    let (server, dumps) = (SvnServer::start(), dumps(Path::new(&corpora)));
    let next = AtomicUsize::new(0);
    let check_some = || {
        let mine = std::iter::from_fn(|| dumps.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.map(|dump| check(&server, dump)).sum::<usize>()
    };
    let compared: usize = std::thread::scope(|scope| {
        let checkers: Vec<_> = (0..4).map(|_| scope.spawn(check_some)).collect();
        checkers.into_iter().map(|checker| checker.join().expect("all are faithful")).sum()
    });
    assert!(compared > 500, "{compared} trees");
}
