//! `make bench-bzr`: this converter beside `brz push --lossy` and `brz fast-export | git fast-import`, on the same branch in the
//! same run; and its poll beside `brz revno`.
//!
//! Makes a branch (or takes a copy of one by `--branch`), serves it on loopback by `brz serve`, and measures commits per second
//! from the folder and from the server, peak memory, how many commits have trees that ours do not have, the time of a poll that finds
//! nothing, and of ten new revisions. Asserts nothing: figures are for people to judge.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures go to standard output, progress to the other")]

mod branch;
#[path = "../bench/figures.rs"]
mod figures;
#[path = "../bench/memory.rs"]
mod memory;
mod ours;
#[path = "../bench/peak.rs"]
mod peak;
mod peers;
mod report;
#[expect(dead_code, reason = "the tests' own, of which only some is needed here")]
#[path = "../../tests/it/bzr/repository.rs"]
mod repository;
#[expect(dead_code, reason = "the tests' own, of which only some is needed here")]
#[path = "../../tests/it/bzr/server.rs"]
mod server;

use anyhow::Context as _;
use branch::Branch;
use clap::Parser;
use figures::median;
use report::{Conversion, Increment, Poll, Report, Row};
use server::BzrServer;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Polls, of which the median counts; and those of `brz revno`, which take their time.
const POLLS: usize = 50;
const REVNOS: usize = 7;

/// Increments, of which the median counts.
const INCREMENTS: usize = 3;

/// Compares with other converters, on a made-up branch unless told otherwise.
#[derive(Parser)]
struct Args {
    /// Measure with this branch, as it is: no increment then.
    #[arg(long)]
    branch: Option<PathBuf>,
    /// Revisions of the made-up branch.
    #[arg(long, default_value_t = 2_000)]
    revisions: u64,
    /// No directory is moved in it: `brz fast-export` cannot tell such history to `git fast-import`.
    #[arg(long)]
    still: bool,
    /// Conversions, of which the median counts; the others get one each.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds that `brz push --lossy` gets.
    #[arg(long, default_value_t = 300)]
    seconds: u64,
    /// Where to write the figures as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
    #[arg(long, hide = true)]
    convert_into: Option<PathBuf>,
    #[arg(long, hide = true)]
    url: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    if let (Some(dir), Some(url)) = (&args.convert_into, &args.url) {
        println!("{}", serde_json::to_string(&ours::convert_here(url, dir)?)?);
        return Ok(());
    }
    let report = measure(&args)?;
    print!("{}", report.table());
    match &args.json {
        Some(path) => std::fs::write(path, serde_json::to_vec_pretty(&report)?).context("cannot write the figures"),
        None => Ok(()),
    }
}

fn measure(args: &Args) -> anyhow::Result<Report> {
    let dir = tempfile::Builder::new().prefix("bench-bzr-").tempdir()?;
    let branch = match &args.branch {
        Some(given) => Branch::of(dir.path(), &given.canonicalize().context("the branch is not there")?)?,
        None => {
            eprintln!("making a branch of {} revisions", args.revisions);
            Branch::make(dir.path(), args.revisions, !args.still)?
        }
    };
    // The peers run while no server does, so that its memory is not taken for theirs.
    let here = conversions(args, &format!("file://{}", branch.path().display()))?;
    let trees = here.first().map(Conversion::trees).unwrap_or_default();
    let peers = [push_lossy(args, &branch, &trees)?, fast_export(&branch, &trees)?];
    let server = BzrServer::start(branch.path());
    let url = server.url("");
    let mut rows =
        vec![Row::of("ours, folder", &here, &trees), Row::of("ours, bzr://", &conversions(args, &url)?, &trees)];
    rows.extend(peers);
    let push_lossy = rows[2].commits_per_second;
    rows.iter_mut().for_each(|row| row.ratio = row.commits_per_second / push_lossy);
    Ok(Report {
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        rows,
        poll: poll(&url)?,
        increment: args.branch.is_none().then(|| increment(args, &branch, &url, dir.path())).transpose()?,
    })
}

fn conversions(args: &Args, url: &str) -> anyhow::Result<Vec<Conversion>> {
    let convert = |run| {
        eprintln!("ours, {url}, {}", run + 1);
        ours::convert(url)
    };
    (0..args.runs.max(1)).map(convert).collect()
}

fn push_lossy(args: &Args, branch: &Branch, trees: &BTreeSet<String>) -> anyhow::Result<Row> {
    const NAME: &str = "brz push --lossy";
    eprintln!("{NAME}, for {} s at most", args.seconds);
    Ok(match peers::push_lossy(branch, Duration::from_secs(args.seconds))? {
        Ok(conversion) => Row::of(NAME, &[conversion], trees),
        Err(cut_off) => Row::cut_off(NAME, &cut_off),
    })
}

fn fast_export(branch: &Branch, trees: &BTreeSet<String>) -> anyhow::Result<Row> {
    const NAME: &str = "brz fast-export";
    eprintln!("{NAME} and git fast-import");
    Ok(match peers::fast_export(branch)? {
        Ok(conversion) => Row::of(NAME, &[conversion], trees),
        Err(why) => Row::none(NAME, Some(why)),
    })
}

fn poll(url: &str) -> anyhow::Result<Poll> {
    eprintln!("polls");
    let (ours_seconds, revno_seconds) = (median(ours::poll(url, POLLS)?), median(peers::revno(url, REVNOS)?));
    Ok(Poll { ours_seconds, revno_seconds, ratio: revno_seconds / ours_seconds })
}

/// Ten new revisions for copies of the same target, with the cache of the run before and with none.
fn increment(args: &Args, branch: &Branch, url: &str, dir: &Path) -> anyhow::Result<Increment> {
    eprintln!("{} new revisions", branch::INCREMENT);
    let first = dir.join("first");
    std::fs::create_dir(&first)?;
    ours::update(url, &first)?;
    branch.grow(args.revisions)?;
    let (mut with_cache, mut without_cache) = (Vec::new(), Vec::new());
    for _ in 0..INCREMENTS {
        for (seconds, has_cache) in [(&mut with_cache, true), (&mut without_cache, false)] {
            repository::run(dir, &["cp", "-r", "first", "next"]);
            let next = dir.join("next");
            if !has_cache {
                std::fs::remove_dir_all(next.join("cache"))?;
            }
            seconds.push(ours::update(url, &next)?);
            std::fs::remove_dir_all(next)?;
        }
    }
    Ok(Increment { with_cache_seconds: median(with_cache), without_cache_seconds: median(without_cache) })
}
