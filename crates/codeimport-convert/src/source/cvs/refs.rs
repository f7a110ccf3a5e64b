//! Refs of all lines and tags at the end of a run, and what the next one needs.

use super::emit::{EmitError, Emitter, begun};
use super::findings::{note_mixed, note_names};
use super::ledger::Ledger;
use super::look::Look;
use super::names::{TRUNK, in_cvs, line_ref, tag_ref};
use super::place::LineName;
use super::run::Run;
use super::state::{CvsState, store_full};
use super::symbols::Symbols;
use crate::objects::ObjectStore;
use crate::source::keeper::keep_all;
use crate::source::text::decode_from;
use crate::{Carried, ConvertError, Findings, Refs, SourceState, Watermark};
use gix::ObjectId;
use std::collections::{BTreeSet, HashSet};
use std::io;

/// What a run has converted.
pub(super) struct Converted {
    pub(super) ledger: Ledger,
    /// Whether it is all.
    pub(super) complete: bool,
    pub(super) watermark: Watermark,
    pub(super) findings: Findings,
}

/// Refs, and the commits of symbols that are no line: by their names in CVS.
type Named = (Refs, Vec<(Vec<u8>, ObjectId)>);

impl Run<'_> {
    /// Refs, and what the next run needs.
    pub(super) fn state(
        &self,
        look: &Look,
        mut converted: Converted,
        mut store: ObjectStore,
    ) -> Result<SourceState, ConvertError> {
        let (mut refs, tags) = self.ours(self.name_commits(look, &mut converted, &mut store))?;
        self.ours(store_full(&mut converted.ledger, &mut store))?;
        let state = CvsState { decisions: self.decisions(), ledger: converted.ledger, tags };
        let tree = self.ours(state.write(&mut store))?;
        refs.retain(|name, _| self.options.filter.takes(name));
        let hidden = self.ours(hidden(&state.ledger, &refs))?;
        let kept = self.ours(keep_all(&hidden, &mut store))?;
        self.ours(store.flush())?;
        self.cache.keep_tips(&refs.values().copied().chain(kept).chain([tree]).collect())?;
        Ok(SourceState {
            watermark: converted.watermark,
            default_branch: refs.contains_key(TRUNK.as_bytes()).then(|| TRUNK.into()),
            refs,
            backups: Refs::new(),
            received_bytes: self.transport.received_bytes(),
            carried: Some(Carried { tree, kept }),
            complete: converted.complete,
            findings: converted.findings,
        })
    }

    /// The commit of each line and tag; those that no line has are made.
    fn name_commits(
        &self,
        look: &Look,
        converted: &mut Converted,
        store: &mut ObjectStore,
    ) -> Result<Named, EmitError> {
        let symbols = Symbols::of(look);
        note_names(&symbols, &mut converted.findings);
        let count = converted.ledger.commit_count();
        let mut emitter = self.emitter(&mut converted.ledger, store);
        let (mut refs, mut others) = (Refs::new(), Vec::new());
        for name in symbols.lines() {
            let Some(commit) = line_tip(&symbols, &name, &mut emitter, converted.complete)? else { continue };
            refs.insert(line_ref(&name), commit);
            if emitter.ledger.line(&name).is_none() {
                others.push((in_cvs(&name), commit));
            }
        }
        for name in symbols.tags() {
            let manifest = symbols.tagged(name, emitter.ledger)?;
            let Some(commit) = emitter.symbol_commit(&manifest, &self.tagged(name))? else { continue };
            refs.insert(tag_ref(name), commit);
            others.push((name.to_vec(), commit));
        }
        let named: HashSet<_> = others.iter().map(|(_, commit)| *commit).collect();
        let mut known = HashSet::new();
        for commit in converted.ledger.commits().take(count) {
            known.extend(Some(commit?.id).filter(|commit| named.contains(commit)));
        }
        let mixed = others.iter().filter(|(_, commit)| !known.contains(commit));
        mixed.for_each(|(name, _)| note_mixed(name, &mut converted.findings));
        Ok((refs, others))
    }

    fn tagged(&self, name: &[u8]) -> String {
        let name = decode_from(self.options.cvs.charset, name);
        format!("Tag {name}\n\nCVS names a revision of each file for it; no commit has just these.\n")
    }
}

/// The commit that a line's ref names; none if there is nothing to show.
fn line_tip(
    symbols: &Symbols<'_>,
    name: &LineName,
    emitter: &mut Emitter<'_>,
    complete: bool,
) -> Result<Option<ObjectId>, EmitError> {
    let manifest = symbols.tip_of(name, emitter.ledger)?;
    let Some((line, _)) = emitter.ledger.line(name) else {
        let text = begun(name);
        return emitter.symbol_commit(&manifest, &text);
    };
    if complete {
        let text = "What CVS shows now\n\nSymbols were moved, or files were changed in the repository itself.\n";
        emitter.bring_to(line, &manifest, text)?;
    }
    Ok(emitter.ledger.tip_commit(line)?.map(|tip| tip.id))
}

/// The tips of lines that no ref names: later ones may begin there.
fn hidden(ledger: &Ledger, refs: &Refs) -> io::Result<Vec<ObjectId>> {
    let shown: BTreeSet<_> = refs.values().collect();
    let mut hidden = BTreeSet::new();
    for (_, line, _) in ledger.lines() {
        hidden.extend(ledger.tip_commit(line)?.map(|tip| tip.id).filter(|tip| !shown.contains(tip)));
    }
    Ok(hidden.into_iter().collect())
}
