//! What an import is inside the registry: what people decide about it, and what has become of it.
//!
//! Text that came from outside was checked by `definition` when it came in. It is not checked again when it is
//! read back: rules may become stricter, and what is stored must stay readable.

use codeimport_core::{ImportId, Outcome, RcsType, ReviewStatus, SourceUrl, default_update_interval};
use jiff::Timestamp;
use std::{collections::BTreeMap, time::Duration};

/// What is to be kept in step with what, and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Definition {
    /// For people; empty means the id.
    pub display_name: String,
    /// Where history comes from.
    pub source: Source,
    /// Address of the Git repository that is written.
    pub target_url: String,
    /// Which refs are taken over.
    pub ref_patterns: RefPatterns,
    /// From start to start, where it is not the default of the RCS type. Whole milliseconds.
    pub update_interval: Option<Duration>,
    /// Bounds within which the interval follows the source; fixed if there are none.
    pub adaptive_interval: Option<AdaptiveInterval>,
    /// Who looks after it, and how it is found again.
    pub care: Care,
    /// Another import reads the same source, and that was wanted.
    pub is_duplicate: bool,
}

/// Bounds of the time from start to start, in whole milliseconds; `shortest` is at most `longest`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AdaptiveInterval {
    /// Never more often than this.
    pub shortest: Duration,
    /// Never less often than this.
    pub longest: Duration,
}

/// Who looks after an import, and the words by which it is found again. Nothing that a run depends on.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Care {
    /// A person, or a team that the caller's roles name.
    pub owner: String,
    /// The operator in charge; empty for none.
    pub assignee: String,
    /// Whatever people sort by.
    pub labels: BTreeMap<String, String>,
}

/// Where history comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Its revision control system.
    pub rcs_type: RcsType,
    /// Its address.
    pub url: String,
    /// The host part of it.
    pub host: String,
    /// How it is read, if it is one of Subversion; the default for all others.
    pub subversion: SubversionOptions,
    /// How it is read, if it is one of CVS; the default for all others.
    pub cvs: CvsOptions,
    /// How it is read, if it is one of Mercurial; the default for all others.
    pub mercurial: MercurialOptions,
    /// How it is read, if it is one of Bazaar; the default for all others.
    pub bazaar: BazaarOptions,
    /// Identities of accounts, as the person wrote them; empty for none. Not read into lists.
    pub author_map: String,
    /// What it is read with; empty for none.
    pub credential_id: String,
}

/// How a Subversion repository becomes a Git one, as the contract has it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SubversionOptions {
    /// Which paths are branches and tags, as the person wrote it; empty: found out by the first run.
    pub layout: String,
    /// End each message with git-svn's line.
    pub git_svn_id_trailers: bool,
    /// Write `.gitignore` files.
    pub convert_ignores: bool,
    /// Keep what `svn:externals` says.
    pub keep_externals: bool,
    /// Store text with the line ends that `svn:eol-style` asks for.
    pub normalize_line_ends: bool,
}

/// How a module of CVS becomes a Git repository, as the contract has it. Which module it is, the address says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CvsOptions {
    /// Keep texts as CVS stores them.
    pub raw_keywords: bool,
    /// The charset of what is no UTF-8, as the person wrote it; empty for the default.
    pub charset: String,
}

/// How a Mercurial repository becomes a Git one, as the contract has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct MercurialOptions {
    /// Keep the texts that say where subrepositories are.
    pub keep_subrepos: bool,
    /// Do not follow a source that has lost what was published.
    pub freeze_rewritten: bool,
}

/// How a Bazaar branch becomes a Git repository, as the contract has it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BazaarOptions {
    /// End each message with what Git has no field for.
    pub trailers: bool,
    /// Do not follow a source that has lost what was published.
    pub freeze_rewritten: bool,
}

/// Which refs are taken over, as the person wrote it: no `include` means the default one, whatever that is by then.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RefPatterns {
    /// A ref must match one of these.
    pub include: Vec<String>,
    /// And none of these.
    pub exclude: Vec<String>,
}

/// What people, or the system for them, have decided.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intent {
    /// What is to be kept in step with what.
    pub definition: Definition,
    /// Whether it may run.
    pub status: ReviewStatus,
    /// Why it has this status, for people.
    pub review_reason: String,
}

