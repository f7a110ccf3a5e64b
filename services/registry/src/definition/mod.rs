//! Makes definitions of requests, or says everything that is wrong with them at once. Pure.
//!
//! Field paths are those of the request: `import.source.url`.

mod care;
mod cvs;
mod distributed;
mod interval;
mod source;

pub(crate) use care::label_key;
pub(crate) use cvs::write_as_url;
pub(crate) use source::source_url;

use crate::{
    import::{Definition, RefPatterns, Source},
    policy::Policy,
};
use codeimport_core::{ImportId, RefFilter, SourceUrl, TargetUrl};
use codeimport_kit::Violations;
use codeimport_proto::registry as wire;
use std::collections::BTreeSet;

const MAX_DISPLAY_NAME_CHARS: usize = 200;
/// Every ref is held against every pattern.
const MAX_PATTERNS: usize = 100;

/// The parts of a definition, by the names that `UpdateImportRequest.update_paths` uses.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Part {
    /// `display_name`
    DisplayName,
    /// `source`, without its author map
    Source,
    /// `source.author_map`
    AuthorMap,
    /// `target`
    Target,
    /// `ref_filter`
    RefFilter,
    /// `update_interval`
    UpdateInterval,
    /// `adaptive_interval`
    AdaptiveInterval,
    /// `owner`
    Owner,
    /// `assignee`
    Assignee,
    /// `labels`
    Labels,
}

impl Part {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::DisplayName,
        Self::Source,
        Self::AuthorMap,
        Self::Target,
        Self::RefFilter,
        Self::UpdateInterval,
        Self::AdaptiveInterval,
        Self::Owner,
        Self::Assignee,
        Self::Labels,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::DisplayName => "display_name",
            Self::Source => "source",
            Self::AuthorMap => "source.author_map",
            Self::Target => "target",
            Self::RefFilter => "ref_filter",
            Self::UpdateInterval => "update_interval",
            Self::AdaptiveInterval => "adaptive_interval",
            Self::Owner => "owner",
            Self::Assignee => "assignee",
            Self::Labels => "labels",
        }
    }
}

/// The whole definition of a new import. `import_id` or `url` is none if the one wanted is wrong; the rest is checked all
/// the same.
pub(crate) fn definition(
    policy: &Policy,
    import_id: Option<&ImportId>,
    import: &wire::Import,
    url: Option<&SourceUrl>,
    violations: &mut Violations,
) -> Option<Definition> {
    let source = source_with_author_map(import, url, violations);
    let display_name = display_name(import, violations);
    let target_url = target(policy, import_id, import, violations);
    let ref_patterns = ref_patterns(import, violations);
    let update_interval = interval::update_interval(import, violations);
    let adaptive_interval = interval::adaptive_interval(import, violations);
    let care = care::care(import, violations);
    Some(Definition {
        display_name: display_name?,
        source: source?,
        target_url: target_url?,
        ref_patterns: ref_patterns?,
        update_interval: update_interval?,
        adaptive_interval: adaptive_interval?,
        care: care?,
        is_duplicate: false,
    })
}

/// Some parts of an existing definition, changed.
///
/// A part that is wrong is noted and left as it was.
pub(crate) fn changed(
    policy: &Policy,
    import_id: &ImportId,
    before: &Definition,
    import: &wire::Import,
    parts: &BTreeSet<Part>,
    violations: &mut Violations,
) -> Definition {
    let mut after = before.clone();
    for part in parts {
        match part {
            Part::DisplayName => set(&mut after.display_name, display_name(import, violations)),
            Part::Source => {
                let url = source_url(policy, import, violations);
                let author_map = before.source.author_map.clone();
                let source = source::source(import, url.as_ref(), violations);
                set(&mut after.source, source.map(|source| Source { author_map, ..source }));
            }
            Part::AuthorMap => source::author_map(import).clone_into(&mut after.source.author_map),
            Part::Target => set(&mut after.target_url, target(policy, Some(import_id), import, violations)),
            Part::RefFilter => set(&mut after.ref_patterns, ref_patterns(import, violations)),
            Part::UpdateInterval => set(&mut after.update_interval, interval::update_interval(import, violations)),
            Part::AdaptiveInterval => {
                set(&mut after.adaptive_interval, interval::adaptive_interval(import, violations));
            }
            Part::Owner => set(&mut after.care.owner, care::new_owner(import, violations)),
            Part::Assignee => set(&mut after.care.assignee, care::assignee(import, violations)),
            Part::Labels => set(&mut after.care.labels, care::labels(import, violations)),
        }
    }
    if after.source != before.source {
        source::check_author_map(after.source.rcs_type, &after.source.author_map, violations);
    }
    after
}

