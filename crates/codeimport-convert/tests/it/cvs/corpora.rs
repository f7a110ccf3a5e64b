//! Other people's repositories: those by which converters are tested.

use super::copy::Copy;
use super::repository::{CvsRoot, run};
use codeimport_convert::Scope;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Unpacks all archives, each into a folder of its own; gives the modules.
pub(super) fn unpack(corpora: &Path, root: &Path) -> Vec<String> {
    let mut archives: Vec<_> =
        fs::read_dir(corpora.join("cvs")).expect("corpora").flatten().map(|e| e.path()).collect();
    archives.sort();
    let mut modules = Vec::new();
    for archive in archives {
        let name = archive.file_name().expect("a name").to_str().expect("text").split('.').next().expect("a part");
        let folder = root.join(name);
        fs::create_dir(&folder).expect("the folder is ours");
        run(&folder, &["tar", "-xf", archive.to_str().expect("text")]);
        modules.extend(modules_in(&folder).into_iter().map(|module| format!("{name}/{module}")));
    }
    modules
}

/// The directories of a folder; each file that lies there by itself becomes one.
fn modules_in(folder: &Path) -> Vec<String> {
    let entries: Vec<PathBuf> = fs::read_dir(folder).expect("ours").flatten().map(|e| e.path()).collect();
    let mut modules = Vec::new();
    for entry in entries {
        let name = entry.file_name().expect("a name").to_str().expect("text").to_owned();
        if entry.is_dir() {
            modules.push(name);
        } else if let Some(module) = name.strip_suffix(",v") {
            fs::create_dir(folder.join(module)).expect("ours");
            fs::rename(&entry, folder.join(module).join(&name)).expect("ours");
            modules.push(module.to_owned());
        }
    }
    modules.sort();
    modules
}

/// Commits of each module that are compared by their dates.
const DATES: usize = 20;

fn check(root: &CvsRoot, module: &str) -> (usize, Vec<String>) {
    let copy = Copy::of(root, module);
    match copy.run() {
        Ok(_) => {
            let (refs, differences) = copy.compare_refs();
            (refs + copy.compare_dates(Scope::Samples { count: DATES, seed: 1 }), differences)
        }
        Err(error) => (0, vec![format!("{module}: {error}")]),
    }
}

#[test]
fn every_branch_and_tag_of_the_corpora_and_twenty_dates_are_what_cvs_exports() {
    let Some(corpora) = std::env::var_os("CODEIMPORT_CORPORA") else { return };
    let root = CvsRoot::create();
    let modules = unpack(Path::new(&corpora), &root.path());
    let only = std::env::var("CODEIMPORT_MODULE").unwrap_or_default();
    let modules: Vec<_> = modules.into_iter().filter(|module| module.contains(&only)).collect();
    let next = AtomicUsize::new(0);
    let check_some = || {
        let mine = std::iter::from_fn(|| modules.get(next.fetch_add(1, Ordering::Relaxed)));
        mine.map(|module| check(&root, module)).collect::<Vec<_>>()
    };
    let checked: Vec<_> = std::thread::scope(|scope| {
        let checkers: Vec<_> = (0..4).map(|_| scope.spawn(check_some)).collect();
        checkers.into_iter().flat_map(|checker| checker.join().expect("it does not panic")).collect()
    });
    let compared: usize = checked.iter().map(|(count, _)| count).sum();
    let wrong: Vec<_> = checked.into_iter().flat_map(|(_, wrong)| wrong).collect();
    println!("{compared} compared in {} modules", modules.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
