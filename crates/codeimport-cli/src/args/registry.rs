//! What may be typed about definitions: filters, notes, lists that come from elsewhere, credentials.

use super::ImportRef;
use clap::{Args, Subcommand, ValueEnum};
use codeimport_core::{EventType, RcsType, ReviewStatus};
use jiff::Timestamp;
use std::path::PathBuf;

/// Options of `import list`. Each option lets through less; one that may be repeated, any of its values.
#[derive(Args)]
pub(crate) struct List {
    /// Only with this review status: new, reviewed, suspended, invalid or failing; may be repeated.
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Vec<ReviewStatus>,
    /// Only of this revision control system; may be repeated.
    #[arg(long, value_name = "RCS")]
    pub(crate) rcs: Vec<RcsType>,
    /// Only of sources on this host; may be repeated.
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<String>,
    /// Only of this owner.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) owner: String,
    /// Only with this label; if repeated, with all of them.
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub(crate) label: Vec<String>,
    /// Only where id, name or address contain this.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) text: String,
    /// Only where runs have failed since this time or longer: 2026-01-31T00:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub(crate) failing_since: Option<Timestamp>,
    /// What to order by.
    #[arg(long, value_enum, default_value_t = Order::Id)]
    pub(crate) order: Order,
    /// From the last to the first.
    #[arg(long)]
    pub(crate) reverse: bool,
    /// At most this many; default: all.
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Order {
    /// By id.
    Id,
    /// By the time of definition.
    Created,
    /// By the last success; those that never had one come first.
    LastSuccess,
}

/// Options of `import note`.
#[derive(Args)]
pub(crate) struct Note {
    #[command(flatten)]
    pub(crate) import: ImportRef,
    /// What to say; default: list what was said.
    pub(crate) text: Option<String>,
}

/// Options of `import watch`.
#[derive(Args)]
pub(crate) struct Watch {
    /// Only of this import; default: of all.
    #[arg(value_name = "IMPORT", default_value = "", hide_default_value = true)]
    pub(crate) import_id: String,
    #[command(flatten)]
    pub(crate) filter: EventFilter,
    /// Go on after this event, as told before; 0: from the first one that is kept. Default: only what comes from now on.
    #[arg(long, value_name = "EVENT")]
    pub(crate) after: Option<i64>,
}

/// Which events are wanted.
#[derive(Args)]
pub(crate) struct EventFilter {
    /// Only of imports of this owner.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) owner: String,
    /// Only of imports with this label; if repeated, with all of them.
    #[arg(long, value_name = "KEY[=VALUE]")]
    pub(crate) label: Vec<String>,
    /// Only of this type: created, updated, reviewed, retried, deleted, noted, run_finished, first_success, recovered
    /// or refs_changed; may be repeated.
    #[arg(long = "type", value_name = "TYPE")]
    pub(crate) types: Vec<EventType>,
}

/// Options of `import load`.
#[derive(Args)]
pub(crate) struct Load {
    /// A file of definitions, as docs/bulk.md describes it; `-` for standard input.
    pub(crate) file: PathBuf,
    /// How it is written; default: CSV if its name ends so, else JSON lines.
    #[arg(long, value_enum)]
    pub(crate) format: Option<Format>,
    /// Define imports even if others read the same sources.
    #[arg(long)]
    pub(crate) allow_duplicates: bool,
}

/// Options of `import dump`.
#[derive(Args)]
pub(crate) struct Dump {
    /// How to write.
    #[arg(long, value_enum, default_value_t = Format::Jsonl)]
    pub(crate) format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object per line.
    Jsonl,
    /// Comma-separated values with a line of names.
    Csv,
}

#[derive(Subcommand)]
pub(crate) enum Credential {
    /// Store a password for sources below an address. It is read from standard input.
    Create(CreateCredential),
    /// Put another password into the place of the one that is stored. It is read from standard input.
    Rotate(RotateCredential),
    /// List credentials, without their secrets.
    List,
    /// List what was done to credentials and by whom, newest first.
    Events(PastEvents),
    /// Delete a credential that no import uses.
    Delete(CredentialRef),
}

/// Options of `credential create`.
#[derive(Args)]
pub(crate) struct CreateCredential {
    /// What it is for: addresses that begin with this.
    #[arg(value_name = "URL")]
    pub(crate) url_prefix: String,
    /// The user name.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) username: String,
    /// Id of the credential; default: made from the host's name.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) id: String,
    /// A team that it shall belong to; default: you.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) owner: String,
    /// What it is, for people.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) description: String,
}

/// Options of `credential rotate`.
#[derive(Args)]
pub(crate) struct RotateCredential {
    #[command(flatten)]
    pub(crate) credential: CredentialRef,
    /// The user name.
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    pub(crate) username: String,
}

/// Names one credential.
#[derive(Args)]
pub(crate) struct CredentialRef {
    /// The credential's id.
    #[arg(value_name = "CREDENTIAL")]
    pub(crate) credential_id: String,
}

/// Options of `import events`, `credential events` and `webhook events`.
#[derive(Args)]
pub(crate) struct PastEvents {
    /// Only of the one with this id, even if it is gone; default: of all.
    #[arg(value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) id: String,
    /// At most this many.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}
