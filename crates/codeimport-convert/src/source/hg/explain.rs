//! What is wrong with history -> outcome and a sentence. Pure.

use super::bundle::GaveUp;
use super::error::HgError;
use crate::ConvertError;
use codeimport_core::{Outcome, SourceUrl, Stage};
use std::io;

/// What it means for the source that its history cannot be converted.
pub(super) fn explain(url: &SourceUrl, error: HgError, stage: Stage) -> ConvertError {
    let (outcome, text) = match error {
        HgError::Broken(what) => (Outcome::RemoteBroken, format!("{url} is damaged, or its server is: {what}.")),
        HgError::Unsupported(what) => {
            (Outcome::UnsupportedFeature, format!("{url} has something that cannot be imported: {what}."))
        }
        HgError::Read(error) => return explain_read(url, error, stage),
        error @ (HgError::Store(_) | HgError::Shadow(_)) => {
            let text = "The worker's cache cannot be used.";
            return ConvertError::new(Outcome::Failure, Stage::Convert, text).caused_by(error);
        }
    };
    ConvertError::new(outcome, stage, text)
}

/// A stream that could not be read to its end.
fn explain_read(url: &SourceUrl, error: io::Error, stage: Stage) -> ConvertError {
    if error.get_ref().is_some_and(|inner| inner.is::<ConvertError>()) {
        return ConvertError::cancelled(stage);
    }
    if let Some(gave_up) = error.get_ref().and_then(|inner| inner.downcast_ref::<GaveUp>()) {
        let text = format!("{url} is damaged: {gave_up}.");
        return ConvertError::new(Outcome::RemoteBroken, stage, text);
    }
    let (outcome, what) = match error.kind() {
        io::ErrorKind::UnexpectedEof => (Outcome::Unavailable, "broke off in the middle of its answer"),
        _ => (Outcome::RemoteBroken, "sent something that cannot be read"),
    };
    ConvertError::new(outcome, stage, format!("The server of {url} {what}.")).caused_by(error)
}
