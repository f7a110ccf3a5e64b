//! The same over smart HTTP: `git http-backend` behind a server of forty lines.

use crate::world::World;
use codeimport_convert::{BString, Watch};
use codeimport_core::{RcsType, SourceUrl};
use codeimport_subprocess::Command;
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

/// Serves the repositories below a folder. `/moved/…` redirects to `/…`.
pub(crate) fn serve(root: PathBuf) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let root = root.clone();
            thread::spawn(move || answer(stream, &root));
        }
    });
    address
}

fn answer(stream: TcpStream, root: &Path) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers: Vec<(String, String)> = std::iter::from_fn(|| {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        line.trim_end().split_once(": ").map(|(name, value)| (name.to_lowercase(), value.to_owned()))
    })
    .collect();
    let header = |name: &str| headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
    let mut body = vec![0; header("content-length").parse().unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    if let Some(rest) = target.strip_prefix("/moved") {
        write!(writer, "HTTP/1.1 301 Moved\r\nLocation: {rest}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            .ok()?;
        return Some(());
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let cgi = Command::new("git")
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REQUEST_METHOD", &method)
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(body)
        .run()
        .ok()?;
    writer.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n").ok()?;
    writer.write_all(&cgi.stdout).ok()
}

fn http_url(world: &World, path: &str) -> SourceUrl {
    let address = serve(world.dir.path().join("served"));
    SourceUrl::parse(RcsType::Git, &format!("http://{address}{path}")).expect("valid")
}

#[test]
fn history_arrives_over_http_and_is_continued() {
    let world = World::with_history();
    let source = world.open(&http_url(&world, "/source.git"));
    let cache = world.cache();
    for number in 0..3 {
        let tip = world.commit(&format!("change {number}"));
        world.push(["main"]);
        let before = source.probe(&Watch::none()).expect("probed");
        let state = source.fetch(&cache, None, &Watch::none()).expect("fetched");
        assert_eq!(state.watermark, before);
        assert_eq!(state.refs[&BString::from("refs/heads/main")].to_string(), tip);
        assert_eq!(state.default_branch, Some("refs/heads/main".into()));
        assert!(state.received_bytes > 0);
        let again = source.fetch(&cache, None, &Watch::none()).expect("fetched");
        assert_eq!((again.received_bytes, again.refs), (0, state.refs));
    }
}

#[test]
fn a_repository_that_moved_on_the_same_host_is_followed() {
    let world = World::with_history();
    let source = world.open(&http_url(&world, "/moved/source.git"));
    let state = source.fetch(&world.cache(), None, &Watch::none()).expect("fetched");
    assert!(state.refs.contains_key(&BString::from("refs/heads/main")));
}
