//! What may be typed about who is told what, and who may start what.

use super::{EventFilter, ImportRef, PastEvents};
use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Webhook {
    /// Have an address told what happens to imports from now on. Shows the signing secret, once.
    Create(CreateWebhook),
    /// List webhooks.
    List,
    /// Send nothing for a while.
    Pause(WebhookRef),
    /// Go on where it was paused.
    Resume(WebhookRef),
    /// Put another signing secret into the place of the one that is stored. Shows it, once.
    Rotate(WebhookRef),
    /// Delete a webhook and its delivery log.
    Delete(WebhookRef),
    /// List what was sent and what came of it, newest first.
    Deliveries(Deliveries),
    /// List what was done to webhooks and by whom, newest first.
    Events(PastEvents),
    /// Send what was sent once more.
    Redeliver(Redeliver),
}

/// Options of `webhook create`.
#[derive(Args)]
pub(crate) struct CreateWebhook {
    /// Where to send to: https://host/path.
    pub(crate) url: String,
    /// Only of this import; default: of all.
    #[arg(long = "import", value_name = "IMPORT", default_value = "", hide_default_value = true)]
    pub(crate) import_id: String,
    #[command(flatten)]
    pub(crate) filter: EventFilter,
    /// Id of the webhook; default: made from the host's name.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) id: String,
    /// What it is for.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub(crate) description: String,
}

/// Names one webhook.
#[derive(Args)]
pub(crate) struct WebhookRef {
    /// The webhook's id.
    #[arg(value_name = "WEBHOOK")]
    pub(crate) webhook_id: String,
}

/// Options of `webhook deliveries`.
#[derive(Args)]
pub(crate) struct Deliveries {
    #[command(flatten)]
    pub(crate) webhook: WebhookRef,
    /// At most this many.
    #[arg(long, default_value_t = 20)]
    pub(crate) limit: usize,
}

/// Options of `webhook redeliver`.
#[derive(Args)]
pub(crate) struct Redeliver {
    #[command(flatten)]
    pub(crate) webhook: WebhookRef,
    /// What to send, as `webhook deliveries` shows it.
    #[arg(value_name = "DELIVERY")]
    pub(crate) delivery_id: i64,
}

#[derive(Subcommand)]
pub(crate) enum Trigger {
    /// Let pushes to the source start an import's runs. Shows the secret that proves them, once.
    Create(ImportRef),
    /// Tell where pushes go to, and when the last one came.
    Show(ImportRef),
    /// Put another secret into the place of the one that is stored. Shows it, once.
    Rotate(ImportRef),
    /// Let pushes start no more runs.
    Delete(ImportRef),
}
