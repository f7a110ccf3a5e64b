//! A piece of network between a client and a real server, on which things go wrong.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// What happens to the bytes that the server sends, counted for each connection.
#[derive(Clone)]
pub(super) enum Harm {
    /// The connection breaks after so many.
    Cut(u64),
    /// Nothing comes any more after so many, and nobody says why.
    Stall(u64),
    /// One bit of the byte at this place is another one.
    Flip(u64),
    /// Something is done after so many, once; the bytes go on.
    Then(u64, Arc<dyn Fn() + Send + Sync>),
}

/// Listens on a port of its own. Its threads end with the connections.
pub(super) struct Wire {
    port: u16,
    harm: Arc<Mutex<Option<Harm>>>,
}

impl Wire {
    /// A sound wire to a server.
    pub(super) fn to(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let harm: Arc<Mutex<Option<Harm>>> = Arc::default();
        let present = Arc::clone(&harm);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let harm = present.lock().expect("nobody panics with it").clone();
                join(client, server, harm);
            }
        });
        Self { port, harm }
    }

    /// From now on this happens to each new connection; none mends the wire.
    pub(super) fn suffers(&self, harm: impl Into<Option<Harm>>) {
        *self.harm.lock().expect("nobody panics with it") = harm.into();
    }

    /// An address of the server, by this wire.
    pub(super) fn along(&self, server: u16, url: &str) -> String {
        url.replacen(&format!(":{server}/"), &format!(":{}/", self.port), 1)
    }
}

fn join(client: TcpStream, server: u16, harm: Option<Harm>) {
    // A server that is gone refuses; so does the wire, by closing.
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)) else { return };
    let (asking, asked) = (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
    std::thread::spawn(move || forward(asking, asked, None));
    std::thread::spawn(move || forward(server, client, harm));
}

fn forward(mut from: TcpStream, mut to: TcpStream, mut harm: Option<Harm>) {
    let (mut buffer, mut passed) = ([0; 4_096], 0);
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let bytes = &mut buffer[..count];
        let last = passed + u64::try_from(count).expect("small");
        match &harm {
            Some(Harm::Cut(after)) if *after < last => {
                let kept = usize::try_from(after - passed).expect("small");
                // Whether the other side still takes it does not matter: it is cut off.
                let _ = to.write_all(&bytes[..kept]);
                break;
            }
            Some(Harm::Stall(after)) if *after < last => {
                // Until the client gives up.
                let _ = std::io::copy(&mut to, &mut std::io::sink());
                break;
            }
            Some(Harm::Flip(place)) if (passed..last).contains(place) => {
                bytes[usize::try_from(place - passed).expect("small")] ^= 1;
            }
            Some(Harm::Then(after, action)) if *after < last => {
                action();
                harm = None;
            }
            _ => {}
        }
        passed = last;
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
