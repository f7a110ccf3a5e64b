//! `make bench-cvs`: this converter beside `git cvsimport` and `cvs-fast-export | git fast-import`, on the same repository in
//! the same run.
//!
//! Takes a folder of `,v` files (`--repository`), serves it on loopback by `cvs pserver`, and measures commits per second
//! from files and from the server, and the time of a poll that finds nothing. Asserts nothing: figures are for people to judge.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures go to standard output, progress to the other")]

mod ours;
mod peers;
#[expect(dead_code, reason = "the tests' own, of which only some is needed here")]
#[path = "../../tests/it/cvs/repository.rs"]
mod repository;
#[expect(dead_code, reason = "the tests' own, of which only some is needed here")]
#[path = "../../tests/it/cvs/server.rs"]
mod server;

use anyhow::Context as _;
use clap::Parser;
use repository::{CvsRoot, run};
use server::CvsServer;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Name of the module that is measured.
const MODULE: &str = "m";

/// Compares with other converters.
#[derive(Parser)]
struct Args {
    /// Folder of `,v` files.
    #[arg(long)]
    repository: PathBuf,
    /// Conversions, of which the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds that `git cvsimport` gets.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let root = CvsRoot::create();
    let module = root.path().join(MODULE);
    let from = args.repository.to_str().context("a folder whose name is text")?;
    run(root.dir.path(), &["cp", "-r", from, module.to_str().context("a folder whose name is text")?]);
    let server = CvsServer::start(&root);
    let by_files = format!("file://{}//{MODULE}", root.path().display());
    let by_server = server.url(MODULE);
    let mut figures = BTreeMap::new();
    for (name, url) in [("files", &by_files), ("pserver", &by_server)] {
        eprintln!("ours, {name} …");
        let (commits, seconds) = ours::convert(url, args.runs)?;
        figures.insert(format!("ours_{name}_commits_per_second"), commits / seconds);
        figures.insert(format!("ours_{name}_seconds"), seconds);
        figures.insert(format!("ours_{name}_poll_seconds"), ours::poll(url, args.runs)?);
    }
    eprintln!("cvs-fast-export and git fast-import …");
    if let Some((commits, seconds)) = peers::fast_export(&module)? {
        figures.insert("cvs_fast_export_commits_per_second".to_owned(), commits / seconds);
        figures.insert("cvs_fast_export_seconds".to_owned(), seconds);
    }
    eprintln!("git cvsimport …");
    let (commits, seconds) = peers::cvsimport(&root, MODULE, Duration::from_secs(args.seconds))?;
    figures.insert("git_cvsimport_commits_per_second".to_owned(), commits / seconds);
    for (name, value) in &figures {
        println!("{name:<40} {value:>12.3}");
    }
    match args.json {
        Some(path) => Ok(std::fs::write(path, serde_json::to_string_pretty(&figures)?)?),
        None => Ok(()),
    }
}
