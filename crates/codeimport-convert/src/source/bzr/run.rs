//! One run: from where the last one stopped to where the branch is now, or to the run's limit.

use super::converter::{BzrError, Converter};
use super::exporter::{Exporter, Mode, Next, Request};
use super::ledger::Ledger;
use super::names::{BRANCH, BRANCH_NAME, tag_ref};
use super::position::{NOTHING, Position};
use super::state::{BzrState, Decisions};
use super::stream::Record;
use crate::findings::FindingKind;
use crate::objects::ObjectStore;
use crate::source::keeper::keep_all;
use crate::source::rewritten::{backup_name, frozen};
use crate::{Cache, Carried, ConvertError, Progress, Refs, SourceOptions, SourceState, Watch, Watermark};
use codeimport_core::{Outcome, Stage};
use gix::ObjectId;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Folder for the copy of the history, in the folder of a cache. It makes a run quicker, never different.
const KEPT_HISTORY: &str = "bzr-history";

/// Between two progress reports.
const REPORT_INTERVAL: Duration = Duration::from_millis(250);

/// What a run works with.
pub(super) struct Run<'a> {
    pub(super) exporter: &'a Exporter,
    pub(super) options: &'a SourceOptions,
    pub(super) cache: &'a Cache,
    pub(super) watch: &'a Watch,
}

/// What earlier runs came to.
#[derive(Default)]
struct Before {
    ledger: Ledger,
    tip: Option<Vec<u8>>,
    left: Vec<Vec<u8>>,
}

/// What was told so far.
#[derive(Default)]
struct Told {
    position: Option<Position>,
    /// Name and revision of each tag that there is in the repository.
    tags: Vec<(String, Vec<u8>)>,
    /// New revisions, and how many of them are converted now.
    new: u64,
    converted: u64,
    received: u64,
    /// Bytes received by the attempts before this one.
    received_before: u64,
}

impl Told {
    /// Whether all is converted that is there.
    fn is_complete(&self) -> bool {
        self.converted >= self.new
    }

    /// The newest revision of the branch; none if it has none.
    fn tip(&self) -> Option<Vec<u8>> {
        self.position.as_ref().map(|position| position.tip.clone()).filter(|tip| tip != NOTHING)
    }
}

