//! What only sources of CVS have: an address that may be a CVSROOT with a module, and options. Pure.

use super::source::is_for;
use crate::import::CvsOptions;
use codeimport_core::{Charset, CvsAddressError, RcsType, cvs_url};
use codeimport_kit::Violations;
use codeimport_proto::{
    convert::rcs_type_from_wire,
    registry::{self as wire, source::Options},
};

const URL_FIELD: &str = "import.source.url";
const FIELD: &str = "import.source.cvs";
const MAX_MODULE_CHARS: usize = 1_000;

/// Writes a CVSROOT as the URL that it stands for. One that makes none stays as it is, and is refused later.
pub(crate) fn write_as_url(source: &mut wire::Source) {
    if rcs_type_from_wire(source.rcs_type) != Some(RcsType::Cvs) {
        return;
    }
    if let Ok(url) = cvs_url(&source.url, module(source)) {
        source.url = url;
    }
}

/// The URL of a source's module.
pub(super) fn url(source: &wire::Source, violations: &mut Violations) -> Option<String> {
    let module = module(source);
    let made = match module.chars().count() {
        0..=MAX_MODULE_CHARS => cvs_url(&source.url, module),
        _ => Err(CvsAddressError::Module),
    };
    let about_module = made.as_ref().is_err_and(CvsAddressError::is_about_module);
    violations.check(if about_module { "import.source.cvs.module" } else { URL_FIELD }, made)
}

/// How it is read.
pub(super) fn options(source: &wire::Source, violations: &mut Violations) -> Option<CvsOptions> {
    let Some(Options::Cvs(options)) = &source.options else { return Some(CvsOptions::default()) };
    if !is_for(source, RcsType::Cvs, FIELD, violations) {
        return None;
    }
    violations.check(format_args!("{FIELD}.charset"), Charset::parse(&options.charset))?;
    Some(CvsOptions { raw_keywords: options.raw_keywords, charset: options.charset.clone() })
}

fn module(source: &wire::Source) -> &str {
    match &source.options {
        Some(Options::Cvs(options)) => &options.module,
        _ => "",
    }
}
