//! Labels that a filter asks for: `key`, or `key=value`.

use super::MAX_ALTERNATIVES;
use crate::definition;
use codeimport_kit::Violations;
use std::collections::BTreeMap;

/// Reads them; a key without a value stands for any.
pub(super) fn wanted(field: &str, texts: &[String], violations: &mut Violations) -> BTreeMap<String, Option<String>> {
    if texts.len() > MAX_ALTERNATIVES {
        violations.add(field, "has more than 32 items");
    }
    let mut labels = BTreeMap::new();
    for (i, text) in texts.iter().enumerate() {
        let (key, value) = text.split_once('=').map_or((text.as_str(), None), |(key, value)| (key, Some(value)));
        if violations.check(format_args!("{field}[{i}]"), definition::label_key(key)).is_some() {
            labels.insert(key.to_owned(), value.map(super::storable));
        }
    }
    labels
}
