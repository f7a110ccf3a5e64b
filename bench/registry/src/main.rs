//! `make bench-registry`: a scan through gRPC beside a bare COPY, and pages at depth. Prints figures, asserts nothing.

mod bare;
mod history;
mod house;
mod pages;
mod scan;

use clap::Parser;
use house::House;
use std::{path::PathBuf, time::Duration};

/// Measures what the registry does with what a scan found.
#[derive(Parser)]
struct Args {
    /// The registry to measure.
    #[arg(long, default_value = "target/release/codeimport-registry")]
    registry: PathBuf,
    /// Commits in the history.
    #[arg(long, default_value_t = 1_000_000)]
    commits: u64,
    /// Tags in the history.
    #[arg(long, default_value_t = 500)]
    tags: u64,
    /// Revisions in one message.
    #[arg(long, default_value_t = 5_000)]
    batch: usize,
    /// Messages that may be on their way at once.
    #[arg(long, default_value_t = 4)]
    ahead: usize,
    /// Write the figures here, too, as JSON.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let house = House::open(&args.registry).await?;
    let scan = scan::scan(&house, args.commits, args.tags, args.batch, args.ahead).await?;
    let rate = |took: Duration| args.commits as f64 / took.as_secs_f64();
    let whole = rate(scan.put + scan.swap);
    say(&format!(
        "scan: {:.1} s put, {:.1} s swap ({} refs)",
        scan.put.as_secs_f64(),
        scan.swap.as_secs_f64(),
        scan.refs
    ));
    let peak_mb = house.registry_peak_mb()?;
    let bare = rate(bare::copy(&house).await?);
    let percent = 100.0 * whole / bare;
    say(&format!("scan: {whole:.0} commits/s, bare COPY {bare:.0}: {percent:.0} %; registry's peak {peak_mb} MB"));
    let mut lists = Vec::new();
    for reference in ["", "refs/heads/main", "refs/tags/v00100"] {
        let pages = pages::read(&house, reference).await?;
        let (first, deep) = (millis(pages.first), millis(pages.deep));
        let ratio = deep / first;
        say(&format!(
            "pages of {reference:?}: p99 {first:.2} ms first, {deep:.2} ms at depth {}: {ratio:.1}",
            pages.depth
        ));
        lists.push(serde_json::json!({ "ref": reference, "depth": pages.depth, "first_ms": first, "deep_ms": deep }));
    }
    if let Some(path) = &args.json {
        let figures = serde_json::json!({
            "commits": args.commits, "refs": scan.refs, "put_s": scan.put.as_secs_f64(),
            "swap_s": scan.swap.as_secs_f64(), "scan_per_s": whole, "bare_copy_per_s": bare, "percent": percent,
            "registry_peak_mb": peak_mb, "lists": lists,
        });
        std::fs::write(path, serde_json::to_string_pretty(&figures)?)?;
    }
    house.close().await
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

#[expect(clippy::print_stdout, reason = "a command tells its user")]
fn say(line: &str) {
    println!("{line}");
}
