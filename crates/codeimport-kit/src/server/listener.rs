//! Binds the address and tells the port to whoever asked for any.

use anyhow::Context as _;
use std::{net::SocketAddr, path::Path};
use tokio::net::TcpListener;

/// Binds an address; then writes it into the port file, if there is to be one.
///
/// # Errors
///
/// If the address is taken or not ours, or the file cannot be written.
pub async fn bind(listen: SocketAddr, port_file: Option<&Path>) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    if let Some(path) = port_file {
        let address = listener.local_addr()?;
        write_port_file(path, address).with_context(|| format!("cannot write port file {}", path.display()))?;
    }
    Ok(listener)
}

/// Through a second name in the same folder: who polls for the file sees it whole or not at all.
fn write_port_file(path: &Path, address: SocketAddr) -> std::io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}.tmp", std::process::id()));
    std::fs::write(&unfinished, format!("{address}\n"))?;
    std::fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_port_file_names_the_port_that_was_bound() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("port");
        let any_port = "127.0.0.1:0".parse().expect("address");
        let listener = bind(any_port, Some(&path)).await.expect("bound");
        let written: SocketAddr = std::fs::read_to_string(&path).expect("file").trim().parse().expect("address");
        assert_eq!(written, listener.local_addr().expect("address"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("folder").count(), 1, "nothing else is left behind");
    }
}
