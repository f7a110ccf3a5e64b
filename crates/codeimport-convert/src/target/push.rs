//! One atomic push: refs and state together, each only if it still is what we saw.

use super::{STATE_REF, Target, plan::RefUpdate, transaction};
use crate::{Cache, ConvertError, Watch, git};
use codeimport_core::Stage;
use codeimport_subprocess::{Command, Output};
use gix::{
    ObjectId,
    bstr::{BString, ByteSlice as _},
};
use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

impl Target {
    /// Pushes from the cache. `Some`: nothing was pushed, and these are git's words why.
    ///
    /// Where the cache is the target itself, the objects are there already and only the refs move: one transaction, with the
    /// same promise.
    pub(super) fn push(
        &self,
        cache: &Cache,
        updates: &[RefUpdate],
        watch: &Watch,
    ) -> Result<Option<String>, ConvertError> {
        if cache.is_target(self.url.local_path().as_deref()) {
            let moved = transaction::move_refs(&cache.repository()?, updates);
            return Ok(moved.err().map(|error| format!("{error:#}")));
        }
        let output = git::attempt(self.push_command(cache, updates), Stage::Publish, watch)?;
        Ok((!output.success()).then(|| reasons(&output)))
    }

    fn push_command(&self, cache: &Cache, updates: &[RefUpdate]) -> Command {
        let mut command = git::command(Some(cache.path()));
        if self.url.local_path().is_some() {
            // To look for deltas takes longer than all of a conversion. It pays where a network is in between; on a disk,
            // the target's own housekeeping has the time for it.
            command = command.args(["-c", "pack.window=0"]);
        }
        command = command.args(["push", "--atomic", "--porcelain", "--no-verify"]);
        if let Some(program) = self.receive_pack() {
            command = command.arg(format!("--receive-pack={program}"));
        }
        command
            .args(updates.iter().map(lease))
            .args(["--", self.url.as_str()])
            .args(updates.iter().map(refspec))
            .timeout(git::LONG)
    }
}

/// The update that moves the state ref.
pub(super) fn state_update(old: Option<ObjectId>, new: ObjectId) -> RefUpdate {
    RefUpdate { name: BString::from(STATE_REF), old, new: Some(new) }
}

/// `--force-with-lease=<name>:<old>`; nothing after the colon means: must not exist.
fn lease(update: &RefUpdate) -> OsString {
    let old = update.old.map(|id| id.to_string()).unwrap_or_default();
    join(&[b"--force-with-lease=", &update.name, b":", old.as_bytes()])
}

/// `<new>:<name>`; nothing before the colon means: delete.
fn refspec(update: &RefUpdate) -> OsString {
    let new = update.new.map(|id| id.to_string()).unwrap_or_default();
    join(&[new.as_bytes(), b":", &update.name])
}

fn join(parts: &[&[u8]]) -> OsString {
    OsString::from_vec(parts.concat())
}

/// Why a push was refused, as far as its answer says: `! <from>:<to> [remote rejected] (reason)`.
fn reasons(output: &Output) -> String {
    let rejected = output.stdout.lines().filter(|line| line.starts_with(b"!"));
    let lines: Vec<_> = rejected.map(|line| line.replace(b"\t", b" ").to_str_lossy().into_owned()).collect();
    format!("{} {}", lines.join("; "), output.stderr).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(old: Option<char>, new: Option<char>) -> RefUpdate {
        let id = |digit: char| ObjectId::from_hex(digit.to_string().repeat(40).as_bytes()).expect("valid");
        RefUpdate { name: "refs/heads/a".into(), old: old.map(id), new: new.map(id) }
    }

    #[test]
    fn every_update_restates_what_it_saw() {
        let (ones, twos) = ("1".repeat(40), "2".repeat(40));
        let moved = update(Some('1'), Some('2'));
        assert_eq!(lease(&moved), OsString::from(format!("--force-with-lease=refs/heads/a:{ones}")));
        assert_eq!(refspec(&moved), OsString::from(format!("{twos}:refs/heads/a")));
        assert_eq!(lease(&update(None, Some('1'))), OsString::from("--force-with-lease=refs/heads/a:"));
        assert_eq!(refspec(&update(Some('1'), None)), OsString::from(":refs/heads/a"));
    }
}
