//! `make bench-svn`: this converter and `git svn`, side by side on the same served repository.
//!
//! Makes a repository (or takes one by `--repository`), serves it on loopback with svnserve, and with Apache where that is
//! installed, and measures revisions per second, peak memory, the time of a poll that finds nothing, and of ten new
//! revisions; and how long `git fast-import` takes to write the same commits. Asserts nothing: figures are for people to judge.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures go to standard output, progress to the other")]

#[path = "../bench/conversion.rs"]
mod conversion;
mod fast_import;
#[path = "../bench/figures.rs"]
mod figures;
mod git_svn;
mod history;
#[path = "../bench/memory.rs"]
mod memory;
#[path = "../bench/peak.rs"]
mod peak;
mod report;
mod repository;
mod server;
#[path = "../bench/serving.rs"]
mod serving;

use anyhow::Context as _;
use clap::Parser;
use codeimport_convert::SourceOptions;
use codeimport_core::{RcsType, SourceUrl};
use conversion::convert;
use figures::{count, median};
use git_svn::GitSvn;
use memory::MemoryWatch;
use report::{GitSvnFigures, Large, Report, Transport};
use repository::{INCREMENT, Repository};
use serving::Server;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Polls, of which the median counts.
const POLLS: usize = 50;

/// Increments, of which the median counts; and polls of `git svn`, which take their time.
const INCREMENTS: usize = 3;

/// Compares with `git svn`, on a made-up repository unless told otherwise.
#[derive(Parser)]
struct Args {
    /// Measure with this repository, as it is: no increment then.
    #[arg(long)]
    repository: Option<String>,
    /// Revisions of the made-up repository.
    #[arg(long, default_value_t = 2_500)]
    revisions: u64,
    /// Also measure speed and memory of our own at this many revisions.
    #[arg(long)]
    also: Vec<u64>,
    /// Where the repositories for `--also` are kept, which take minutes to make: what an earlier run left there is taken.
    #[arg(long)]
    keep: Option<PathBuf>,
    /// Conversions, of which the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds that `git svn` gets per transport; 0 leaves it out.
    #[arg(long, default_value_t = 60)]
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
    let dir = tempfile::Builder::new().prefix("bench-svn-").tempdir()?;
    let dir = dir.path();
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut report = Report { cores, revisions: args.revisions, transports: Vec::new(), large: Vec::new() };
    if let Some(url) = &args.repository {
        report.revisions = youngest(url)?;
        report.transports.push(Bench { args, dir, servers: Vec::new() }.transport("given", url, report.revisions)?);
        return Ok(report);
    }
    let served = dir.join("served");
    std::fs::create_dir(&served)?;
    // Apache's processes give up root's rights.
    open_to_all(dir)?;
    let svnserve = server::svnserve(&served)?;
    let apache = server::apache(&served, dir)?;
    let servers = [Some(&svnserve), apache.as_ref()].into_iter().flatten().map(Server::pid).collect();
    let bench = Bench { args, dir, servers };
    report.transports.push(bench.made("svn", &svnserve, &served)?);
    match &apache {
        Some(apache) => report.transports.push(bench.made("http", apache, &served)?),
        None => eprintln!("http is left out: Debian's libapache2-mod-svn is not installed"),
    }
    let servers = [Some(("svn", &svnserve)), apache.as_ref().map(|apache| ("http", apache))];
    for (revisions, (transport, server)) in each(&args.also, servers.into_iter().flatten()) {
        eprintln!("{transport}: {revisions} revisions");
        let name = bench.large(revisions, &served)?;
        let ours = convert(&server.url(&name), &bench.folder(&format!("{transport}-{name}"))?)?;
        report.large.push(Large { transport, revisions, ours });
    }
    Ok(report)
}

/// What all measurements have in common.
struct Bench<'a> {
    args: &'a Args,
    dir: &'a Path,
    servers: Vec<u32>,
}

