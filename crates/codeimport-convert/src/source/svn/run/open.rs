//! A conversion to go on with: what an earlier run carried, or a new one with a layout chosen for it.
//!
//! What decides the ids of commits stays what it was at the first run: published commits are not rewritten.

use super::Run;
use super::state::SvnState;
use crate::objects::ObjectStore;
use crate::source::svn::convert::{ConvertOptions, Converter};
use crate::source::svn::layout::Places;
use crate::source::svn::options::SvnOptions;
use crate::source::svn::preview::Look;
use crate::source::svn::wire::{Client, Info};
use crate::{ConvertError, SourceOptions, Watch};
use codeimport_core::{Layout, Outcome, Stage};
use gix::ObjectId;
use std::sync::Arc;

impl Run<'_> {
    /// Goes on from what an earlier run carried, or begins anew.
    pub(super) fn open(&self, carried: Option<ObjectId>, info: &Info) -> Result<(Converter, Layout), ConvertError> {
        let mut store = self.ours(ObjectStore::open(self.cache.path()))?;
        let before = match carried {
            Some(tree) => SvnState::read(tree, &mut store),
            None => None,
        };
        if let Some((state, history)) = before {
            if state.uuid != info.uuid {
                return Err(self.replaced(&state.uuid, &info.uuid));
            }
            self.check_version(&state)?;
            self.check_options(&state, info)?;
            let layout = state.options.layout.unwrap_or_else(|| Layout::single(&info.path));
            match Converter::open(self.cache.path(), Some(history), &info.uuid, self.convert_options(&layout, info)) {
                Ok(converter) => return Ok((converter, layout)),
                Err(error) => self.watch.note(
                    Stage::Fetch,
                    format!(
                        "What the last run left cannot be read ({error}): all is converted again, to the same commits."
                    ),
                ),
            }
        }
        let layout = choose_layout(self.client, self.options, info, self.watch)?;
        let converter =
            self.ours(Converter::open(self.cache.path(), None, &info.uuid, self.convert_options(&layout, info)))?;
        Ok((converter, layout))
    }

    /// Another version of the converter may make other commits of the same history.
    fn check_version(&self, state: &SvnState) -> Result<(), ConvertError> {
        if state.is_of_this_version() {
            return Ok(());
        }
        let text = "The target was converted by another version of codeimport, whose commits this one would not make. \
                    Use that version again, or a new target: published commits are not rewritten.";
        Err(ConvertError::new(Outcome::Invalid, Stage::Fetch, text))
    }

    /// Options decide the ids of commits, so they stay what they were at the first run.
    fn check_options(&self, state: &SvnState, info: &Info) -> Result<(), ConvertError> {
        let layout = self.options.svn.layout.as_ref().map(|layout| layout.below(&info.path));
        let asked = SvnOptions { layout: layout.or(state.options.layout.clone()), ..self.options.svn.clone() };
        if asked == state.options && self.options.authors.canonical() == state.authors {
            return Ok(());
        }
        let text = "The target was converted with other options (layout, author map, git-svn-id trailers, ignores, externals, line ends). \
                    Use the same again, or a new target: published commits are not rewritten.";
        Err(ConvertError::new(Outcome::Invalid, Stage::Fetch, text))
    }

    fn convert_options(&self, layout: &Layout, info: &Info) -> ConvertOptions {
        ConvertOptions {
            places: Arc::new(Places::new(layout.clone())),
            authors: self.options.authors.clone(),
            svn: self.options.svn.clone(),
            git_svn_id: self.options.svn.git_svn_id_trailers.then(|| info.root.clone()),
        }
    }
}

/// As asked for; else what the log suggests.
fn choose_layout(client: &Client, options: &SourceOptions, info: &Info, watch: &Watch) -> Result<Layout, ConvertError> {
    if let Some(layout) = &options.svn.layout {
        return Ok(layout.below(&info.path));
    }
    let detected = Look::take(client, info, Stage::Fetch, watch)?.detect();
    let text = format!("Layout: {} ({} % sure). {}", detected.layout, detected.confidence, detected.reasons.join(" "));
    watch.note(Stage::Fetch, text);
    Ok(detected.layout.below(&info.path))
}
