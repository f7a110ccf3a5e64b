//! Finds out what a repository's directories mean, from which of them are copied to where. Pure.
//!
//! A branch is made by copying a whole line of history to a directory beside others of its kind: so a directory that is
//! copied like this is a trunk, whatever it is called, and where its copies go are branches, or tags if nobody ever
//! changed one. Names decide where copies are few. Moves, copies to a neighbouring directory, and copies that keep their name are
//! how people tidy up, and say nothing.
//!
//! ```text
//!   trunks     which directories are main lines; names: what they, and their neighbours, are usually called
//!   candidate  what belongs to each of them
//! ```

mod candidate;
mod names;
mod trunks;

use super::places::Places;
use super::survey::Survey;
use candidate::{Candidate, candidates};
use codeimport_core::{Layout, Project};
use trunks::{copied_trunks, is_telling, named_trunks};

/// A layout, and how sure it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Detected {
    /// As seen from the directory that was looked at.
    pub(crate) layout: Layout,
    /// 0 to 100.
    pub(crate) confidence: u8,
    /// Why, in sentences for people.
    pub(crate) reasons: Vec<String>,
}

/// Finds out the layout.
pub(crate) fn detect(survey: &Survey) -> Detected {
    if survey.changes == 0 {
        let reasons = vec!["There is no history yet: trunk, branches and tags are assumed.".to_owned()];
        return Detected { layout: Layout::standard(""), confidence: 0, reasons };
    }
    let mut trunks = named_trunks(survey);
    if trunks.is_empty() {
        trunks = copied_trunks(survey);
    }
    let candidates: Vec<_> = trunks.iter().flat_map(|trunk| candidates(survey, trunk)).collect();
    let mut reasons = Vec::new();
    let candidates = without_asides(survey, candidates, &mut reasons);
    if candidates.is_empty() {
        return single(survey);
    }
    conclude(survey, candidates, reasons).unwrap_or_else(|| single(survey))
}

/// Beside a main line at the top, projects elsewhere count only if much happens there.
fn without_asides(survey: &Survey, mut candidates: Vec<Candidate>, reasons: &mut Vec<String>) -> Vec<Candidate> {
    if candidates.len() < 2 || candidates.iter().all(|candidate| !candidate.root.is_empty()) {
        return candidates;
    }
    let aside = |candidate: &&Candidate| !candidate.root.is_empty();
    let elsewhere: u64 = candidates.iter().filter(aside).map(|candidate| survey.changes_in(&candidate.root)).sum();
    if elsewhere * 10 < survey.changes {
        let names: Vec<_> = candidates.iter().filter(aside).map(|candidate| candidate.root.as_str()).collect();
        reasons.push(format!("{} have trunks of their own, in which little happens: left out.", names.join(", ")));
        candidates.retain(|candidate| candidate.root.is_empty());
    }
    candidates
}

fn conclude(survey: &Survey, candidates: Vec<Candidate>, mut reasons: Vec<String>) -> Option<Detected> {
    reasons.extend(candidates.iter().take(10).map(reason));
    if candidates.len() > 10 {
        reasons.push(format!("… and {} more projects.", candidates.len() - 10));
    }
    let ceiling = candidates.iter().map(|candidate| candidate.ceiling).min()?;
    let is_only = candidates.len() == 1;
    let named = |candidate: Candidate| {
        let name = match candidate.project.name {
            _ if is_only => String::new(),
            name if name.is_empty() => "root".to_owned(),
            name => name,
        };
        Project { name, ..candidate.project }
    };
    let layout = Layout::of_projects(candidates.into_iter().map(named).collect()).ok()?;
    let inside = survey.changes_in_places(&Places::new(layout.clone()));
    let share = u8::try_from((inside * 100 / survey.changes).min(100)).unwrap_or(100);
    reasons.push(format!("{share} % of all changes lie in them."));
    Some(Detected { layout, confidence: share.min(ceiling), reasons })
}

fn reason(candidate: &Candidate) -> String {
    let project = &candidate.project;
    let places = &candidate.containers;
    let trunk = project.trunk.as_deref().unwrap_or_default();
    match (candidate.copies, places.is_empty()) {
        (0, true) => format!("{trunk} is there, and nothing was ever branched from it."),
        (0, false) => format!("{trunk} is there, beside {}.", places.join(", ")),
        (copies, _) => format!("{trunk} and its branches were copied {copies} times, to {}.", places.join(", ")),
    }
}

/// No branches.
fn single(survey: &Survey) -> Detected {
    let copies = survey.copies().iter().filter(|copy| is_telling(copy)).count();
    let reason = match copies {
        0 => "No directory is copied as a branch would be: all is one line of history.".to_owned(),
        _ => {
            format!("{copies} copies of directories may be branches, but show no pattern: all is one line of history.")
        }
    };
    let doubt = u8::try_from(copies.min(9)).unwrap_or(9) * 5;
    Detected { layout: Layout::single(""), confidence: 95 - doubt, reasons: vec![reason] }
}

#[cfg(test)]
mod tests;
