//! How long a page of 100 takes, at the beginning of a list and at its end.

use crate::house::{House, IMPORT};
use codeimport_proto::registry::{ListImportsRequest, ListRevisionsRequest};
use std::time::{Duration, Instant};

const PAGE: i32 = 100;
/// So many pages are measured at each place.
const SAMPLE: usize = 200;
/// A list that is slower than this is not followed to its end.
const PATIENCE: Duration = Duration::from_secs(120);

/// A list, measured.
pub struct Pages {
    /// How many items it had, or were read in time.
    pub depth: usize,
    /// 99 of 100 first pages took no longer.
    pub first: Duration,
    /// 99 of 100 of the last pages read took no longer.
    pub deep: Duration,
}

impl Pages {
    /// How much longer the last pages took than the first.
    pub fn ratio(&self) -> f64 {
        self.deep.as_secs_f64() / self.first.as_secs_f64()
    }
}

/// A page: how many items it has, and the token of the next one.
type Page = (usize, String);

/// A list of the import's revisions; of one ref, or of all.
pub async fn of_revisions(house: &House, reference: &str) -> anyhow::Result<Pages> {
    let request = ListRevisionsRequest {
        import_id: IMPORT.to_owned(),
        r#ref: reference.to_owned(),
        page_size: PAGE,
        ..Default::default()
    };
    let page = async |page_token: String| {
        let request = ListRevisionsRequest { page_token, ..request.clone() };
        let page = house.scans.clone().list_revisions(request).await?.into_inner();
        Ok((page.revisions.len(), page.next_page_token))
    };
    read(page).await
}

/// A list of imports.
pub async fn of_imports(house: &House, request: ListImportsRequest) -> anyhow::Result<Pages> {
    let page = async |page_token: String| {
        let request = ListImportsRequest { page_token, page_size: PAGE, ..request.clone() };
        let page = house.imports.clone().list_imports(request).await?.into_inner();
        Ok((page.imports.len(), page.next_page_token))
    };
    read(page).await
}

/// Reads a list from its first page to its last.
async fn read(page: impl AsyncFn(String) -> anyhow::Result<Page>) -> anyhow::Result<Pages> {
    let (begin, mut first) = (Instant::now(), Vec::new());
    while first.len() < SAMPLE && begin.elapsed() < PATIENCE / 2 {
        let started = Instant::now();
        page(String::new()).await?;
        first.push(started.elapsed());
    }
    let (begin, mut times, mut depth, mut token) = (Instant::now(), Vec::new(), 0, String::new());
    while begin.elapsed() < PATIENCE {
        let started = Instant::now();
        let (count, next) = page(token).await?;
        times.push(started.elapsed());
        depth += count;
        token = next;
        if token.is_empty() {
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
