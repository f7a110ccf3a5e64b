//! `with-postgres CMD…`: runs a command beside a throw-away PostgreSQL server.
//!
//! The command finds the server in `CODEIMPORT_TEST_DATABASE_URL`; if that is set already, nothing is started. Exits
//! as the command did; with 127 if it or the server could not be started.

use codeimport_pg::Embedded;
use std::{env, ffi::OsString, process::ExitCode};

const ENV_URL: &str = "CODEIMPORT_TEST_DATABASE_URL";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().skip(1).collect();
    match run(&words).await {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "a command tells its user")]
            {
                eprintln!("with-postgres: {error}");
            }
            ExitCode::from(127)
        }
    }
}

async fn run(words: &[OsString]) -> Result<u8, Box<dyn std::error::Error>> {
    let (program, args) = words.split_first().ok_or("usage: with-postgres CMD [ARG…]")?;
    if env::var_os(ENV_URL).is_some() {
        return command(program, args, None).await;
    }
    let dir = tempfile::Builder::new().prefix("codeimport-pg-").tempdir()?;
    open_for_server(dir.path())?;
    let server = Embedded::start_throwaway(dir.path()).await?;
    let code = command(program, args, Some(server.url())).await;
    server.stop().await?;
    code
}

/// A temporary folder is closed to others, and for root the server is somebody else.
fn open_for_server(dir: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o711))
}

async fn command(program: &OsString, args: &[OsString], url: Option<String>) -> Result<u8, Box<dyn std::error::Error>> {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command is the user's own: it keeps terminal, environment and bounds"
    )]
    let mut command = std::process::Command::new(program);
    command.args(args).envs(url.map(|url| (ENV_URL, url)));
    let status = tokio::task::spawn_blocking(move || command.status()).await??;
    // Ended by a signal: what a shell would say, near enough.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(128))
}
