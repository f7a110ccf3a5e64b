//! What may be typed. The doc comments here are the `--help` texts.

mod cvs;
mod distributed;
mod notify;
mod queue;
mod registry;
mod ssh;
mod svn;

pub(crate) use cvs::CvsArgs;
pub(crate) use distributed::DistributedArgs;
pub(crate) use notify::{CreateWebhook, Deliveries, Redeliver, Trigger, Webhook};
pub(crate) use queue::{Host, HostLimit, Queue, Worker, WorkerState};
pub(crate) use registry::{
    CreateCredential, Credential, Dump, EventFilter, Format, List, Load, Note, Order, PastEvents, RotateCredential,
    Watch,
};
pub(crate) use ssh::SshArgs;
pub(crate) use svn::SvnArgs;

use clap::{Args, Parser, Subcommand};
use codeimport_core::RcsType;
use jiff::Timestamp;
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
    /// Store what sources are read with.
    #[command(subcommand)]
    Credential(Credential),
    /// Let pushes to sources start runs.
    #[command(subcommand)]
    Trigger(Trigger),
    /// Have others told what happens to imports.
    #[command(subcommand)]
    Webhook(Webhook),
    /// See the workers, and tell them whether to take jobs.
    #[command(subcommand)]
    Worker(Worker),
    /// See the hosts of sources, and spare them.
    #[command(subcommand)]
    Host(Host),
    /// See how the queue is doing.
    #[command(subcommand)]
    Queue(Queue),
    /// Convert a repository into a local Git repository, once or again; no service is needed.
    Convert(Convert),
    /// List which commit of a converted repository shows which source revision.
    Map(Map),
    /// Compare a converted repository with what its source exports.
    Verify(Verify),
    /// Say what a source has (branches, tags, authors, odd things) without writing anything.
    Preview(Preview),
    /// Ask where a source's history stands.
    Poll(Poll),
}

/// Names a source.
#[derive(Args)]
pub(crate) struct SourceRef {
    /// Address of the source; for Subversion and CVS `file:///path` too, for CVS also a CVSROOT.
    pub(crate) url: String,
    /// Its revision control system: git, svn, cvs, hg or bzr; default: what the address or the server says.
    #[arg(long, value_name = "RCS")]
    pub(crate) rcs: Option<RcsType>,
    #[command(flatten)]
    pub(crate) ssh: SshArgs,
    #[command(flatten)]
    pub(crate) cvs: CvsArgs,
    #[command(flatten)]
    pub(crate) distributed: DistributedArgs,
}

/// Options of `convert`.
#[derive(Args)]
pub(crate) struct Convert {
    #[command(flatten)]
    pub(crate) source: SourceRef,
    /// Bare repository to write; made if it is not there.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    #[command(flatten)]
    pub(crate) svn: SvnArgs,
    /// Convert at most this many revisions now.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

/// Options of `map`.
#[derive(Args)]
pub(crate) struct Map {
    /// A repository that was converted.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
}

/// Options of `verify`.
#[derive(Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    pub(crate) source: SourceRef,
    /// The repository that was converted.
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// Compare every commit.
    #[arg(long, conflicts_with = "samples")]
    pub(crate) all: bool,
    /// Compare this many commits beside the tips, chosen by chance.
    #[arg(long, default_value_t = 20, value_name = "K")]
    pub(crate) samples: usize,
}

/// Options of `preview`.
#[derive(Args)]
pub(crate) struct Preview {
    #[command(flatten)]
    pub(crate) source: SourceRef,
    #[command(flatten)]
    pub(crate) svn: SvnArgs,
}

/// Options of `poll`.
#[derive(Args)]
pub(crate) struct Poll {
    #[command(flatten)]
    pub(crate) source: SourceRef,
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
    #[command(flatten)]
    pub(crate) ssh: SshArgs,
}

