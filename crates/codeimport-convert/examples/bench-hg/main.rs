//! `make bench-hg`: this converter beside `git-remote-hg` and hg-git, on the same repository, served by `hg serve`, in the same run.
//!
//! Makes a repository (or takes one by `--repository`) and measures changesets per second, peak memory, the time of a poll that finds
//! nothing beside `hg id`, and of ten new changesets. Asserts nothing: figures are for people to judge.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures go to standard output, progress to the other")]

#[path = "../bench/conversion.rs"]
mod conversion;
#[path = "../bench/figures.rs"]
mod figures;
#[path = "../bench/memory.rs"]
mod memory;
#[path = "../bench/peak.rs"]
mod peak;
mod peers;
mod report;
mod repository;
#[path = "../bench/serving.rs"]
mod serving;

use anyhow::Context as _;
use clap::Parser;
use codeimport_convert::SourceOptions;
use codeimport_core::{RcsType, SourceUrl};
use figures::median;
use peers::{First, Peer};
use report::{Ours, Report, Theirs};
use repository::{Repository, hg, run};
use serving::Server;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Polls, of which the median counts; and polls of `hg id`, which take their time.
const POLLS: usize = 100;
const HG_IDS: usize = 10;

/// Increments, of which the median counts, and changesets of each.
const INCREMENTS: usize = 3;
const INCREMENT: u64 = 10;

/// Compares with other converters, on a made-up repository unless told otherwise.
#[derive(Parser)]
struct Args {
    /// Measure with the repository in this folder, as it is: no increment then.
    #[arg(long)]
    repository: Option<PathBuf>,
    /// Changesets of the made-up repository.
    #[arg(long, default_value_t = 2_000)]
    changesets: u64,
    /// Conversions, of which the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds that each of the others gets; 0 leaves them out.
    #[arg(long, default_value_t = 180)]
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
        let made = conversion::convert_here(&source(url)?, &SourceOptions::default(), dir)?;
        println!("{}", serde_json::to_string(&made)?);
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
    let before = load()?;
    let dir = tempfile::Builder::new().prefix("bench-hg-").tempdir()?;
    let repository = match &args.repository {
        Some(path) => Repository::given(path)?,
        None => {
            eprintln!("making a repository of {} changesets", args.changesets);
            Repository::make(dir.path().join("repository"), args.changesets)?
        }
    };
    let server = repository.serve()?;
    let bench = Bench { args, dir: dir.path(), url: server.url(""), changesets: repository.changesets()?, server };
    let runs = bench.ours()?;
    let peers = bench.peers()?;
    eprintln!("polls");
    let polls = conversion::poll(&source(&bench.url)?, &SourceOptions::default(), POLLS)?;
    let hg_id_seconds = bench.hg_id()?;
    let rounds = if args.repository.is_none() { INCREMENTS } else { 0 };
    let increments = bench.follow(&repository, &peers, rounds)?;
    let ours = Ours::new(bench.changesets, runs, polls, increments.ours);
    let theirs = peers.into_iter().zip(increments.theirs);
    let peers = theirs.map(|((peer, first), increments)| Theirs::new(peer.name(), first, increments, &ours)).collect();
    Ok(Report {
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        load: [before, load()?],
        changesets: bench.changesets,
        poll_ratio: hg_id_seconds / ours.poll_seconds,
        ours,
        peers,
        hg_id_seconds,
    })
}

/// What all measurements have in common.
struct Bench<'a> {
    args: &'a Args,
    dir: &'a Path,
    server: Server,
    url: String,
    changesets: u64,
}

/// Seconds of each increment; of the others in their order.
struct Increments {
    ours: Vec<f64>,
    theirs: Vec<Vec<f64>>,
}

impl Bench<'_> {
    fn ours(&self) -> anyhow::Result<Vec<conversion::Conversion>> {
        let convert = |run: usize| {
            eprintln!("codeimport, conversion {}", run + 1);
            conversion::convert(&self.url, &self.target(run)?)
        };
        (0..self.args.runs.max(1)).map(convert).collect()
    }

    fn peers(&self) -> anyhow::Result<Vec<(Peer, First)>> {
        let mut done = Vec::new();
        for peer in Peer::ALL.into_iter().filter(|_| self.args.seconds > 0) {
            if !peer.is_installed()? {
                eprintln!("{} is left out: Debian's {} is not installed", peer.name(), peer.package());
                continue;
            }
            eprintln!("{}, for {} s at most", peer.name(), self.args.seconds);
            let limit = Duration::from_secs(self.args.seconds);
            let first =
                peer.convert(&self.url, &self.clone_of(peer), self.changesets, limit, vec![self.server.pid()])?;
            done.push((peer, first));
        }
        Ok(done)
    }

    fn hg_id(&self) -> anyhow::Result<f64> {
        let ask = |_| {
            let began = Instant::now();
            run(hg().args(["id", &self.url]))?;
            Ok(began.elapsed().as_secs_f64())
        };
        Ok(median((0..HG_IDS).map(ask).collect::<anyhow::Result<_>>()?))
    }

    /// In turns, so that all have the same load of whatever else the machine does.
    fn follow(&self, repository: &Repository, peers: &[(Peer, First)], rounds: usize) -> anyhow::Result<Increments> {
        let mut increments = Increments { ours: Vec::new(), theirs: vec![Vec::new(); peers.len()] };
        for round in 0..rounds {
            eprintln!("{INCREMENT} new changesets, round {}", round + 1);
            repository.grow(INCREMENT)?;
            increments.ours.push(conversion::convert(&self.url, &self.target(0)?)?.seconds);
            for ((peer, _), seconds) in
                peers.iter().zip(&mut increments.theirs).filter(|((_, first), _)| first.complete)
            {
                seconds.push(peer.follow(&self.clone_of(*peer))?);
            }
        }
        Ok(increments)
    }

    /// Where a conversion of ours goes.
    fn target(&self, run: usize) -> anyhow::Result<PathBuf> {
        let path = self.dir.join(format!("ours-{run}"));
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    fn clone_of(&self, peer: Peer) -> PathBuf {
        self.dir.join(peer.name())
    }
}

fn source(url: &str) -> anyhow::Result<SourceUrl> {
    Ok(SourceUrl::parse_on_own_machine(RcsType::Mercurial, url)?)
}

/// Processes that wanted the machine, on average of the last minute.
fn load() -> anyhow::Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    text.split(' ').next().and_then(|load| load.parse().ok()).context("/proc/loadavg has no figures")
}
