//! Many definitions: loaded from a list by `codeimport import load`, listed by each filter, dumped again.

use crate::{
    house::House,
    pages::{self, Pages},
};
use anyhow::Context as _;
use codeimport_proto::registry::{ImportOrder, ListImportsRequest};
use codeimport_subprocess::Command;
use std::{
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

/// Among so many each are shared out.
const OWNERS: u64 = 200;
const TEAMS: u64 = 100;
const HOSTS: u64 = 50;

/// What a list of them cost.
pub struct Definitions {
    /// `codeimport import load`, start to end.
    pub load: Duration,
    /// `codeimport import dump`, start to end.
    pub dump: Duration,
    /// The most memory that the registry had held by then, in MB: before, after loading, after lists and dump.
    pub peaks_mb: [u64; 3],
    /// Each list by its name.
    pub lists: Vec<(&'static str, Pages)>,
}

/// Loads so many, lists and dumps them.
pub async fn measure(house: &House, codeimport: &Path, count: u64) -> anyhow::Result<Definitions> {
    let before = house.registry_peak_mb()?;
    let file = house.folder.join("definitions.jsonl");
    std::fs::write(&file, list(count))?;
    let (load, _) = run(house, codeimport, &["load", &file.display().to_string()]).await?;
    let loaded = house.registry_peak_mb()?;
    // As autovacuum would a minute later.
    house.db.client().await?.execute("ANALYZE import", &[]).await?;
    let mut lists = Vec::new();
    for (name, request) in requests() {
        lists.push((name, pages::of_imports(house, request).await?));
    }
    let (dump, text) = run(house, codeimport, &["dump"]).await?;
    let dumped = text.lines().count() as u64;
    // One more is the import whose history is scanned.
    anyhow::ensure!(dumped == count + 1, "{dumped} of {count} were dumped");
    Ok(Definitions { load, dump, peaks_mb: [before, loaded, house.registry_peak_mb()?], lists })
}

fn list(count: u64) -> String {
    let mut list = String::new();
    for n in 0..count {
        let (host, owner, team) = (n % HOSTS, n % OWNERS, n % TEAMS);
        let seldom = if n % 1_000 == 7 { "seldom-" } else { "" };
        let _ = writeln!(
            list,
            r#"{{"url":"https://h{host}.example.org/{seldom}p{n}.git","rcs":"git","id":"p-{n:06}","owner":"owner-{owner}","labels":{{"team":"t{team}"}}}}"#
        );
    }
    list
}

fn requests() -> Vec<(&'static str, ListImportsRequest)> {
    let all = ListImportsRequest::default();
    let text = |text: &str| ListImportsRequest { text: text.to_owned(), ..all.clone() };
    vec![
        ("all, by id", all.clone()),
        (
            "all, newest first",
            ListImportsRequest { order_by: ImportOrder::CreateTime.into(), descending: true, ..all.clone() },
        ),
        ("of one owner", ListImportsRequest { owner: "owner-7".to_owned(), ..all.clone() }),
        ("with one label", ListImportsRequest { labels: vec!["team=t7".to_owned()], ..all.clone() }),
        ("of one host", ListImportsRequest { hosts: vec!["h7.example.org".to_owned()], ..all.clone() }),
        ("a text that one in 1,000 has", text("SELDOM")),
        ("a text that none has", text("no such text")),
    ]
}

/// A whole run of the command line, and what it wrote.
async fn run(house: &House, codeimport: &Path, args: &[&str]) -> anyhow::Result<(Duration, String)> {
    let mut command = Command::new(codeimport)
        .args(["--registry", &house.address, "--queue", &house.address, "--json", "import"])
        .args(args)
        .timeout(Duration::from_secs(1_800))
        .stdout_limit(256 << 20);
    command = command.env("HOME", "/nonexistent");
    let started = Instant::now();
    let output = tokio::task::spawn_blocking(move || command.run()).await??;
    let took = started.elapsed();
    anyhow::ensure!(output.success(), "codeimport import {args:?}: {}", output.stderr);
    Ok((took, String::from_utf8(output.stdout).context("text")?))
}
