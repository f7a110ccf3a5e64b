//! Negotiation and pack: from a server into the cache.
//!
//! What is wanted are object ids, not refs, and what is known are the cache's own tips. So no name of the source ever
//! touches the cache, and the filter has been applied before anything is asked for.

use super::{
    advertised::Advertised,
    classify::Classifier,
    meter::Meter,
    session::{Session, agent},
};
use crate::{Cache, ConvertError, Watch};
use gix::{
    ObjectId, Repository,
    negotiate::{Algorithm, Negotiator},
    odb::pack,
    protocol::fetch::{
        Arguments, Context, Negotiate, Options, RefMap, Response, Shallow, Tags,
        negotiate::{self, Action, Round, one_round},
        refmap::{Mapping, Source, SpecIndex},
    },
};
use std::{
    collections::BTreeSet,
    io::BufRead,
    sync::{atomic::AtomicBool, mpsc},
    thread,
};

/// A fetch that failed.
pub(super) struct Failure {
    pub(super) error: ConvertError,
    /// Whether a fresh cache could make a difference.
    pub(super) may_be_cache: bool,
}

/// Brings all objects of the advertised refs into the cache, and makes them its tips. Returns the bytes received.
pub(super) fn receive(
    mut session: Session,
    advertised: &Advertised,
    cache: &Cache,
    classifier: &Classifier<'_>,
    watch: &Watch,
) -> Result<u64, Failure> {
    let tips = advertised.tips();
    let cache_failure = |error| Failure { error, may_be_cache: true };
    let repository = cache.repository().map_err(cache_failure)?;
    let meter = Meter::new();
    let fetched = watched(&meter, watch, |interrupt| fetch(&mut session, &repository, &tips, &meter, interrupt));
    if let Err(error) = fetched {
        let no_fault = session.faults.get().is_none() && meter.complaint().is_none();
        let error = classifier.classify(error, &session.faults, meter.complaint());
        let may_be_cache = no_fault && !error.is_cancelled();
        return Err(Failure { error, may_be_cache });
    }
    // Opened anew: the new pack is looked at, and not what was known before.
    let repository = cache.repository().map_err(cache_failure)?;
    if let Some(missing) = tips.iter().find(|id| !repository.has_object(*id)) {
        return Err(Failure { error: classifier.missing_object(missing), may_be_cache: true });
    }
    cache.keep_tips(&tips).map_err(cache_failure)?;
    Ok(meter.received_bytes())
}

/// Does the work while another thread tells how it goes.
fn watched<T>(meter: &Meter, watch: &Watch, work: impl FnOnce(&AtomicBool) -> T) -> T {
    let interrupt = AtomicBool::new(false);
    thread::scope(|scope| {
        let (working, done) = mpsc::channel::<()>();
        scope.spawn(|| {
            let done = done;
            meter.tick(watch, &interrupt, &done);
        });
        let result = work(&interrupt);
        drop(working);
        result
    })
}

fn fetch(
    session: &mut Session,
    repository: &Repository,
    tips: &BTreeSet<ObjectId>,
    meter: &Meter,
    interrupt: &AtomicBool,
) -> gix::Result<()> {
    let mut lookup = repository.clone();
    // Most look-ups ask for what is not there yet: no reason to list the packs again each time.
    lookup.objects.refresh = gix::odb::store::RefreshMode::Never;
    let wanted = Wanted {
        repository: &lookup,
        graph: lookup.revision_graph(None),
        negotiator: Algorithm::Consecutive.into_negotiator(),
        ref_map: ref_map(tips),
    };
    let shallow = Shallow::NoChange;
    // A shallow source would leave a hole in history that nobody sees: refuse it.
    let options = Options {
        shallow_file: repository.shallow_file()?,
        shallow: &shallow,
        tags: Tags::None,
        reject_shallow_remote: true,
    };
    let context = Context {
        handshake: &mut session.handshake,
        transport: &mut session.transport.inner,
        user_agent: agent(),
        trace_packetlines: false,
    };
    let store = |pack: &mut dyn BufRead, progress: &mut dyn gix::DynNestedProgress, interrupt: &AtomicBool| {
        store_pack(repository, pack, progress, interrupt).map(|()| true)
    };
    gix::protocol::fetch(&mut { wanted }, store, meter.clone(), interrupt, context, options).map(drop)
}

/// Writes a pack with its index. It becomes visible when both are complete, not before.
fn store_pack(
    repository: &Repository,
    pack: &mut dyn BufRead,
    progress: &mut dyn gix::DynNestedProgress,
    interrupt: &AtomicBool,
) -> gix::Result<()> {
    let directory = repository.objects.store_ref().path().join("pack");
    let bases = Some(repository.objects.clone());
    let options = pack::bundle::write::Options::default();
    let kind = repository.object_hash();
    let written = pack::Bundle::write_to_directory(pack, Some(&directory), progress, interrupt, bases, kind, options)?;
    // It guards a pack against a garbage collection next door. The cache is ours alone.
    if let Some(keep) = written.keep_path {
        std::fs::remove_file(keep).ok();
    }
    Ok(())
}

/// The wanted objects in the form in which gix's negotiation takes them.
fn ref_map(tips: &BTreeSet<ObjectId>) -> RefMap {
    let mapping = |id: &ObjectId| Mapping {
        remote: Source::ObjectId(*id),
        local: None,
        spec_index: SpecIndex::ExplicitInRemote(0),
    };
    RefMap { mappings: tips.iter().map(mapping).collect(), ..RefMap::default() }
}

/// One negotiation: gix's own steps over our wants.
struct Wanted<'a, 'graph> {
    repository: &'a Repository,
    graph: gix::negotiate::Graph<'graph, 'graph>,
    negotiator: Box<dyn Negotiator>,
    ref_map: RefMap,
}

impl Negotiate for Wanted<'_, '_> {
    fn mark_complete_and_common_ref(&mut self) -> gix::Result<Action> {
        negotiate::mark_complete_and_common_ref(
            &self.repository.objects,
            &self.repository.refs,
            || Ok(std::iter::empty::<(gix::refs::file::Store, gix::OdbHandle)>()),
            &mut *self.negotiator,
            &mut self.graph,
            &self.ref_map,
            &Shallow::NoChange,
            |_| false,
        )
    }

    fn add_wants(&mut self, arguments: &mut Arguments, known: &[bool]) -> bool {
        let objects = &self.repository.objects;
        negotiate::add_wants(objects, arguments, &self.ref_map, known, &Shallow::NoChange, |_| false)
    }

    fn one_round(
        &mut self,
        state: &mut one_round::State,
        arguments: &mut Arguments,
        previous: Option<&Response>,
    ) -> gix::Result<(Round, bool)> {
        negotiate::one_round(&mut *self.negotiator, &mut self.graph, state, arguments, previous)
    }
}
