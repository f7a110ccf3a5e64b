//! The log of some revisions, asked without starting a program.
//!
//! ```text
//!   client  ( log ( ( 0: ) ( first ) ( last ) paths? false 0 false revprops ( 10:svn:author … ) ) )
//!   server  ( success ( ( ) 0: ) )                    demands nothing
//!           ( ( ( path A|D|M|R ( from revision ) ( kind … ) ) … ) revision ( author ) ( date ) ( message ) … )   for each
//!           done  ( success ( ) )
//! ```

use super::super::log::LogQuestion;
use super::item::Item;
use super::session::{Session, nothing_demanded, success};
use crate::Watch;
use crate::source::svn::records::{LogEntry, LogPath};
use std::io;
use std::time::Duration;

/// Asks; none if the address is not of this kind or anything is out of the ordinary.
pub(crate) fn log(url: &str, question: &LogQuestion, idle_timeout: Duration, watch: &Watch) -> Option<Vec<LogEntry>> {
    let mut session = Session::open(url, idle_timeout, watch)?;
    session.connection.expect_history(idle_timeout);
    match ask(&mut session, question) {
        Ok(entries) => Some(entries),
        Err(error) => {
            tracing::debug!(source.url = %url, error = %error, "no plain svn server tells its log; svn is asked");
            None
        }
    }
}

fn ask(session: &mut Session, question: &LogQuestion) -> io::Result<Vec<LogEntry>> {
    let LogQuestion { first, last, paths, messages } = question;
    let message = if *messages { " 7:svn:log" } else { "" };
    let revprops = format!("revprops ( 10:svn:author 8:svn:date{message} )");
    session.connection.send(&format!("( log ( ( 0: ) ( {first} ) ( {last} ) {paths} false 0 false {revprops} ) ) "))?;
    nothing_demanded(&mut session.connection)?;
    let mut entries = Vec::new();
    loop {
        let item = session.connection.receive()?;
        if item.is_word("done") {
            break;
        }
        entries.push(entry(&item).ok_or(io::ErrorKind::InvalidData)?);
    }
    success(&session.connection.receive()?).map(|_| entries).ok_or_else(|| io::ErrorKind::PermissionDenied.into())
}

fn entry(item: &Item) -> Option<LogEntry> {
    let [paths, revision, author, date, message, ..] = item.list()? else { return None };
    let text = |item: &Item| Some(String::from_utf8_lossy(item.list()?.first()?.bytes()?).into_owned());
    Some(LogEntry {
        revision: revision.number()?,
        author: text(author),
        date: text(date),
        message: text(message),
        paths: paths.list()?.iter().map(path).collect::<Option<_>>()?,
    })
}

fn path(item: &Item) -> Option<LogPath> {
    let [path, action, more @ ..] = item.list()? else { return None };
    let bare = |item: &Item| Some(String::from_utf8_lossy(item.bytes()?).trim_start_matches('/').to_owned());
    let action = ['A', 'D', 'M', 'R'].into_iter().find(|letter| action.is_word(&letter.to_string()))?;
    let kind = more.get(1).and_then(Item::list).and_then(<[Item]>::first).and_then(Item::text);
    let copy_from = more.first().and_then(Item::list).and_then(<[Item]>::first);
    Some(LogPath {
        action,
        path: bare(path)?,
        is_dir: kind.filter(|kind| *kind != "unknown").map(|kind| kind == "dir"),
        copy_from: copy_from.and_then(bare),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<LogEntry> {
        entry(&Item::read(&mut text.as_bytes(), 1 << 20).expect("an item"))
    }

    #[test]
    fn an_entry_is_read() {
        let text = "( ( ( 6:/tags1 A ( 6:/trunk 3 ) ( 3:dir false false ) ) ( 2:/f M ( ) ( 0: ) ) ( 2:/g D ) ) 4 \
                    ( 3:ada ) ( 1:d ) ( ) false false 0 ( ) ) ";
        let entry = read(text).expect("well-formed");
        assert_eq!((entry.revision, entry.author.as_deref(), entry.message.as_deref()), (4, Some("ada"), None));
        let told: Vec<_> = entry.paths.iter().map(|path| (path.action, path.path.as_str(), path.is_dir)).collect();
        assert_eq!(told[0], ('A', "tags1", Some(true)));
        assert_eq!((told[2], entry.paths[0].copy_from.as_deref()), (('D', "g", None), Some("trunk")));
        assert_eq!(read("( 1 2 ) "), None);
        assert_eq!(read("( ( ( 2:/f X ) ) 4 ( ) ( ) ( ) ) "), None, "no such change");
    }
}
