//! Turns a [`Command`] into a running process in a process group of its own.

use crate::{Command, Signal, SubprocessError, environment};
use std::{
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};
use subprocess::{Exec, ExecExt as _, Job, Redirection};

/// Starts the program with all three standard streams ours: pipes, or closed.
pub(crate) fn launch(command: &Command) -> Result<Job, SubprocessError> {
    let program = find(&command.program).ok_or_else(|| SubprocessError::NotFound { program: command.name() })?;
    let (first, args) = words(command, program)?;
    let mut exec = Exec::cmd(first)
        .args(args)
        .env_clear()
        .env_extend(environment::pinned(&command.env))
        .stdin(if command.stdin.is_some() { Redirection::Pipe } else { Redirection::Null })
        .stdout(Redirection::Pipe)
        .stderr(Redirection::Pipe)
        .setpgid();
    if let Some(dir) = &command.cwd {
        exec = exec.cwd(dir);
    }
    exec.start().map_err(|source| start_error(command, source))
}

/// What to execute: the program, behind `setpriv` where that has something to do.
fn words(command: &Command, program: PathBuf) -> Result<(PathBuf, Vec<OsString>), SubprocessError> {
    match (find(OsStr::new("setpriv")), &command.user) {
        (None, None) => Ok((program, command.args.clone())),
        (None, Some(_)) => Err(SubprocessError::NotFound { program: "setpriv".to_owned() }),
        (Some(setpriv), user) => {
            let mut args: Vec<OsString> = vec![format!("--pdeathsig={}", signal_name(command.orphan_signal)).into()];
            if let Some(user) = user {
                args.extend([format!("--reuid={}", user.uid).into(), format!("--regid={}", user.gid).into()]);
                args.push("--init-groups".into());
            }
            args.extend(["--".into(), program.into()]);
            args.extend(command.args.iter().cloned());
            Ok((setpriv, args))
        }
    }
}

/// The program's path. Looked up here and not by `exec`, because behind `setpriv` a missing program would only
/// be an exit code.
fn find(program: &OsStr) -> Option<PathBuf> {
    if program.as_encoded_bytes().contains(&b'/') {
        return is_executable(Path::new(program)).then(|| program.into());
    }
    std::env::split_paths(&environment::search_path()).map(|dir| dir.join(program)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn start_error(command: &Command, source: io::Error) -> SubprocessError {
    SubprocessError::Start { program: command.name(), source }
}

/// As setpriv(1) wants it: by name. Of the signals that end a program only these are of use here; any other
/// becomes the one that cannot be ignored.
fn signal_name(signal: Signal) -> &'static str {
    const NAMES: [(Signal, &str); 4] =
        [(Signal::TERM, "TERM"), (Signal::INT, "INT"), (Signal::QUIT, "QUIT"), (Signal::HUP, "HUP")];
    NAMES.iter().find(|(known, _)| *known == signal).map_or("KILL", |(_, name)| name)
}

/// A program's name without its folder.
pub(crate) fn display_name(program: &OsStr) -> String {
    Path::new(program).file_name().unwrap_or(program).to_string_lossy().into_owned()
}