/// Which parts a request means to change.
pub(crate) fn parts(paths: &[String], violations: &mut Violations) -> BTreeSet<Part> {
    if paths.is_empty() {
        violations.add("update_paths", "is empty: name at least one field to change");
    }
    let mut parts = BTreeSet::new();
    for (i, path) in paths.iter().enumerate() {
        let part = Part::ALL.into_iter().find(|part| part.name() == path).ok_or_else(|| {
            let known = Part::ALL.map(Part::name).join(", ");
            format!("is {path:?}, which cannot be changed: use {known}")
        });
        parts.extend(violations.check(format_args!("update_paths[{i}]"), part));
    }
    parts
}

fn source_with_author_map(
    import: &wire::Import,
    url: Option<&SourceUrl>,
    violations: &mut Violations,
) -> Option<Source> {
    let source = source::source(import, url, violations);
    let author_map = source::author_map(import);
    if let Some(url) = url {
        source::check_author_map(url.rcs_type(), author_map, violations);
    }
    Some(Source { author_map: author_map.to_owned(), ..source? })
}

fn set<T>(field: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *field = value;
    }
}

fn display_name(import: &wire::Import, violations: &mut Violations) -> Option<String> {
    let name = import.display_name.trim();
    let checked = if name.chars().count() > MAX_DISPLAY_NAME_CHARS {
        Err("is longer than 200 characters")
    } else if name.chars().any(char::is_control) {
        Err("contains a control character")
    } else {
        Ok(name.to_owned())
    };
    violations.check("import.display_name", checked)
}

fn target(
    policy: &Policy,
    import_id: Option<&ImportId>,
    import: &wire::Import,
    violations: &mut Violations,
) -> Option<String> {
    const FIELD: &str = "import.target.url";
    let text = import.target.as_ref().map(|target| target.url.as_str()).unwrap_or_default();
    let url = if text.is_empty() {
        violations.check(FIELD, policy.default_target(import_id?))?
    } else {
        let url = violations.check(FIELD, TargetUrl::parse(text))?;
        violations.check(FIELD, policy.check_target(&url))?;
        url
    };
    Some(url.as_str().to_owned())
}

fn ref_patterns(import: &wire::Import, violations: &mut Violations) -> Option<RefPatterns> {
    let wire::RefFilter { include, exclude } = import.ref_filter.clone().unwrap_or_default();
    let valid = [
        check_patterns("import.ref_filter.include", &include, violations),
        check_patterns("import.ref_filter.exclude", &exclude, violations),
    ];
    (valid == [true, true]).then_some(RefPatterns { include, exclude })
}

