//! The source of a definition: its address, and how it is read.

use super::{cvs, distributed};
use crate::{
    credential::CredentialId,
    import::{Source, SubversionOptions},
    policy::Policy,
};
use codeimport_core::{AuthorMap, InvalidImportId, Layout, RcsType, SourceUrl};
use codeimport_kit::Violations;
use codeimport_proto::{
    convert::{rcs_type_from_wire, rcs_type_to_wire},
    registry::{self as wire, source::Options},
};

/// Some eight thousand accounts. A definition with its map stays far below the 4 MiB that gRPC clients take.
const MAX_AUTHOR_MAP_BYTES: usize = 512 * 1024;
const MAX_LAYOUT_CHARS: usize = 4_000;

/// The address of a source; needed before the id of a new import, which may be made of its name.
pub(crate) fn source_url(policy: &Policy, import: &wire::Import, violations: &mut Violations) -> Option<SourceUrl> {
    const FIELD: &str = "import.source.url";
    let source = violations.require("import.source", import.source.as_ref())?;
    let rcs_type = rcs_type_from_wire(source.rcs_type).ok_or("is not set, or is a type that is not known here");
    let rcs_type = violations.check("import.source.rcs_type", rcs_type)?;
    let text = match rcs_type {
        RcsType::Cvs => cvs::url(source, violations)?,
        _ => source.url.clone(),
    };
    violations.check(FIELD, host_in_plain_letters(&text))?;
    let url = violations.check(FIELD, SourceUrl::parse(rcs_type, &text))?;
    violations.check(FIELD, policy.check_source(&url)).map(|()| url)
}

/// Hosts that look like others are told apart by people only as what the network makes of them: `xn--…`.
fn host_in_plain_letters(url: &str) -> Result<(), &'static str> {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = after_scheme.split(['/', '?', '#']).next().unwrap_or_default();
    if host.is_ascii() && !host.contains('%') {
        Ok(())
    } else {
        Err("names its host with other letters than those of ASCII: write the host as xn--…")
    }
}

/// The source at an address, with its options and without an author map. Without an address, what was wrong with that
/// is noted already; the options are checked all the same.
pub(super) fn source(import: &wire::Import, url: Option<&SourceUrl>, violations: &mut Violations) -> Option<Source> {
    let wire = import.source.as_ref()?;
    let subversion = subversion(wire, violations);
    let cvs = cvs::options(wire, violations);
    let (mercurial, bazaar) = (distributed::mercurial(wire, violations), distributed::bazaar(wire, violations));
    let credential_id = credential_id(&wire.credential_id).map_err(|error| error.to_string());
    let credential_id = violations.check("import.source.credential_id", credential_id);
    Some(Source {
        subversion: subversion?,
        cvs: cvs?,
        mercurial: mercurial?,
        bazaar: bazaar?,
        credential_id: credential_id?,
        ..Source::from(url?)
    })
}

/// Whether options are those of the source's type; notes it if not. A type that is none is noted elsewhere.
pub(super) fn is_for(source: &wire::Source, rcs_type: RcsType, field: &str, violations: &mut Violations) -> bool {
    let fits = rcs_type_from_wire(source.rcs_type).is_none_or(|found| found == rcs_type);
    if !fits {
        let name = rcs_type_to_wire(rcs_type).as_str_name().trim_start_matches("RCS_TYPE_");
        violations.add(field, format!("is only for sources of type {name}"));
    }
    fits
}

fn credential_id(text: &str) -> Result<String, InvalidImportId> {
    if text.is_empty() { Ok(String::new()) } else { text.parse::<CredentialId>().map(|id| id.to_string()) }
}

fn subversion(source: &wire::Source, violations: &mut Violations) -> Option<SubversionOptions> {
    const FIELD: &str = "import.source.subversion";
    let Some(Options::Subversion(options)) = &source.options else { return Some(SubversionOptions::default()) };
    if !is_for(source, RcsType::Subversion, FIELD, violations) {
        return None;
    }
    let layout = violations.check(format_args!("{FIELD}.layout"), layout(&options.layout));
    Some(SubversionOptions {
        layout: layout?,
        git_svn_id_trailers: options.git_svn_id_trailers,
        convert_ignores: options.convert_ignores,
        keep_externals: options.keep_externals,
        normalize_line_ends: options.normalize_line_ends,
    })
}

fn layout(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Ok(String::new());
    }
    if text.chars().count() > MAX_LAYOUT_CHARS {
        return Err(format!("is longer than {MAX_LAYOUT_CHARS} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("contains a control character".to_owned());
    }
    text.parse::<Layout>().map(|_| text.to_owned()).map_err(|error| format!("{error}, or leave it empty"))
}

/// The author map of a request.
pub(super) fn author_map(import: &wire::Import) -> &str {
    import.source.as_ref().map(|source| source.author_map.as_str()).unwrap_or_default()
}

/// Notes what is wrong with an author map for a source of this type.
pub(super) fn check_author_map(rcs_type: RcsType, text: &str, violations: &mut Violations) {
    violations.check("import.source.author_map", author_map_fault(rcs_type, text).map_or(Ok(()), Err));
}

fn author_map_fault(rcs_type: RcsType, text: &str) -> Option<String> {
    if text.is_empty() {
        return None;
    }
    if rcs_type == RcsType::Git {
        return Some("is not for sources of type GIT, whose commits stay what they are".to_owned());
    }
    if text.len() > MAX_AUTHOR_MAP_BYTES {
        return Some("is longer than 512 KiB".to_owned());
    }
    if text.contains('\0') {
        return Some("contains a NUL character".to_owned());
    }
    AuthorMap::parse(text).err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_taken_as_they_are_written_or_explained() {
        for good in ["", "standard", "single", "trunk=main,branches=b,tags=t"] {
            assert_eq!(layout(good).as_deref(), Ok(good));
        }
        for bad in ["odd", "trunk=a\nb", &"x".repeat(4_001)] {
            assert!(layout(bad).is_err(), "{bad}");
        }
        assert!(layout("odd").is_err_and(|text| text.contains("standard, single")));
    }

    #[test]
    fn author_maps_are_not_for_git_and_name_the_line_that_is_wrong() {
        let fault = |rcs_type, text: &str| author_map_fault(rcs_type, text);
        let good = "# ours\nada = Ada <ada@example.org>\n";
        assert_eq!(
            [RcsType::Subversion, RcsType::Cvs, RcsType::Mercurial, RcsType::Bazaar]
                .map(|rcs_type| fault(rcs_type, good)),
            [None, None, None, None]
        );
        assert_eq!(fault(RcsType::Git, ""), None);
        assert!(fault(RcsType::Git, good).is_some_and(|text| text.contains("stay what they are")));
        assert!(fault(RcsType::Subversion, "ada = Ada <a@b>\nbob\n").is_some_and(|text| text.contains("line 2")));
        assert!(fault(RcsType::Subversion, &"#\n".repeat(300_000)).is_some_and(|text| text.contains("512 KiB")));
        assert!(fault(RcsType::Subversion, "# \0\n").is_some());
    }
}
