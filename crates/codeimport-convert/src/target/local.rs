//! A target on the worker's own disk: it is created here, its refs are read without git, and its HEAD can be set.

use super::Target;
use crate::{ConvertError, Refs, Watch, cache, git};
use codeimport_core::Stage;
use gix::bstr::{BString, ByteSlice as _};
use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _};

impl Target {
    /// Whether it is local and not there yet. An empty folder counts as not there.
    pub(super) fn is_missing(&self) -> bool {
        self.url.local_path().is_some_and(|path| match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_none(),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        })
    }

    /// Creates a local target if it is not there yet.
    pub(super) fn create_if_missing(&self, watch: &Watch) -> Result<(), ConvertError> {
        let Some(path) = self.url.local_path() else { return Ok(()) };
        if !self.is_missing() {
            return Ok(());
        }
        fs::create_dir_all(&path).map_err(|e| ConvertError::disk(Stage::Publish, &path, e))?;
        let command = git::command(None).args(["init", "--quiet", "--bare", "--template=", "--"]).arg(&path);
        git::run(command.timeout(git::SHORT), Stage::Publish, watch).map(drop)
    }

    /// All refs of a local target. None if it is a remote one, or if anything is odd about it: git knows better, and has words
    /// for what is wrong.
    pub(super) fn local_refs(&self) -> Option<Refs> {
        let repository = cache::open_isolated(&self.url.local_path()?).ok()?;
        let references = repository.references().ok()?;
        let entry = |mut reference: gix::Reference<'_>| {
            let name = reference.name().as_bstr().to_owned();
            Some((name, reference.follow_to_object().ok()?.detach()))
        };
        references.all().ok()?.map(|reference| reference.ok().and_then(entry)).collect()
    }

    /// What HEAD of a local target names; none for a remote one.
    pub(super) fn local_head(&self, watch: &Watch) -> Result<Option<BString>, ConvertError> {
        let Some(path) = self.url.local_path() else { return Ok(None) };
        if let Ok(Some(name)) = cache::open_isolated(&path).and_then(|repository| repository.head_name()) {
            return Ok(Some(name.as_bstr().to_owned()));
        }
        let command = git::command(Some(&path)).args(["symbolic-ref", "--quiet", "HEAD"]).timeout(git::SHORT);
        let output = git::attempt(command, Stage::Publish, watch)?;
        // A detached HEAD names nothing, and is set right like any other wrong name.
        Ok(Some(BString::from(output.stdout.trim_end())))
    }

    /// Makes HEAD of a local target name a branch, born or not.
    ///
    /// Not part of the atomic push, which cannot move HEAD. So this comes after the push that proved the lease, and a
    /// run that dies in between leaves a HEAD that the next run finds wrong.
    pub(super) fn set_local_head(&self, branch: Option<&BString>, watch: &Watch) -> Result<(), ConvertError> {
        let (Some(path), Some(branch)) = (self.url.local_path(), branch) else { return Ok(()) };
        let command = git::command(Some(&path)).args(["symbolic-ref", "HEAD"]).arg(OsStr::from_bytes(branch));
        git::run(command.timeout(git::SHORT), Stage::Publish, watch).map(drop)
    }

    /// The program that takes the push. Of a local target we set what a server's owner would set: the default branch may
    /// be deleted like any other, and housekeeping ends before the push does.
    pub(super) fn receive_pack(&self) -> Option<&'static str> {
        const LOCAL: &str = "git -c receive.denyDeleteCurrent=ignore -c gc.autoDetach=false receive-pack";
        self.url.local_path().map(|_| LOCAL)
    }
}
