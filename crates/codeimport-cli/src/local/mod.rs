//! The commands that need no service: they use the engine directly, on this machine.
//!
//! All of them block, so each runs in a thread made for it, and Ctrl-C raises the flag that the engine looks at: what was
//! published before stays.

mod convert;
mod map;
mod poll;
mod preview;
mod screen;
mod verify;

use crate::args::{Convert, Map, Poll, Preview, SourceRef, Verify};
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::recognize;
use codeimport_convert::{Cancel, SourceOptions, Watch};
use codeimport_core::{RcsType, SourceUrl, Stage};
use screen::Screen;
use std::sync::Arc;

/// One of them.
pub(crate) enum LocalCommand {
    Convert(Convert),
    Map(Map),
    Verify(Verify),
    Preview(Preview),
    Poll(Poll),
}

/// Runs one of them to its end, or until Ctrl-C.
pub(crate) async fn run(output: Output, command: LocalCommand) -> Done {
    let cancel = Cancel::new();
    let flag = cancel.clone();
    let mut work = tokio::task::spawn_blocking(move || block(output, command, flag));
    let done = tokio::select! {
        done = &mut work => done,
        // Without a handler for it there is nothing to wait for.
        Ok(()) = tokio::signal::ctrl_c() => {
            cancel.cancel();
            work.await
        }
    };
    done.unwrap_or_else(|error| Err(Failure::other("the command ended early", error)))
}

fn block(output: Output, command: LocalCommand, cancel: Cancel) -> Done {
    let screen = Arc::new(Screen::new(output));
    let watch = Watch::new(cancel, screen.clone());
    let done = match command {
        LocalCommand::Convert(convert) => convert::run(output, &convert, &watch, &screen),
        LocalCommand::Map(map) => map::run(output, &map),
        LocalCommand::Verify(verify) => verify::run(output, &verify, &watch, &screen),
        LocalCommand::Preview(preview) => preview::run(output, &preview, &watch),
        LocalCommand::Poll(poll) => poll::run(output, &poll, &watch),
    };
    screen.clear();
    done
}

/// How a source is read that was named here.
fn options(source: &SourceRef, others: SourceOptions) -> Result<SourceOptions, Failure> {
    let others = source.distributed.options(others);
    Ok(SourceOptions { ssh: source.ssh.ssh()?, cvs: source.cvs.options()?, ..others })
}

/// The address of a source as it was typed here.
fn source_url(source: &SourceRef, watch: &Watch) -> Result<SourceUrl, Failure> {
    let say = |text: &str| watch.note(Stage::Probe, text);
    let rcs_type = recognize::rcs(source.rcs.or(source.cvs.rcs_type()), &source.url, watch, say)
        .map_err(|error| Failure::outcome(&error))?;
    let url = match rcs_type {
        RcsType::Cvs => source.cvs.url(&source.url)?,
        _ => source.url.clone(),
    };
    SourceUrl::parse_on_own_machine(rcs_type, &url)
        .map_err(|error| Failure::usage(format!("the address {url:?} {error}")))
}
