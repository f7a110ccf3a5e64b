//! `make bench-cvs`: this converter beside `git cvsimport` and `cvs-fast-export | git fast-import`, on the same repositories in
//! the same run.
//!
//! Takes com0com of the corpora where `CODEIMPORT_CORPORA` names them, and a made-up module; serves each on loopback by `cvs pserver`,
//! and measures commits per second from files and from the server, peak memory, and the time of a poll that finds nothing. Asserts
//! nothing: figures are for people to judge.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "figures go to standard output, progress to the other")]

#[path = "../bench/conversion.rs"]
mod conversion;
#[path = "../bench/figures.rs"]
mod figures;
mod history;
mod ours;
#[path = "../bench/peak.rs"]
mod peak;
mod peers;
mod report;
#[expect(dead_code, reason = "the tests' own, of which only some is needed here")]
#[path = "../../tests/it/cvs/repository.rs"]
mod repository;
#[expect(dead_code, reason = "the tests' own, of which only some is needed here")]
#[path = "../../tests/it/cvs/server.rs"]
mod server;

use anyhow::Context as _;
use clap::Parser;
use figures::median;
use report::{Module, Report, Way};
use repository::{CvsRoot, run};
use server::CvsServer;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Name of the module that is measured.
const MODULE: &str = "m";

/// Polls, of which the median counts.
const POLLS: usize = 5;

/// Compares with other converters.
#[derive(Parser)]
struct Args {
    /// Measure with this folder of `,v` files only.
    #[arg(long)]
    repository: Option<PathBuf>,
    /// Commits of the made-up module.
    #[arg(long, default_value_t = 2_000)]
    commits: usize,
    /// Also measure memory of our own at this many commits, from files.
    #[arg(long)]
    also: Vec<usize>,
    /// Conversions, of which the median counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Seconds that `git cvsimport` gets for each module and way; 0 leaves it out.
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
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let mut report = Report { cores, modules: Vec::new(), memory: Vec::new() };
    if let Some(folder) = &args.repository {
        report.modules.push(module(args, "given", |root| copy(folder, root))?);
        return Ok(report);
    }
    match std::env::var_os("CODEIMPORT_CORPORA") {
        Some(corpora) => {
            report.modules.push(module(args, "com0com", |root| unpack(&Path::new(&corpora).join("cvs"), root))?);
        }
        None => eprintln!("com0com is left out: CODEIMPORT_CORPORA names no folder of corpora"),
    }
    let made_up = format!("{} made-up commits", args.commits);
    report.modules.push(module(args, &made_up, |root| Ok(history::write(&root.path().join(MODULE), args.commits)?))?);
    for commits in &args.also {
        eprintln!("{commits} commits, from files");
        let root = CvsRoot::create();
        history::write(&root.path().join(MODULE), *commits)?;
        report.memory.push(ours::convert(&file_url(&root))?);
    }
    Ok(report)
}

/// Measures one module, once it is in its place.
fn module(args: &Args, name: &str, make: impl FnOnce(&CvsRoot) -> anyhow::Result<()>) -> anyhow::Result<Module> {
    let root = CvsRoot::create();
    make(&root)?;
    let server = CvsServer::start(&root);
    let mut ways = Vec::new();
    let local = root.path().display().to_string();
    let places = [("files", file_url(&root), local), ("pserver", server.url(MODULE), server.cvs_root("anonymous@"))];
    for (way, url, cvs_root) in places {
        eprintln!("{name}: ours, {way}");
        let runs: Result<Vec<_>, _> = (0..args.runs.max(1)).map(|_| ours::convert(&url)).collect();
        let poll_seconds = median(ours::poll(&url, POLLS)?);
        let cvsimport = match args.seconds {
            0 => None,
            seconds => {
                eprintln!("{name}: git cvsimport, {way}, for {seconds} s");
                peers::cvsimport(&cvs_root, MODULE, Duration::from_secs(seconds))?
            }
        };
        ways.push(Way { name: way, runs: runs?, poll_seconds, cvsimport });
    }
    eprintln!("{name}: cvs-fast-export and git fast-import");
    let runs: Result<Vec<_>, _> =
        (0..args.runs.max(1)).map(|_| peers::fast_export(&root.path().join(MODULE))).collect();
    let fast_export = runs?.into_iter().collect::<Option<Vec<_>>>();
    Ok(Module { name: name.to_owned(), ways, fast_export })
}

fn file_url(root: &CvsRoot) -> String {
    format!("file://{}//{MODULE}", root.path().display())
}

fn copy(folder: &Path, root: &CvsRoot) -> anyhow::Result<()> {
    let from = folder.to_str().context("a folder whose name is text")?;
    run(root.dir.path(), &["cp", "-r", from, &format!("root/{MODULE}")]);
    Ok(())
}

/// com0com, the largest module of the corpora.
fn unpack(corpora: &Path, root: &CvsRoot) -> anyhow::Result<()> {
    let archive = corpora.join("com0com.tar.xz");
    let archive = archive.to_str().context("a folder whose name is text")?;
    run(root.dir.path(), &["mkdir", "unpacked"]);
    run(root.dir.path(), &["tar", "-C", "unpacked", "-xf", archive]);
    copy(&root.dir.path().join("unpacked/com0com"), root)
}
