//! What docs/parity.md promises is there: every test that it names exists.

use std::{collections::BTreeSet, fs, path::Path};

/// Names of tests are the only words between backticks with so many underscores.
const UNDERSCORES: usize = 3;

fn named(text: &str) -> BTreeSet<&str> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter(|name| name.matches('_').count() >= UNDERSCORES && !name.contains(['.', '/'])).collect()
}

fn remove_found(folder: &Path, missing: &mut BTreeSet<&str>) {
    for entry in fs::read_dir(folder).expect("a folder of this repository").flatten() {
        let path = entry.path();
        if path.is_dir() {
            remove_found(&path, missing);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = fs::read_to_string(&path).expect("source text");
            missing.retain(|name| !text.contains(&format!("fn {name}(")));
        }
    }
}

#[test]
fn every_test_that_the_table_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let table = fs::read_to_string(root.join("docs/parity.md")).expect("the table");
    let mut missing = named(&table);
    assert!(missing.len() > 40, "the table names tests: {missing:?}");
    for folder in ["crates", "services", "integration-tests"] {
        remove_found(&root.join(folder), &mut missing);
    }
    assert!(missing.is_empty(), "{missing:?}");
}
