//! What the fuzz targets run.

use super::address::Address;
use super::rcs::{Number, RcsFile};
use super::server::{LogReader, Server};
use super::transport::{Transport as _, Wanted};
use crate::{SourceOptions, Watch};
use codeimport_core::{RcsType, SourceUrl, Stage};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener};
use std::ops::ControlFlow;
use std::sync::OnceLock;
use std::time::Duration;

/// Reads a `,v` file and works out all its texts, whatever it is.
pub(crate) fn read_rcs(bytes: &[u8]) {
    let Ok(file) = RcsFile::parse(bytes) else { return };
    let wanted = file.deltas.keys().cloned().collect();
    // A file can say how to make texts far longer than itself; what is looked for is not that.
    let mut left: usize = 1 << 20;
    let _ = file.texts(&wanted, |_, text| {
        left = left.saturating_sub(text.len());
        if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
}

/// Reads what a server says, whatever it is.
pub(crate) fn read_rlog(said: &[u8]) {
    let mut reader = LogReader::new(b"/r/".to_vec(), false, &std::env::temp_dir());
    for line in said.split(|b| *b == b'\n') {
        if reader.take_raw(line).is_err() {
            return;
        }
    }
    let _ = reader.finish().map(super::gathering::Gathering::finish);
}

/// Follows a server that says this and nothing more, whatever is asked: for the log, and for texts.
pub(crate) fn follow_server(said: &[u8]) {
    static LISTENER: OnceLock<TcpListener> = OnceLock::new();
    let listener =
        LISTENER.get_or_init(|| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has free ports"));
    let port = listener.local_addr().expect("it is bound").port();
    let url = SourceUrl::parse(RcsType::Cvs, &format!("pserver://127.0.0.1:{port}/r//m")).expect("well-formed");
    let options = SourceOptions { idle_timeout: Duration::from_secs(1), ..SourceOptions::default() };
    let (server, watch) = (Server::new(Address::of(&url), &options), Watch::none());
    let answered = |ask: &mut dyn FnMut()| {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut client, _) = listener.accept().expect("somebody connects");
                // Listened to until it goes: its words would break the connection.
                let _ = client.write_all(said).and_then(|()| client.shutdown(Shutdown::Write));
                let _ = client.read_to_end(&mut Vec::new());
            });
            ask();
        });
    };
    answered(&mut || drop(server.position(Stage::Probe, &watch)));
    answered(&mut || drop(server.histories(Stage::Fetch, &std::env::temp_dir(), &watch)));
    let known: Vec<_> = [b"1.1", b"1.2"].iter().filter_map(|number| Number::parse(*number)).collect();
    let wanted = [Wanted { path: b"f", known: &known, keys: &[(0, 0), (0, 1)] }];
    answered(&mut || drop(server.texts(&wanted, &watch, &mut |_| Ok(()))));
}
