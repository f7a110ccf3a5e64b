//! Domain values to wire values and, where nothing has to be decided, back.

use crate::{
    audit::FieldChange,
    import::{BazaarOptions, CvsOptions, Import, MercurialOptions, SubversionOptions},
    run_log_url::RunLogUrl,
    store::{ChangedRef, Note, Ref, Revision, ScanTotals, Signature, SourceRevision, StoredEvent},
};
use codeimport_core::{RcsType, cvs_root_and_module};
use codeimport_proto::{
    common,
    convert::{
        duration_to_wire, event_type_to_wire, outcome_to_wire, rcs_type_to_wire, review_status_to_wire,
        timestamp_to_wire,
    },
    registry as wire,
};

const MAX_SOURCE_REVISION_BYTES: usize = 200;

pub(super) fn import(import: &Import) -> wire::Import {
    let definition = &import.intent.definition;
    let history = &import.history;
    wire::Import {
        import_id: import.import_id.to_string(),
        display_name: definition.display_name.clone(),
        source: Some(source(import)),
        target: Some(target(import)),
        ref_filter: Some(wire::RefFilter {
            include: definition.ref_patterns.include.clone(),
            exclude: definition.ref_patterns.exclude.clone(),
        }),
        update_interval: definition.update_interval.map(duration_to_wire),
        review_status: review_status_to_wire(import.intent.status).into(),
        review_reason: import.intent.review_reason.clone(),
        etag: import.etag(),
        registrant: import.registrant.clone(),
        create_time: Some(timestamp_to_wire(import.created_at)),
        update_time: Some(timestamp_to_wire(import.updated_at)),
        review_time: Some(timestamp_to_wire(import.reviewed_at)),
        last_success_time: history.last_success_at.map(timestamp_to_wire),
        last_run_id: history.last_run_id,
        last_outcome: history.last_outcome.map_or(common::Outcome::Unspecified, outcome_to_wire).into(),
        last_message: history.last_message.clone(),
        consecutive_failure_count: history.consecutive_failure_count,
        owner: definition.care.owner.clone(),
        assignee: definition.care.assignee.clone(),
        labels: definition.care.labels.clone().into_iter().collect(),
        adaptive_interval: definition.adaptive_interval.map(|bounds| wire::AdaptiveInterval {
            shortest: Some(duration_to_wire(bounds.shortest)),
            longest: Some(duration_to_wire(bounds.longest)),
        }),
        is_duplicate: definition.is_duplicate,
        failing_since_time: history.failing_since.map(timestamp_to_wire),
    }
}

pub(super) fn source(import: &Import) -> wire::Source {
    let source = &import.intent.definition.source;
    wire::Source {
        rcs_type: rcs_type_to_wire(source.rcs_type).into(),
        url: source.url.clone(),
        options: match source.rcs_type {
            RcsType::Subversion => Some(subversion(&source.subversion)),
            RcsType::Cvs => Some(cvs(&source.url, &source.cvs)),
            RcsType::Mercurial => Some(mercurial(source.mercurial)),
            RcsType::Bazaar => Some(bazaar(source.bazaar)),
            RcsType::Git => None,
        },
        author_map: source.author_map.clone(),
        credential_id: source.credential_id.clone(),
    }
}

fn subversion(options: &SubversionOptions) -> wire::source::Options {
    wire::source::Options::Subversion(wire::SubversionOptions {
        layout: options.layout.clone(),
        git_svn_id_trailers: options.git_svn_id_trailers,
        convert_ignores: options.convert_ignores,
        keep_externals: options.keep_externals,
        normalize_line_ends: options.normalize_line_ends,
    })
}

fn cvs(url: &str, options: &CvsOptions) -> wire::source::Options {
    let (_, module) = cvs_root_and_module(url);
    let CvsOptions { raw_keywords, charset } = options.clone();
    wire::source::Options::Cvs(wire::CvsOptions { module, raw_keywords, charset })
}

fn mercurial(options: MercurialOptions) -> wire::source::Options {
    let MercurialOptions { keep_subrepos, freeze_rewritten } = options;
    wire::source::Options::Mercurial(wire::MercurialOptions { keep_subrepos, freeze_rewritten })
}

