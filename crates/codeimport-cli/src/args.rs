//! What may be typed. The doc comments here are the `--help` texts.

use clap::{Args, Parser, Subcommand};
use codeimport_core::RcsType;
use std::path::PathBuf;

/// Keeps Git copies of foreign repositories fresh.
#[derive(Parser)]
#[command(name = "codeimport", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of all commands.
#[derive(Args)]
pub(crate) struct Global {
    /// Where `codeimport up` keeps its data, and where the other commands look for it.
    #[arg(long, global = true, env = "CODEIMPORT_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address of the registry; default: the one that `codeimport up` has written down.
    #[arg(long, global = true, env = "CODEIMPORT_REGISTRY_URL", value_name = "URL")]
    pub(crate) registry: Option<String>,
    /// Address of the queue; default: the one that `codeimport up` has written down.
    #[arg(long, global = true, env = "CODEIMPORT_QUEUE_URL", value_name = "URL")]
    pub(crate) queue: Option<String>,
    /// Print JSON, one object per line, as described in docs/cli-json.md.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start PostgreSQL, registry, queue and worker on this machine, until Ctrl-C.
    Up(Up),
    /// Define imports, run them, and see how they go.
    #[command(subcommand)]
    Import(Import),
}

/// Options of `up`.
#[derive(Args)]
pub(crate) struct Up {
    /// First of three ports on the loopback address: registry, queue, worker. 0: any free ones.
    #[arg(long, default_value_t = 7401)]
    pub(crate) port: u16,
    /// How many imports run at the same time.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) slots: u16,
}

#[derive(Subcommand)]
pub(crate) enum Import {
    /// Define an import: keep a Git copy of URL fresh.
    Create(Create),
    /// List imports.
    List,
    /// Show one import: what it does, when it runs next, how the last run went.
    Show(ImportRef),
    /// Let an import run.
    Approve(Review),
    /// Let an import run no more, until it is approved again.
    Suspend(Review),
    /// Try a failing import again, at once.
    Retry(RunNow),
    /// Run an import as soon as a worker is free.
    Now(RunNow),
    /// List the runs of an import, newest first.
    Runs(ImportRef),
    /// Show the log of a run.
    Log(Log),
    /// List the refs that the last scan found.
    Refs(ImportRef),
    /// List the revisions that the scan found, newest first.
    Revisions(Revisions),
    /// Delete an import; its target repository stays.
    Delete(ImportRef),
}

/// Names one import.
#[derive(Args)]
pub(crate) struct ImportRef {
    /// The import's id.
    #[arg(value_name = "IMPORT")]
    pub(crate) import_id: String,
}

/// Options of `import create`.
#[derive(Args)]
pub(crate) struct Create {
    /// Address of the repository to import.
    pub(crate) url: String,
    /// Its revision control system: git, svn, cvs, hg or bzr.
    #[arg(long, default_value_t = RcsType::Git, value_name = "RCS")]
    pub(crate) rcs: RcsType,
    /// Git repository to write; default: a bare one below the data folder.
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Id of the import; default: made from the URL.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Take over only refs that match this pattern; may be repeated.
    #[arg(long = "ref", value_name = "PATTERN")]
    pub(crate) refs: Vec<String>,
    /// Wait until the first run has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Options of `import approve` and `import suspend`.
#[derive(Args)]
pub(crate) struct Review {
    #[command(flatten)]
    pub(crate) import: ImportRef,
    /// Why, for the record.
    #[arg(long, default_value = "", hide_default_value = true)]
    pub(crate) reason: String,
}

/// Options of `import now` and `import retry`.
#[derive(Args)]
pub(crate) struct RunNow {
    #[command(flatten)]
    pub(crate) import: ImportRef,
    /// Wait until the run has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Options of `import log`.
#[derive(Args)]
pub(crate) struct Log {
    /// The run's id, as `import runs` shows it.
    #[arg(value_name = "RUN")]
    pub(crate) run_id: i64,
    /// Stay until the run has ended.
    #[arg(long)]
    pub(crate) follow: bool,
}

/// Options of `import revisions`.
#[derive(Args)]
pub(crate) struct Revisions {
    #[command(flatten)]
    pub(crate) import: ImportRef,
    /// Only what is reachable from this ref (full name).
    #[arg(long = "ref", value_name = "REF", default_value = "", hide_default_value = true)]
    pub(crate) reference: String,
    /// At most this many.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }
}