/// A stored import.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Import {
    /// Its name.
    pub import_id: ImportId,
    /// What was decided.
    pub intent: Intent,
    /// Number of the last change of the intent.
    pub generation: i64,
    /// Number of its creation.
    pub created_generation: i64,
    /// Number of the last change that started the schedule afresh.
    pub resumed_generation: i64,
    /// The queue has given up by itself since then.
    pub stopped_by_queue: bool,
    /// Who defined it.
    pub registrant: String,
    /// When.
    pub created_at: Timestamp,
    /// When the intent last changed.
    pub updated_at: Timestamp,
    /// Since when it has its review status.
    pub reviewed_at: Timestamp,
    /// How it goes.
    pub history: RunHistory,
}

/// What the finished runs have come to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunHistory {
    /// The last finished run; 0 if there was none.
    pub last_run_id: i64,
    /// How it ended.
    pub last_outcome: Option<Outcome>,
    /// What it had to say.
    pub last_message: String,
    /// End of the last run that was a success.
    pub last_success_at: Option<Timestamp>,
    /// Counted failures in a row.
    pub consecutive_failure_count: i32,
    /// End of the first of them; none if there are none.
    pub failing_since: Option<Timestamp>,
}

impl Definition {
    /// The interval in force.
    #[must_use]
    pub fn effective_update_interval(&self) -> Duration {
        self.update_interval.unwrap_or_else(|| default_update_interval(self.source.rcs_type))
    }

    /// Whether a run of the other definition would read or write something else.
    #[must_use]
    pub fn imports_the_same_as(&self, other: &Self) -> bool {
        (&self.source, &self.target_url, &self.ref_patterns) == (&other.source, &other.target_url, &other.ref_patterns)
    }
}

/// The source at an address, read as is usual for its type.
impl From<&SourceUrl> for Source {
    fn from(url: &SourceUrl) -> Self {
        Self {
            rcs_type: url.rcs_type(),
            url: url.as_str().to_owned(),
            host: url.host().to_owned(),
            subversion: SubversionOptions::default(),
            cvs: CvsOptions::default(),
            mercurial: MercurialOptions::default(),
            bazaar: BazaarOptions::default(),
            author_map: String::new(),
            credential_id: String::new(),
        }
    }
}

impl Import {
    /// The text that changes with every change of the intent, and with nothing else.
    #[must_use]
    pub fn etag(&self) -> String {
        etag(self.generation)
    }
}

/// The etag of a generation. Opaque to callers.
#[must_use]
pub fn etag(generation: i64) -> String {
    format!("g{generation:x}")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// An intent to start from.
    pub(crate) fn intent(status: ReviewStatus) -> Intent {
        let url = SourceUrl::parse(RcsType::Git, "https://host/a.git").expect("valid");
        let definition = Definition {
            display_name: String::new(),
            source: Source::from(&url),
            target_url: "file:///srv/git/a.git".to_owned(),
            ref_patterns: RefPatterns::default(),
            update_interval: None,
            adaptive_interval: None,
            care: Care { owner: "robin".to_owned(), ..Care::default() },
            is_duplicate: false,
        };
        Intent { definition, status, review_reason: String::new() }
    }

    /// An import to start from: created with generation 2, resumed with 5, changed with 9.
    pub(crate) fn import(status: ReviewStatus) -> Import {
        Import {
            import_id: "a".parse().expect("valid"),
            intent: intent(status),
            generation: 9,
            created_generation: 2,
            resumed_generation: 5,
            stopped_by_queue: status == ReviewStatus::Failing,
            registrant: "robin".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
            reviewed_at: Timestamp::UNIX_EPOCH,
            history: RunHistory::default(),
        }
    }

    #[test]
    fn another_name_or_interval_imports_the_same() {
        let before = intent(ReviewStatus::New).definition;
        let mut after = before.clone();
        after.display_name = "other".to_owned();
        after.update_interval = Some(Duration::from_secs(60));
        assert!(before.imports_the_same_as(&after));
        after.target_url.push('x');
        assert!(!before.imports_the_same_as(&after));
    }
}
