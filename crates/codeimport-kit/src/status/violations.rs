//! Collects everything that is wrong with a request, so that the caller is told once.

use super::ApiError;
use codeimport_proto::common::ErrorReason;
use std::fmt;
use tonic_types::FieldViolation;

/// So many are told at most. They travel in the trailers, for which many clients have 8 KiB in all.
const MAX_TOLD: usize = 30;
/// So many of them are repeated in the message for people.
const MAX_IN_MESSAGE: usize = 5;
/// Longest text about one field, in characters: it may quote what the caller sent.
const MAX_TEXT_CHARS: usize = 300;

/// What is wrong with the fields of one request so far.
#[derive(Debug, Default)]
pub struct Violations(Vec<FieldViolation>);

impl Violations {
    /// Nothing wrong yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The error of a request in which one field is wrong, as found out late.
    #[must_use]
    pub fn one(field: &str, problem: impl fmt::Display) -> ApiError {
        let mut violations = Self::new();
        violations.add(field, problem);
        violations.into_error()
    }

    /// Notes that a field is wrong. `field` is its path in the request (`import.source.url`); `problem` continues
    /// a sentence that begins with the field: "is empty".
    pub fn add(&mut self, field: impl fmt::Display, problem: impl fmt::Display) {
        let problem: String = problem.to_string().chars().take(MAX_TEXT_CHARS).collect();
        self.0.push(FieldViolation::new(field.to_string(), problem));
    }

    /// The value of a field that was checked, or a note of what is wrong with it. `field` may be `format_args!`: its text
    /// is made if it is needed.
    pub fn check<T, E: fmt::Display>(&mut self, field: impl fmt::Display, result: Result<T, E>) -> Option<T> {
        result.map_err(|problem| self.add(field, problem)).ok()
    }

    /// The value of a field that has to be there, or a note that it is missing.
    pub fn require<T>(&mut self, field: impl fmt::Display, value: Option<T>) -> Option<T> {
        self.check(field, value.ok_or("is required"))
    }

    /// Whether nothing is wrong so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends the check.
    ///
    /// # Errors
    ///
    /// FIELD_VIOLATION with all that was noted, if anything was.
    pub fn finish(self) -> Result<(), ApiError> {
        if self.0.is_empty() { Ok(()) } else { Err(self.into_error()) }
    }

    fn into_error(mut self) -> ApiError {
        let told = |violation: &FieldViolation| format!("{} {}", violation.field, violation.description);
        let mut sentences: Vec<_> = self.0.iter().take(MAX_IN_MESSAGE).map(told).collect();
        if self.0.len() > MAX_IN_MESSAGE {
            sentences.push(format!("and {} more", self.0.len() - MAX_IN_MESSAGE));
        }
        self.0.truncate(MAX_TOLD);
        ApiError::new(ErrorReason::FieldViolation, sentences.join("; ")).with_violations(self.0)
    }

    /// The values of a check, if nothing is wrong. `values` are what the calls of [`Self::check`] returned.
    ///
    /// # Errors
    ///
    /// FIELD_VIOLATION with all that was noted. A missing value that nobody noted is INTERNAL.
    pub fn finish_with<T>(self, values: Option<T>) -> Result<T, ApiError> {
        self.finish()?;
        values.ok_or_else(|| ApiError::internal(anyhow::anyhow!("a field is missing without a violation")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_violations_come_at_once_and_in_order() {
        let mut violations = Violations::new();
        assert_eq!(violations.check("a", Err::<u8, _>("is empty")), None);
        assert_eq!(violations.check("b", Ok::<_, &str>(2)), Some(2));
        assert_eq!(violations.require::<u8>("c.d", None), None);
        let error = violations.finish().expect_err("two things are wrong");
        let fields: Vec<_> = error.violations().iter().map(|v| v.field.as_str()).collect();
        assert_eq!(fields, ["a", "c.d"]);
        assert_eq!(error.to_string(), "FIELD_VIOLATION: a is empty; c.d is required");
    }

    #[test]
    fn a_request_that_is_wrong_all_over_still_gets_an_answer_that_fits() {
        let mut violations = Violations::new();
        for i in 0..1000 {
            violations.add(format!("refs[{i}].name"), "x".repeat(10_000));
        }
        let error = violations.finish().expect_err("wrong all over");
        assert_eq!(error.violations().len(), MAX_TOLD);
        assert!(error.to_string().ends_with("and 995 more"), "{error}");
    }

    #[test]
    fn a_request_without_violations_passes() {
        assert!(Violations::new().finish().is_ok());
    }
}
