//! Fields that several calls have.

use codeimport_core::ImportId;
use codeimport_kit::{ApiError, Violations};
use std::fmt::Display;

/// Longest name of a worker, version or person, in characters.
pub(super) const MAX_NAME: usize = 200;

pub(in crate::rpc) fn job_id(text: &str) -> Result<ImportId, ApiError> {
    let mut v = Violations::new();
    let job_id = v.check("job_id", text.parse());
    v.finish_with(job_id)
}

pub(in crate::rpc) fn host_name(v: &mut Violations, name: String) -> Option<String> {
    v.check("name", plain_text(&name, 1, 255)).map(|()| name)
}

/// Who does something; who does not say is anonymous.
pub(in crate::rpc) fn actor(v: &mut Violations, field: &str, name: String) -> Option<String> {
    v.check(field, plain_text(&name, 0, MAX_NAME))?;
    Some(if name.is_empty() { "anonymous".to_owned() } else { name })
}

/// The name of a worker.
pub(in crate::rpc) fn worker_id(v: &mut Violations, worker_id: String) -> Option<String> {
    v.check("worker_id", plain_text(&worker_id, 1, MAX_NAME)).map(|()| worker_id)
}

/// A version, or versions.
pub(in crate::rpc) fn version(v: &mut Violations, field: &str, version: String) -> Option<String> {
    v.check(field, plain_text(&version, 0, MAX_NAME)).map(|()| version)
}

/// Why somebody does something.
pub(in crate::rpc) fn reason(v: &mut Violations, reason: String) -> Option<String> {
    const MAX_REASON: usize = 500;
    v.check("reason", plain_text(&reason, 0, MAX_REASON)).map(|()| reason)
}

/// Checks text that ends up in tables that people read.
pub(super) fn plain_text(text: &str, min: usize, max: usize) -> Result<(), impl Display> {
    let length = text.chars().count();
    if length < min {
        return Err("is empty".to_owned());
    }
    if length > max {
        return Err(format!("is longer than {max} characters"));
    }
    if text.chars().any(char::is_control) {
        return Err("contains a control character".to_owned());
    }
    Ok(())
}
