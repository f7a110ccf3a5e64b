//! Other people's repositories: those by which converters are tested, each in two layouts.

use super::conversion::Conversion;
use super::server::SvnServer;
use codeimport_convert::Layout;
use std::path::{Path, PathBuf};

/// What Subversion's export shows differently from the text that is stored, by its own rules.
const POLICY: [&str; 1] = [
    // svn:eol-style=native on a text stored with CRLF: export converts it, we keep what is stored.
    "asf-checkout_broken_eol",
];

fn dumps(corpora: &Path) -> Vec<PathBuf> {
    let mut dumps: Vec<_> =
        std::fs::read_dir(corpora.join("svn")).expect("corpora").flatten().map(|e| e.path()).collect();
    dumps.retain(|path| path.extension().is_some_and(|extension| extension == "dump"));
    dumps.sort();
    dumps
}

#[test]
fn the_corpora_are_faithful_in_two_layouts() {
    let Some(corpora) = std::env::var_os("CODEIMPORT_CORPORA") else { return };
    let server = SvnServer::start();
    let mut compared = 0;
    for dump in dumps(Path::new(&corpora)) {
        let name = dump.file_stem().expect("a name").to_str().expect("text");
        // Some are partial by design: Subversion cannot load them either.
        if !server.load(name, &dump) {
            continue;
        }
        for layout in [Layout::standard(""), Layout::single("")] {
            let mut conversion = Conversion::of(&server, name);
            conversion.options.layout = Some(layout);
            conversion.run_to_the_end(false);
            if POLICY.contains(&name) {
                conversion.assert_sound();
            } else {
                compared += conversion.assert_faithful();
            }
        }
    }
    assert!(compared > 500, "{compared} trees");
}
