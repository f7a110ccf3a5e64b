//! Who looks after an import, and its labels.

use crate::import::Care;
use codeimport_kit::Violations;
use codeimport_proto::registry as wire;
use std::collections::BTreeMap;

const MAX_PERSON_CHARS: usize = 200;
const MAX_LABELS: usize = 32;
const MAX_LABEL_KEY_CHARS: usize = 63;
const MAX_LABEL_VALUE_CHARS: usize = 200;

/// All of it. An empty owner is left to whoever decides about the whole.
pub(super) fn care(import: &wire::Import, violations: &mut Violations) -> Option<Care> {
    let owner = violations.check("import.owner", person(&import.owner));
    let assignee = violations.check("import.assignee", person(&import.assignee));
    let labels = labels(import, violations);
    Some(Care { owner: owner?, assignee: assignee?, labels: labels? })
}

/// An owner that takes the place of another.
pub(super) fn new_owner(import: &wire::Import, violations: &mut Violations) -> Option<String> {
    let owner = person(&import.owner).and_then(|owner| if owner.is_empty() { Err("is empty") } else { Ok(owner) });
    violations.check("import.owner", owner)
}

/// An assignee; empty for none.
pub(super) fn assignee(import: &wire::Import, violations: &mut Violations) -> Option<String> {
    violations.check("import.assignee", person(&import.assignee))
}

/// All labels of a request.
pub(super) fn labels(import: &wire::Import, violations: &mut Violations) -> Option<BTreeMap<String, String>> {
    const FIELD: &str = "import.labels";
    if import.labels.len() > MAX_LABELS {
        violations.add(FIELD, "has more than 32 entries");
        return None;
    }
    let labels: BTreeMap<_, _> = import.labels.clone().into_iter().collect();
    let mut all = true;
    for (key, value) in &labels {
        let checked = label_key(key).and_then(|()| label_value(value));
        all &= violations.check(format_args!("{FIELD}[{key:?}]"), checked).is_some();
    }
    all.then_some(labels)
}

/// Why a text is no key of a label.
pub(crate) fn label_key(key: &str) -> Result<(), &'static str> {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = (1..=MAX_LABEL_KEY_CHARS).contains(&key.len())
        && key.chars().all(|c| known(c) || "._/-".contains(c))
        && key.starts_with(known)
        && key.ends_with(known);
    if fits { Ok(()) } else { Err("is no label key: 1 to 63 characters of a-z0-9._/-, a letter or digit at both ends") }
}

fn label_value(value: &str) -> Result<(), &'static str> {
    short_line(value, MAX_LABEL_VALUE_CHARS)
}

fn person(name: &str) -> Result<String, &'static str> {
    let name = name.trim();
    short_line(name, MAX_PERSON_CHARS).map(|()| name.to_owned())
}

fn short_line(text: &str, max_chars: usize) -> Result<(), &'static str> {
    if text.chars().count() > max_chars {
        Err("is longer than 200 characters")
    } else if text.chars().any(char::is_control) {
        Err("contains a control character")
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields_wrong_with(change: impl FnOnce(&mut wire::Import)) -> Vec<String> {
        let mut import = wire::Import::default();
        change(&mut import);
        let mut violations = Violations::new();
        care(&import, &mut violations);
        violations.finish().err().map_or_else(Vec::new, |e| e.violations().iter().map(|v| v.field.clone()).collect())
    }

    #[test]
    fn labels_are_few_short_and_plain() {
        let label = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        let with = |labels: Vec<(String, String)>| fields_wrong_with(|import| import.labels.extend(labels));
        assert!(with(vec![label("team/kernel", "a b"), label("x", "")]).is_empty());
        assert_eq!(with(vec![label("Team", "x")]), ["import.labels[\"Team\"]"]);
        assert_eq!(with(vec![label("-a", "x"), label("b", "1\n2")]).len(), 2);
        assert_eq!(with(vec![label("a", &"x".repeat(201))]).len(), 1);
        assert_eq!(with((0..33).map(|i| label(&format!("l{i}"), "")).collect()), ["import.labels"]);
    }

    #[test]
    fn people_have_names_of_one_short_line() {
        assert!(fields_wrong_with(|import| import.owner = " robin ".to_owned()).is_empty());
        assert_eq!(fields_wrong_with(|import| import.owner = "a\tb".to_owned()), ["import.owner"]);
        assert_eq!(fields_wrong_with(|import| import.assignee = "x".repeat(201)), ["import.assignee"]);
    }
}