#[derive(Subcommand)]
pub(crate) enum Import {
    /// Define an import: keep a Git copy of URL fresh.
    Create(Create),
    /// Change an import: where and how its source is read.
    Update(Update),
    /// List imports.
    List(List),
    /// Show one import: what it does, when it runs next, how the last run went.
    Show(ImportRef),
    /// Tell why an import runs when it does, and what it waits for now.
    Explain(ImportRef),
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
    /// Have the next run tell all of history anew.
    Rescan(ImportRef),
    /// Tell which commits show a source revision, or which source revisions a commit shows.
    Map(ImportMap),
    /// List what happened to imports and who did it, newest first.
    Events(PastEvents),
    /// Follow what happens to imports, until Ctrl-C.
    Watch(Watch),
    /// Say something about an import, or list what was said.
    Note(Note),
    /// Define many imports from a file.
    Load(Load),
    /// Write all definitions down, to be loaded elsewhere.
    Dump(Dump),
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
    /// Address of the repository to import; for CVS it may be a CVSROOT, with --cvs-module.
    pub(crate) url: String,
    /// Its revision control system: git, svn, cvs, hg or bzr; default: what the address or the server says.
    #[arg(long, value_name = "RCS")]
    pub(crate) rcs: Option<RcsType>,
    /// Git repository to write; default: a bare one below the data folder.
    #[arg(long, value_name = "URL")]
    pub(crate) target: Option<String>,
    /// Id of the import; default: made from the URL.
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Take over only refs that match this pattern; may be repeated.
    #[arg(long = "ref", value_name = "PATTERN")]
    pub(crate) refs: Vec<String>,
    #[command(flatten)]
    pub(crate) svn: SvnArgs,
    #[command(flatten)]
    pub(crate) cvs: CvsArgs,
    #[command(flatten)]
    pub(crate) distributed: DistributedArgs,
    /// Wait until the first run has ended.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Options of `import update`. What is not given stays as it is.
#[derive(Args)]
pub(crate) struct Update {
    #[command(flatten)]
    pub(crate) import: ImportRef,
    /// Another address of the repository to import.
    #[arg(long, value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Another revision control system: git, svn, cvs, hg or bzr.
    #[arg(long, value_name = "RCS")]
    pub(crate) rcs: Option<RcsType>,
    /// Take over only refs that match this pattern; may be repeated.
    #[arg(long = "ref", value_name = "PATTERN")]
    pub(crate) refs: Vec<String>,
    #[command(flatten)]
    pub(crate) svn: SvnArgs,
    #[command(flatten)]
    pub(crate) cvs: CvsArgs,
    #[command(flatten)]
    pub(crate) distributed: DistributedArgs,
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
    /// Only what is not reachable from this ref (full name): with `--ref`, the range between two refs.
    #[arg(long, value_name = "REF", default_value = "", hide_default_value = true)]
    pub(crate) except: String,
    /// Only what this run brought, as `import runs` shows it.
    #[arg(long = "run", value_name = "RUN", default_value_t = 0, hide_default_value = true)]
    pub(crate) run_id: i64,
    /// Only of authors with this text in name or address.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) author: String,
    /// Only those with this text in the message.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) text: String,
    /// Only those committed at this time or later: 2024-05-01T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<Timestamp>,
    /// Only those committed before this time.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<Timestamp>,
    /// At most this many.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Options of `import map`.
#[derive(Args)]
pub(crate) struct ImportMap {
    #[command(flatten)]
    pub(crate) import: ImportRef,
    #[command(flatten)]
    pub(crate) key: MapKey,
    /// Only on the branch with this path in the source.
    #[arg(long, value_name = "PATH")]
    pub(crate) branch: Option<String>,
}

/// What to look for in the map: one of them.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct MapKey {
    /// A revision in the source's own words: 4711 for Subversion.
    #[arg(long, value_name = "REVISION")]
    pub(crate) source_revision: Option<String>,
    /// A commit of the target: 40 hex digits.
    #[arg(long, value_name = "COMMIT")]
    pub(crate) commit: Option<String>,
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