fn check_patterns(field: &str, patterns: &[String], violations: &mut Violations) -> bool {
    if patterns.len() > MAX_PATTERNS {
        violations.add(field, "has more than 100 patterns");
        return false;
    }
    let bad = patterns.iter().enumerate().filter(|(_, pattern)| !RefFilter::is_pattern(pattern));
    bad.map(|(i, _)| violations.add(format!("{field}[{i}]"), codeimport_core::InvalidRefPattern)).count() == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use codeimport_core::RcsType;

    fn policy() -> Policy {
        Policy { local_target_root: Some("/srv/git".into()), ..Policy::default() }
    }

    fn id() -> ImportId {
        "a".parse().expect("valid")
    }

    fn git(url: &str) -> wire::Import {
        let rcs_type = codeimport_proto::common::RcsType::Git.into();
        let source = wire::Source { rcs_type, url: url.to_owned(), ..Default::default() };
        wire::Import { source: Some(source), ..Default::default() }
    }

    fn check(import: &wire::Import) -> (Option<Definition>, Vec<String>) {
        let mut violations = Violations::new();
        let url = source_url(&policy(), import, &mut violations);
        let definition = definition(&policy(), Some(&id()), import, url.as_ref(), &mut violations);
        let fields = match violations.finish() {
            Ok(()) => Vec::new(),
            Err(error) => error.violations().iter().map(|v| v.field.clone()).collect(),
        };
        (definition, fields)
    }

    #[test]
    fn what_is_left_out_gets_its_default() {
        let (definition, fields) = check(&git("https://host/x.git"));
        assert!(fields.is_empty(), "{fields:?}");
        let definition = definition.expect("valid");
        assert_eq!(definition.target_url, "file:///srv/git/a.git");
        assert_eq!(definition.source.rcs_type, RcsType::Git);
        assert_eq!(definition.update_interval, None);
    }

    #[test]
    fn all_field_violations_come_at_once() {
        let mut import = git("file:///etc");
        import.display_name = "x".repeat(201);
        import.target = Some(wire::Target { url: "ext::sh".to_owned() });
        let exclude = vec!["refs/heads/*".to_owned(), "no pattern".to_owned()];
        import.ref_filter = Some(wire::RefFilter { include: vec!["HEAD".to_owned()], exclude });
        import.update_interval = Some(prost_types::Duration { seconds: 1, nanos: 0 });
        let (definition, fields) = check(&import);
        assert_eq!(definition, None);
        assert_eq!(
            fields,
            [
                "import.source.url",
                "import.display_name",
                "import.target.url",
                "import.ref_filter.include[0]",
                "import.ref_filter.exclude[1]",
                "import.update_interval",
            ]
        );
    }

    #[test]
    fn only_the_named_parts_change() {
        let before = check(&git("https://host/x.git")).0.expect("valid");
        let mut import = git("https://host/y.git");
        import.display_name = "new name".to_owned();
        let mut violations = Violations::new();
        let parts = parts(&["display_name".to_owned()], &mut violations);
        let after = changed(&policy(), &id(), &before, &import, &parts, &mut violations);
        assert!(violations.is_empty());
        assert_eq!(after, Definition { display_name: "new name".to_owned(), ..before });
    }

    #[test]
    fn a_new_address_keeps_the_author_map_unless_its_type_has_no_use_for_it() {
        let mut import = git("https://host/x");
        let source = import.source.as_mut().expect("a source");
        source.rcs_type = codeimport_proto::common::RcsType::Subversion.into();
        source.author_map = "ada = Ada <ada@example.org>\n".to_owned();
        let before = check(&import).0.expect("valid");
        let change = |to: &wire::Import| {
            let mut violations = Violations::new();
            let parts = BTreeSet::from([Part::Source]);
            let after = changed(&policy(), &id(), &before, to, &parts, &mut violations);
            (after, violations.finish().map_err(|error| error.violations()[0].field.clone()))
        };
        let source = import.source.as_mut().expect("a source");
        (source.url, source.author_map) = ("https://host/y".to_owned(), String::new());
        let (after, verdict) = change(&import);
        assert_eq!((after.source.author_map, verdict), (before.source.author_map.clone(), Ok(())));
        assert_eq!(change(&git("https://host/y")).1, Err("import.source.author_map".to_owned()));
    }

    #[test]
    fn paths_that_cannot_be_changed_are_named() {
        let mut violations = Violations::new();
        assert_eq!(parts(&["source".to_owned(), "etag".to_owned()], &mut violations).len(), 1);
        let error = violations.finish().expect_err("etag cannot be changed");
        assert_eq!(error.violations()[0].field, "update_paths[1]");
    }
}