fn bazaar(options: BazaarOptions) -> wire::source::Options {
    let BazaarOptions { trailers, freeze_rewritten } = options;
    wire::source::Options::Bazaar(wire::BazaarOptions { trailers, freeze_rewritten })
}

pub(super) fn target(import: &Import) -> wire::Target {
    wire::Target { url: import.intent.definition.target_url.clone() }
}

pub(super) fn event(stored: StoredEvent, log_url: &RunLogUrl) -> wire::ImportEvent {
    let event = stored.event;
    wire::ImportEvent {
        log_url: log_url.of(&stored.import_id, event.run_id),
        run_id: event.run_id,
        omitted_change_count: event.omitted_change_count,
        event_id: stored.event_id,
        import_id: stored.import_id,
        r#type: event_type_to_wire(event.event_type).into(),
        actor: event.actor,
        time: Some(timestamp_to_wire(stored.occurred_at)),
        changes: event.changes.into_iter().map(field_change).collect(),
        reason: event.reason,
    }
}

pub(super) fn note(note: Note) -> wire::ImportNote {
    wire::ImportNote {
        note_id: note.note_id,
        author: note.author,
        time: Some(timestamp_to_wire(note.written_at)),
        text: note.text,
    }
}

pub(super) fn field_change(change: FieldChange) -> wire::FieldChange {
    wire::FieldChange { path: change.path, before: change.before, after: change.after }
}

pub(super) fn reference(r: Ref) -> wire::Ref {
    wire::Ref {
        name: r.name,
        object_id: hex::encode(r.object_id),
        commit_id: r.commit_id.map(hex::encode).unwrap_or_default(),
    }
}

pub(super) fn revision(revision: Revision) -> wire::Revision {
    wire::Revision {
        commit_id: hex::encode(revision.commit_id),
        parent_ids: revision.parent_ids.into_iter().map(hex::encode).collect(),
        author: Some(signature(revision.author)),
        committer: Some(signature(revision.committer)),
        message: revision.message,
    }
}

pub(super) fn ref_change(change: ChangedRef) -> wire::RefChange {
    let side = |side: Option<([u8; 20], Option<[u8; 20]>)>| {
        let (object_id, commit_id) = side.unzip();
        (object_id.map(hex::encode).unwrap_or_default(), commit_id.flatten().map(hex::encode).unwrap_or_default())
    };
    let (old, new) = (side(change.old), side(change.new));
    wire::RefChange {
        name: change.name,
        old_object_id: old.0,
        old_commit_id: old.1,
        new_object_id: new.0,
        new_commit_id: new.1,
    }
}

pub(super) fn totals(totals: &ScanTotals) -> wire::GetScanTotalsResponse {
    let time = |seconds: Option<i64>| seconds.map(|seconds| prost_types::Timestamp { seconds, nanos: 0 });
    wire::GetScanTotalsResponse {
        commit_count: totals.commit_count,
        author_count: totals.author_count,
        first_time: time(totals.first_time_s),
        last_time: time(totals.last_time_s),
        target_bytes: totals.target_bytes,
        is_rescan_wanted: totals.rescan_wanted,
    }
}

pub(super) fn source_revision(entry: SourceRevision) -> wire::SourceRevision {
    wire::SourceRevision {
        revision: entry.revision,
        branch_path: entry.branch_path,
        commit_id: hex::encode(entry.commit_id),
    }
}

fn signature(signature: Signature) -> wire::Signature {
    wire::Signature {
        name: signature.name,
        email: signature.email,
        time: Some(prost_types::Timestamp { seconds: signature.time_s, nanos: 0 }),
        utc_offset_minutes: signature.offset_minutes,
    }
}

/// A revision in the source's own words, which has to be something. Longer ones are none of any system that is known.
pub(super) fn source_revision_name(text: String) -> Result<String, &'static str> {
    match text.as_str() {
        "" => Err("is empty"),
        text if text.len() > MAX_SOURCE_REVISION_BYTES => Err("is longer than 200 bytes"),
        text if text.chars().any(|c| c.is_control() || c == ' ') => Err("contains a space or a control character"),
        _ => Ok(text),
    }
}

/// 40 hex digits to 20 bytes.
pub(super) fn object_id(text: &str) -> Result<[u8; 20], &'static str> {
    let mut id = [0; 20];
    hex::decode_to_slice(text, &mut id).map_err(|_| "is not 40 hex digits")?;
    Ok(id)
}
