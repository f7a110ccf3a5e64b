//! What `svn info` tells, asked without starting a program.
//!
//! ```text
//!   client  ( get-latest-rev ( ) )   ( check-path ( 0: ( ) ) )
//!   server  ( success ( ( ) 0: ) )  ( success ( 42 ) )    the same for check-path: ( success ( dir ) )
//! ```

use super::super::info::Info;
use super::item::Item;
use super::session::{Session, nothing_demanded, success};
use crate::Watch;
use std::io;
use std::time::Duration;

/// Asks; none if the address is not of this kind or anything is out of the ordinary.
pub(crate) fn info(url: &str, idle_timeout: Duration, watch: &Watch) -> Option<Info> {
    let mut session = Session::open(url, idle_timeout, watch)?;
    let (youngest, kind) = ask(&mut session).ok()?;
    understand(&session, &youngest, &kind)
}

fn ask(session: &mut Session) -> io::Result<(Item, Item)> {
    // Asked together: the server answers in order.
    session.connection.send("( get-latest-rev ( ) ) ( check-path ( 0: ( ) ) ) ")?;
    let mut answer = || nothing_demanded(&mut session.connection).and_then(|()| session.connection.receive());
    Ok((answer()?, answer()?))
}

fn understand(session: &Session, youngest: &Item, kind: &Item) -> Option<Info> {
    let [youngest, ..] = success(youngest)? else { return None };
    let [kind, ..] = success(kind)? else { return None };
    // An address with nothing behind it is a failure, and one that svn has the words for.
    let exists = kind.is_word("dir") || kind.is_word("file");
    let root = &session.root;
    let below = session.url.strip_prefix(root.as_str()).filter(|below| below.is_empty() || below.starts_with('/'))?;
    let path = codeimport_core::decode_percent(below.trim_start_matches('/'));
    exists.then_some(Info { root: root.clone(), uuid: session.uuid.clone(), youngest: youngest.number()?, path })
}