impl Run<'_> {
    /// Converts what is new.
    pub(super) fn fetch(&self, carried: Option<ObjectId>) -> Result<SourceState, ConvertError> {
        let mut store = self.ours(ObjectStore::open(self.cache.path()))?;
        let Before { ledger, tip, mut left } = self.open(carried, &mut store)?;
        let mut converter = Converter::new(store, ledger, tip.clone(), self.options);
        let mut told = Told::default();
        let failed = self.convert(&mut converter, &mut told).err();
        match failed {
            // Nothing to show for it, or told to stop: the failure is the result.
            Some(error) if told.converted == 0 || error.is_cancelled() => return Err(error),
            Some(error) => {
                let text = format!("{} What was converted before that is published.", error.chain());
                self.watch.note(Stage::Fetch, text);
            }
            None => {}
        }
        if told.is_complete() {
            converter.tip = told.tip().or(converter.tip);
        }
        left.extend(self.rewritten(&mut converter, tip)?);
        self.state(converter, &told, left)
    }

    /// Goes on from what an earlier run carried, or begins anew.
    fn open(&self, carried: Option<ObjectId>, store: &mut ObjectStore) -> Result<Before, ConvertError> {
        let Some(tree) = carried else { return Ok(Before::default()) };
        let Some(state) = BzrState::read(tree, store) else {
            let text = "What the last run left cannot be read: all is converted again.";
            self.watch.note(Stage::Fetch, text);
            return Ok(Before::default());
        };
        if state.decisions == self.decisions() {
            return Ok(Before { ledger: state.ledger, tip: state.tip, left: state.left });
        }
        let text = "The target was converted with other options (author map, trailers), or by another version of codeimport. \
                    Use the same again, or a new target: published commits are not rewritten.";
        Err(ConvertError::new(Outcome::Invalid, Stage::Fetch, text))
    }

    fn decisions(&self) -> Decisions {
        Decisions::new(self.options.authors.canonical(), self.options.bzr.clone())
    }

    /// Converts what is told. A copy of the history that turns out to be damaged is thrown away, once.
    fn convert(&self, converter: &mut Converter<'_>, told: &mut Told) -> Result<(), ConvertError> {
        let kept = self.kept_history();
        let was_there = kept.as_ref().is_some_and(|kept| kept.exists());
        let converted = self.convert_once(converter, told);
        match (converted, kept) {
            (Err(error), Some(kept)) if error.outcome == Outcome::RemoteBroken && was_there => {
                let text = format!("{} Perhaps it is the copy of the history here: it is made anew.", error.chain());
                self.watch.note(Stage::Fetch, text);
                std::fs::remove_dir_all(&kept).map_err(|error| ConvertError::disk(Stage::Fetch, &kept, error))?;
                self.convert_once(converter, told)
            }
            (converted, _) => converted,
        }
    }

    /// Where the history is kept; a branch on this machine is read where it is.
    fn kept_history(&self) -> Option<PathBuf> {
        let is_here = self.exporter.url.as_str().starts_with("file:");
        (!is_here).then(|| self.cache.path().join(KEPT_HISTORY))
    }

    fn convert_once(&self, converter: &mut Converter<'_>, told: &mut Told) -> Result<(), ConvertError> {
        let began = Instant::now();
        let mut reported = Instant::now();
        let kept = self.kept_history();
        // The names are copied: the ledger grows while they are told.
        let known: Vec<_> = converter.ledger.revisions().iter().map(|revision| revision.id.clone()).collect();
        let request = Request {
            mode: Mode::History,
            known: known.iter().map(AsRef::as_ref).collect(),
            limit: self.options.max_revisions.saturating_sub(told.converted),
            kept: kept.as_deref(),
            login: self.options.login.as_ref(),
        };
        let converted_before = told.converted;
        told.received_before += told.received;
        converter.begin_stream();
        self.exporter.ask(&request, Stage::Fetch, self.watch, |record| {
            let is_revision = matches!(record, Record::Revision(_));
            self.take(record, converter, told, converted_before)?;
            if reported.elapsed() > REPORT_INTERVAL {
                reported = Instant::now();
                self.report(told);
            }
            let is_over = is_revision && began.elapsed() > self.options.max_time;
            Ok(if is_over { Next::Stop } else { Next::More })
        })
    }

    fn take(
        &self,
        record: Record,
        converter: &mut Converter<'_>,
        told: &mut Told,
        converted_before: u64,
    ) -> Result<(), ConvertError> {
        match record {
            Record::Branch(head) => {
                told.tags.clear();
                told.position = Some(Position { tip: head.tip, tags: head.tags });
            }
            Record::Tag { name, revision, is_there: true } => told.tags.push((name, revision)),
            Record::Tag { name, .. } => converter.findings.note(FindingKind::TagWithoutRevision, &name),
            Record::Count { new, .. } => told.new = converted_before + new,
            Record::Progress { received } => told.received = received,
            Record::Text(bytes) => self.understood(converter.text(bytes))?,
            Record::Revision(revision) => {
                self.understood(converter.revision(&revision))?;
                told.converted += 1;
            }
            // The exporter's own, or for people.
            Record::Head { .. } | Record::Log { .. } | Record::End | Record::Failed(_) => {}
        }
        Ok(())
    }

    fn report(&self, told: &Told) {
        let mut progress = Progress::begin(Stage::Convert, "revisions");
        (progress.done, progress.total) = (told.converted, Some(told.new));
        progress.received_bytes = told.received_before + told.received;
        self.watch.progress(&progress);
    }

    /// What the branch named before and does not contain any more: it was reset, or replaced by another one.
    fn rewritten(
        &self,
        converter: &mut Converter<'_>,
        before: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, ConvertError> {
        let find = |id: &Vec<u8>| converter.ledger.find(id).map(|(index, _)| index);
        let (old, new) = (before.as_ref().and_then(find), converter.tip.as_ref().and_then(find));
        let is_rewritten = old.zip(new).is_some_and(|(old, new)| !converter.ledger.is_ancestor(old, new));
        let Some(id) = before.filter(|_| is_rewritten) else { return Ok(None) };
        let name = String::from_utf8_lossy(&id);
        if self.options.freeze_rewritten {
            return Err(frozen(&self.exporter.url, &format!("revision {name}")));
        }
        converter.findings.note(FindingKind::RewrittenHistory, &name);
        Ok(Some(id))
    }

    /// Refs, and what the next run needs.
    fn state(&self, converter: Converter<'_>, told: &Told, left: Vec<Vec<u8>>) -> Result<SourceState, ConvertError> {
        let missing =
            || ConvertError::new(Outcome::Failure, Stage::Fetch, "The exporter did not say where the branch is.");
        let position = told.position.as_ref().ok_or_else(missing)?;
        let complete = told.is_complete();
        let Converter { mut store, ledger, findings, tip, .. } = converter;
        findings.iter().for_each(|finding| self.watch.note(Stage::Convert, finding.sentence()));
        let mut refs = refs(&ledger, tip.as_deref(), &told.tags);
        refs.retain(|name, _| self.options.filter.takes(name));
        let hidden: Vec<_> =
            ledger.heads().into_iter().filter(|head| !refs.values().any(|shown| shown == head)).collect();
        let kept = self.ours(keep_all(&hidden, &mut store))?;
        let backups = backups(&ledger, &left);
        let state = BzrState { decisions: self.decisions(), tip, left, ledger };
        let tree = self.ours(state.write(&mut store))?;
        self.ours(store.flush())?;
        self.cache.keep_tips(&refs.values().copied().chain(kept).chain([tree]).collect())?;
        let Watermark(watermark) = position.watermark();
        Ok(SourceState {
            watermark: Watermark(match complete {
                true => watermark,
                false => format!("{watermark}, {} of {} revisions", told.converted, told.new),
            }),
            default_branch: refs.contains_key(BRANCH.as_bytes()).then(|| BRANCH.into()),
            refs,
            backups,
            received_bytes: told.received_before + told.received,
            carried: Some(Carried { tree, kept }),
            complete,
            findings,
        })
    }

    /// What is told wrong is the source's fault; a repository of ours that does not work is ours.
    fn understood<T>(&self, result: Result<T, BzrError>) -> Result<T, ConvertError> {
        let url = &self.exporter.url;
        let (outcome, text) = match &result {
            Err(error @ (BzrError::Contradiction { .. } | BzrError::WrongSum { .. })) => {
                (Outcome::RemoteBroken, format!("{url} has a damaged history: {error}."))
            }
            Err(error @ BzrError::GitsOwnName { .. }) => {
                (Outcome::UnsupportedFeature, format!("{url} cannot be shown in Git: {error}."))
            }
            Ok(_) | Err(BzrError::Store(_) | BzrError::Shadow(_)) => return self.ours(result),
        };
        result.map_err(|error| ConvertError::new(outcome, Stage::Convert, text).caused_by(error))
    }

    fn ours<T, E: std::error::Error + Send + Sync + 'static>(&self, result: Result<T, E>) -> Result<T, ConvertError> {
        result.map_err(|error| {
            let text = format!("The worker's cache {} cannot be used.", self.cache.path().display());
            ConvertError::new(Outcome::Failure, Stage::Convert, text).caused_by(error)
        })
    }
}

/// The refs that the target should have.
fn refs(ledger: &Ledger, tip: Option<&[u8]>, tags: &[(String, Vec<u8>)]) -> Refs {
    let commit = |id: &[u8]| ledger.find(id).map(|(_, revision)| revision.commit);
    let branch = tip.and_then(commit).map(|commit| (BRANCH.into(), commit));
    // The tags of revisions that are not converted yet come with them.
    let tags = tags.iter().filter_map(|(name, id)| Some((tag_ref(name), commit(id)?)));
    branch.into_iter().chain(tags).collect()
}

/// The names that keep what the branch has left.
fn backups(ledger: &Ledger, left: &[Vec<u8>]) -> Refs {
    let commits = left.iter().filter_map(|id| Some(ledger.find(id)?.1.commit));
    commits.map(|commit| (backup_name(&commit.to_hex_with_len(12).to_string(), BRANCH_NAME), commit)).collect()
}