impl Bench<'_> {
    /// A repository of this size, and its name below what is served.
    fn large(&self, revisions: u64, served: &Path) -> anyhow::Result<String> {
        let name = format!("large-{revisions}");
        match &self.args.keep {
            _ if served.join(&name).exists() => {}
            Some(keep) => std::os::unix::fs::symlink(Repository::kept(keep, revisions)?, served.join(&name))?,
            None => drop(Repository::make(served, &name, revisions)?),
        }
        Ok(name)
    }

    /// Measures with a repository made for it, the increment included.
    fn made(&self, name: &str, server: &Server, served: &Path) -> anyhow::Result<Transport> {
        eprintln!("{name}: making a repository of {} revisions", self.args.revisions);
        let repository = Repository::make(served, name, self.args.revisions)?;
        let url = server.url(name);
        let mut transport = self.transport(name, &url, self.args.revisions)?;
        eprintln!("{name}: {INCREMENT} new revisions");
        let clone = self.git_svn_at_the_end(name, &url)?;
        let ours = copies(&self.dir.join(format!("{name}-0")))?;
        let theirs = clone.as_ref().map(GitSvn::copies).transpose()?;
        repository.grow()?;
        let (mut our_seconds, mut their_seconds) = (Vec::new(), Vec::new());
        // In turns, so that both have the same load of whatever else the machine does.
        for (number, dir) in ours.iter().enumerate() {
            our_seconds.push(convert(&url, dir)?.seconds);
            if let Some(clones) = &theirs {
                their_seconds.push(clones[number].fetch(None)?);
            }
        }
        transport.ours_increment_seconds = Some(median(our_seconds));
        if let (Some(figures), Some(clones)) = (&mut transport.git_svn, theirs) {
            figures.increment_seconds = Some(median(their_seconds));
            let polls: Result<Vec<_>, _> = clones.iter().map(|clone| clone.fetch(None)).collect();
            figures.poll_seconds = Some(median(polls?));
        }
        Ok(transport)
    }

    fn transport(&self, name: &str, url: &str, revisions: u64) -> anyhow::Result<Transport> {
        let watch = MemoryWatch::start(self.servers.clone());
        let mut ours = Vec::new();
        for run in 0..self.args.runs.max(1) {
            eprintln!("{name}: conversion {}", run + 1);
            ours.push(convert(url, &self.folder(&format!("{name}-{run}"))?)?);
        }
        let ours_peak_bytes = watch.stop();
        let seconds = median(ours.iter().map(|ours| ours.seconds).collect());
        eprintln!("{name}: the same commits by git fast-import");
        let converted = conversion::target(&self.dir.join(format!("{name}-0")));
        let fast_import_seconds = fast_import::seconds(&converted, &self.dir.join(format!("{name}-fast-import")))?;
        Ok(Transport {
            name: format!("{name}: {url}"),
            ours,
            ours_revisions_per_second: count(revisions) / seconds,
            ours_peak_bytes,
            fast_import_seconds,
            ours_poll_seconds: median(conversion::poll(&source(url)?, &SourceOptions::default(), POLLS)?),
            ours_increment_seconds: None,
            git_svn: self.git_svn(name, url)?,
        })
    }

    fn git_svn(&self, name: &str, url: &str) -> anyhow::Result<Option<GitSvnFigures>> {
        if self.args.seconds == 0 {
            return Ok(None);
        }
        let Some(clone) = GitSvn::init(url, self.dir.join(format!("{name}-git-svn")))? else {
            eprintln!("git svn is left out: Debian's git-svn is not installed");
            return Ok(None);
        };
        eprintln!("{name}: git svn, for {} s", self.args.seconds);
        let watch = MemoryWatch::start(self.servers.clone());
        let first = clone.fetch_for(Duration::from_secs(self.args.seconds))?;
        Ok(Some(GitSvnFigures { first, peak_bytes: watch.stop(), poll_seconds: None, increment_seconds: None }))
    }

    /// A clone that has the last few revisions only: to convert all would take too long, and its increment is not slower so.
    fn git_svn_at_the_end(&self, name: &str, url: &str) -> anyhow::Result<Option<GitSvn>> {
        if self.args.seconds == 0 {
            return Ok(None);
        }
        let clone = GitSvn::init(url, self.dir.join(format!("{name}-git-svn-end")))?;
        if let Some(clone) = &clone {
            clone.fetch(Some((self.args.revisions.saturating_sub(5), self.args.revisions)))?;
        }
        Ok(clone)
    }

    fn folder(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.dir.join(name);
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }
}

/// As many copies of a folder as there are increments: each can be made once.
fn copies(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let copy = |number: usize| {
        let copy = dir.with_extension(number.to_string());
        let output = codeimport_subprocess::Command::new("cp").arg("-r").arg(dir).arg(&copy).run()?;
        anyhow::ensure!(output.success(), "{}", output.stderr);
        Ok(copy)
    };
    (0..INCREMENTS).map(copy).collect()
}

/// Each size with each server.
fn each<S: Copy>(sizes: &[u64], servers: impl Iterator<Item = S> + Clone) -> impl Iterator<Item = (u64, S)> {
    sizes.iter().flat_map(move |size| servers.clone().map(move |server| (*size, server)))
}

fn source(url: &str) -> anyhow::Result<SourceUrl> {
    Ok(SourceUrl::parse(RcsType::Subversion, url)?)
}

fn open_to_all(dir: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755))
}

fn youngest(url: &str) -> anyhow::Result<u64> {
    let output = codeimport_subprocess::Command::new("svn").args(["info", "--show-item", "revision", url]).run()?;
    output.stdout_text().trim().parse().with_context(|| format!("{url}: {}", output.stderr))
}
