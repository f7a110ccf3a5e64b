//! `make bench-bzr`: this converter beside `brz push --lossy` and `brz fast-export | git fast-import`, on the same branch in the
//! same run; and its poll beside `brz revno`.
//!
//! Takes a branch on disk (`--branch`), serves it on loopback by `brz serve`, and measures commits per second from disk and from
//! the server. Asserts nothing: figures are for people to judge.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures go to standard output, progress to the other")]

mod ours;
mod peers;
#[expect(dead_code, reason = "the tests' own, of which only some is needed here")]
#[path = "../../tests/it/bzr/repository.rs"]
mod repository;
#[expect(dead_code, reason = "the tests' own, of which only some is needed here")]
#[path = "../../tests/it/bzr/server.rs"]
mod server;

use anyhow::Context as _;
use clap::Parser;
use server::BzrServer;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Compares with other converters.
#[derive(Parser)]
struct Args {
    /// Folder of a branch.
    #[arg(long)]
    branch: PathBuf,
    /// Conversions and polls, of which the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds that `brz push --lossy` gets.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let branch = args.branch.canonicalize().context("the branch is not there")?;
    let server = BzrServer::start(&branch);
    let (by_files, by_server) = (format!("file://{}", branch.display()), server.url(""));
    let mut figures = BTreeMap::new();
    for (name, url) in [("files", &by_files), ("bzr", &by_server)] {
        eprintln!("ours, {name} …");
        let (commits, seconds) = ours::convert(url, args.runs)?;
        figures.insert(format!("ours_{name}_commits_per_second"), commits / seconds);
        figures.insert(format!("ours_{name}_seconds"), seconds);
    }
    eprintln!("polls …");
    let poll = ours::poll(&by_server, args.runs)?;
    let revno = peers::revno(&by_server, args.runs)?;
    figures.insert("ours_poll_seconds".to_owned(), poll);
    figures.insert("brz_revno_seconds".to_owned(), revno);
    figures.insert("ratio_poll".to_owned(), revno / poll);
    eprintln!("brz push --lossy …");
    let (commits, seconds) = peers::push_lossy(&branch, Duration::from_secs(args.seconds))?;
    figures.insert("brz_push_lossy_commits_per_second".to_owned(), commits / seconds);
    for name in ["files", "bzr"] {
        let ours = figures[&format!("ours_{name}_commits_per_second")];
        figures.insert(format!("ratio_{name}_to_push_lossy"), ours / (commits / seconds));
    }
    eprintln!("brz fast-export and git fast-import …");
    match peers::fast_export(&branch)? {
        Ok((commits, seconds)) => {
            figures.insert("brz_fast_export_commits_per_second".to_owned(), commits / seconds);
        }
        Err(why) => eprintln!("not measured (it needs python3-fastimport): {why}"),
    }
    for (name, value) in &figures {
        println!("{name:<40} {value:>12.4}");
    }
    match args.json {
        Some(path) => Ok(std::fs::write(path, serde_json::to_string_pretty(&figures)?)?),
        None => Ok(()),
    }
}
