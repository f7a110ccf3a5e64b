//! What Bazaar itself says that a revision was: for verification.

use super::exporter::{Exporter, brz};
use crate::scratch::Scratch;
use crate::{ConvertError, Watch};
use codeimport_core::{Outcome, Stage};
use std::path::Path;
use std::time::Duration;

/// Longest time for an export.
const LONG: Duration = Duration::from_secs(3600);

impl Exporter {
    /// Exports a revision into a folder that is not there yet, by `brz export`.
    pub(super) fn export(&self, revision: &str, into: &Path, watch: &Watch) -> Result<(), ConvertError> {
        let home =
            Scratch::new("bzr").map_err(|error| ConvertError::disk(Stage::Scan, &std::env::temp_dir(), error))?;
        let command = brz(&home).args(["export", "--format=dir", "-r"]).arg(format!("revid:{revision}")).arg("--");
        let command = command.arg(into).arg(self.url.as_str()).timeout(LONG).cancel(watch.cancel().clone());
        let output = command.run().map_err(|error| ConvertError::program(Stage::Scan, error))?;
        if output.success() {
            return Ok(());
        }
        let text = format!("Bazaar cannot export {revision} of {}.", self.url);
        Err(ConvertError::new(Outcome::RemoteBroken, Stage::Scan, text).caused_by(output.stderr))
    }
}
