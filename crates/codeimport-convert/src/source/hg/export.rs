//! What Mercurial itself says that a changeset is: for verification.

use crate::source::{Login, Ssh};
use crate::{ConvertError, Watch};
use codeimport_core::{Outcome, SourceUrl, Stage};
use codeimport_subprocess::Command;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Longest time for a clone or an export.
const LONG: Duration = Duration::from_secs(3600);

/// Mercurial's own copy of a source, which is gone when this is: exports come from there, since few servers give them.
pub(super) struct Clone {
    folder: PathBuf,
}

impl Clone {
    /// Clones a source.
    pub(super) fn make(
        url: &SourceUrl,
        login: Option<&Login>,
        ssh: &Ssh,
        connect_timeout: Duration,
        watch: &Watch,
    ) -> Result<Self, ConvertError> {
        let clone = Self { folder: folder() };
        let disk = |error| ConvertError::disk(Stage::Scan, &clone.folder, error);
        // Left by a process of the same number that was killed.
        drop(fs::remove_dir_all(&clone.folder));
        fs::create_dir(&clone.folder).map_err(disk)?;
        clone.write_configuration(url, login).map_err(disk)?;
        let mut address = url.as_str().to_owned();
        let mut command = clone.hg(watch).args(["clone", "--noupdate", "--pull"]);
        if let Ok(mut ssh_address) = url::Url::parse(&address)
            && ssh_address.scheme() == "ssh"
        {
            let line = ssh.command_line(ssh_address.port(), connect_timeout).unwrap_or_default();
            command = command.arg("--config").arg(format!("ui.ssh={line}"));
            // It has a host, so it can have no port: that is in the command.
            let _ = ssh_address.set_port(None);
            address = ssh_address.into();
        }
        clone.run(command.arg("--").arg(address).arg(clone.repository()), url)?;
        Ok(clone)
    }

    /// Writes a changeset's files into a folder that is not there yet.
    pub(super) fn export(&self, url: &SourceUrl, node: &str, into: &Path, watch: &Watch) -> Result<(), ConvertError> {
        // Its own file about the export is no part of the changeset.
        let command = self.hg(watch).args(["archive", "--config", "ui.archivemeta=False", "--type", "files"]);
        let command = command.args(["--rev", node]).arg("-R").arg(self.repository()).arg("--").arg(into);
        fs::create_dir_all(into).map_err(|error| ConvertError::disk(Stage::Scan, into, error))?;
        self.run(command, url)
    }

    fn repository(&self) -> PathBuf {
        self.folder.join("repository")
    }

    fn hg(&self, watch: &Watch) -> Command {
        let command = Command::new("hg").env("HGPLAIN", "1").env("HGRCPATH", self.folder.join("hgrc"));
        command.timeout(LONG).cancel(watch.cancel().clone())
    }

    fn run(&self, command: Command, url: &SourceUrl) -> Result<(), ConvertError> {
        let output = command.run().map_err(|error| ConvertError::program(Stage::Scan, error))?;
        // Mercurial finds nothing to write in a changeset without files.
        if output.success() || output.stderr.contains("no files match the archive pattern") {
            return Ok(());
        }
        let text = format!("Mercurial cannot export {url}.");
        Err(ConvertError::new(Outcome::RemoteBroken, Stage::Scan, text).caused_by(output.stderr))
    }

    /// The login is told where no list of processes shows it.
    fn write_configuration(&self, url: &SourceUrl, login: Option<&Login>) -> io::Result<()> {
        let text = login.map_or_else(String::new, |login| login.in_hgrc(url.as_str()));
        let mut file =
            fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.folder.join("hgrc"))?;
        file.write_all(text.as_bytes())
    }
}

impl Drop for Clone {
    fn drop(&mut self) {
        // What cannot be removed is in the folder for such things.
        drop(fs::remove_dir_all(&self.folder));
    }
}

fn folder() -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("codeimport-hg-{}-{number}", std::process::id()))
}
