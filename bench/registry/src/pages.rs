//! How long a page of 100 revisions takes, at the beginning of a list and at its end.

use crate::house::{House, IMPORT};
use codeimport_proto::registry::ListRevisionsRequest;
use std::time::{Duration, Instant};

const PAGE: i32 = 100;
/// So many pages are measured at each place.
const SAMPLE: usize = 200;
/// A list that is slower than this is not followed to its end.
const PATIENCE: Duration = Duration::from_secs(120);

/// A list of revisions, measured.
pub struct Pages {
    /// How many revisions it had, or were read in time.
    pub depth: usize,
    /// 99 of 100 first pages took no longer.
    pub first: Duration,
    /// 99 of 100 of the last pages read took no longer.
    pub deep: Duration,
}

/// Reads a list from its first page to its last; of one ref, or of all.
pub async fn read(house: &House, reference: &str) -> anyhow::Result<Pages> {
    let mut request = ListRevisionsRequest {
        import_id: IMPORT.to_owned(),
        r#ref: reference.to_owned(),
        page_size: PAGE,
        ..Default::default()
    };
    let mut scans = house.scans.clone();
    let (begin, mut first) = (Instant::now(), Vec::new());
    while first.len() < SAMPLE && begin.elapsed() < PATIENCE / 2 {
        let started = Instant::now();
        scans.list_revisions(request.clone()).await?;
        first.push(started.elapsed());
    }
    let (begin, mut times, mut depth) = (Instant::now(), Vec::new(), 0);
    while begin.elapsed() < PATIENCE {
        let started = Instant::now();
        let page = scans.list_revisions(request.clone()).await?.into_inner();
        times.push(started.elapsed());
        depth += page.revisions.len();
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    let last = times.split_off(times.len().saturating_sub(SAMPLE));
    Ok(Pages { depth, first: p99(first), deep: p99(last) })
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get((times.len() * 99 / 100).min(times.len().saturating_sub(1))).copied().unwrap_or_default()
}
