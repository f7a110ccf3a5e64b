//! `make bench-registry`: a scan through gRPC beside a bare COPY, pages at depth, and many definitions. Prints figures, asserts nothing.

mod bare;
mod definitions;
mod history;
mod house;
mod pages;
mod scan;

use clap::Parser;
use house::House;
use pages::Pages;
use serde_json::{Value, json};
use std::{path::PathBuf, time::Duration};

/// Measures what the registry does with what a scan found.
#[derive(Parser)]
struct Args {
    /// The registry to measure.
    #[arg(long, default_value = "target/release/codeimport-registry")]
    registry: PathBuf,
    /// The command line that loads and dumps definitions.
    #[arg(long, default_value = "target/release/codeimport")]
    codeimport: PathBuf,
    /// How many definitions; 0: none, and no command line is needed.
    #[arg(long, default_value_t = 100_000)]
    definitions: u64,
    #[command(flatten)]
    shape: scan::Shape,
    /// How often to scan, each time into empty tables and with a bare COPY after it: a machine that does other things as well needs more
    /// than one. Pages are read of the last.
    #[arg(long, default_value_t = 3)]
    rounds: i64,
    /// Write the figures here, too, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let house = House::open(&args.registry).await?;
    let mut figures = serde_json::json!({ "commits": args.shape.commits });
    if args.definitions > 0 {
        figures["definitions"] = definitions(&args, &house).await?;
    }
    figures["scan"] = scan(&args, &house).await?;
    if let Some(path) = &args.json {
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)?;
    }
    house.close().await
}

async fn definitions(args: &Args, house: &House) -> anyhow::Result<Value> {
    let found = definitions::measure(house, &args.codeimport, args.definitions).await?;
    let (load, dump, peaks) = (found.load.as_secs_f64(), found.dump.as_secs_f64(), found.peaks_mb);
    let count = args.definitions;
    say(&format!(
        "{count} definitions: loaded in {load:.1} s, dumped in {dump:.1} s; registry's peak {} MB before, {} MB after loading, {} MB after lists and dump",
        peaks[0], peaks[1], peaks[2]
    ));
    let lists: Vec<_> = found.lists.iter().map(|(name, pages)| list(name, pages)).collect();
    Ok(json!({ "count": count, "load_s": load, "dump_s": dump, "registry_peaks_mb": peaks, "lists": lists }))
}

async fn scan(args: &Args, house: &House) -> anyhow::Result<Value> {
    let mut rounds = Vec::new();
    for run in 1..=args.rounds {
        house.forget_scans().await?;
        rounds.push(round(args, house, run).await?);
    }
    let mut percents: Vec<_> = rounds.iter().filter_map(|round| round["percent"].as_f64()).collect();
    percents.sort_by(f64::total_cmp);
    let median = percents.get(percents.len() / 2).copied().unwrap_or_default();
    let peak_mb = house.registry_peak_mb()?;
    say(&format!("scan: median {median:.0} % of a bare COPY; registry's peak {peak_mb} MB"));
    let mut lists = Vec::new();
    for reference in ["", "refs/heads/main", "refs/tags/v00100"] {
        lists.push(list(reference, &pages::of_revisions(house, reference).await?));
    }
    Ok(json!({ "rounds": rounds, "median_percent": median, "registry_peak_mb": peak_mb, "lists": lists }))
}

async fn round(args: &Args, house: &House, run: i64) -> anyhow::Result<Value> {
    let scan = scan::scan(house, &args.shape, run).await?;
    let rate = |took: Duration| args.shape.commits as f64 / took.as_secs_f64();
    let (put, swap, whole) = (scan.put.as_secs_f64(), scan.swap.as_secs_f64(), rate(scan.put + scan.swap));
    let bare = rate(bare::copy(house).await?);
    let percent = 100.0 * whole / bare;
    say(&format!(
        "scan: {put:.1} s put, {swap:.1} s swap ({} refs); {whole:.0} commits/s, bare COPY {bare:.0}: {percent:.0} %",
        scan.refs
    ));
    Ok(json!({
        "refs": scan.refs, "put_s": put, "swap_s": swap, "per_s": whole, "bare_copy_per_s": bare, "percent": percent,
    }))
}

fn list(name: &str, pages: &Pages) -> Value {
    let (first, deep, ratio) = (millis(pages.first), millis(pages.deep), pages.ratio());
    say(&format!("pages of {name:?}: p99 {first:.2} ms first, {deep:.2} ms at depth {}: {ratio:.1}", pages.depth));
    json!({ "list": name, "depth": pages.depth, "first_ms": first, "deep_ms": deep })
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[expect(clippy::print_stdout, reason = "a command tells its user")]
fn say(line: &str) {
    println!("{line}");
}
