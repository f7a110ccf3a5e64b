//! `codeimport up` in a folder of its own, and the commands that find it there.

use codeimport_integration_tests::{eventually, program};
use codeimport_subprocess::{Command, Daemon, Output};
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// `codeimport up` on a data folder of its own.
pub(crate) struct Up {
    pub(crate) dir: TempDir,
    pub(crate) daemon: Daemon,
}

impl Up {
    pub(crate) async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let daemon = codeimport(dir.path(), &["up", "--port", "0"]).start().expect("the program can be started");
        let endpoints = dir.path().join("endpoints.json");
        eventually("codeimport up has written its addresses", async || {
            assert!(daemon.is_running(), "up ended early:\n{}", daemon.log_tail());
            endpoints.exists().then_some(())
        })
        .await;
        Self { dir, daemon }
    }

    pub(crate) fn run(&self, args: &[&str]) -> Output {
        codeimport(self.dir.path(), args).run().expect("the program can be run")
    }

    /// Runs a command that must end well; gives what it printed.
    pub(crate) fn ok(&self, args: &[&str]) -> String {
        let output = self.run(args);
        assert!(output.success(), "{args:?}: {}\n{}", output.stderr, self.daemon.log_tail());
        String::from_utf8(output.stdout).expect("the command prints UTF-8")
    }

    /// The JSON objects that a command prints.
    pub(crate) fn json(&self, args: &[&str]) -> Vec<Value> {
        let text = self.ok(&[&["--json"], args].concat());
        text.lines().map(|line| serde_json::from_str(line).expect("each line is one object")).collect()
    }
}

pub(crate) fn codeimport(dir: &Path, args: &[&str]) -> Command {
    Command::new(program("codeimport")).arg("--data-dir").arg(dir).args(args)
}
