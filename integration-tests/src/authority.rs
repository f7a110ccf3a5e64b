//! A certificate authority of the test's own, for servers that speak TLS on loopback.

use codeimport_subprocess::Command;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// An authority that nobody knows, and a server's certificate of its making for `127.0.0.1` and `localhost`.
pub struct Authority {
    dir: TempDir,
}

impl Authority {
    /// Makes both.
    ///
    /// # Panics
    ///
    /// If openssl is missing.
    #[must_use]
    pub fn create() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder can be made");
        let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
        let authority = ["req", "-x509", "-subj", "/CN=a test", "-keyout", "ca.key", "-out", "ca.pem"];
        openssl(dir.path(), &[&authority[..], &curve].concat());
        let server = ["req", "-x509", "-subj", "/CN=localhost", "-CA", "ca.pem", "-CAkey", "ca.key"];
        let names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-addext", "basicConstraints=CA:FALSE"];
        let files = ["-keyout", "server.key", "-out", "server.crt"];
        openssl(dir.path(), &[&server[..], &names, &files, &curve].concat());
        let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("openssl has written it");
        std::fs::write(dir.path().join("server.pem"), read("server.key") + &read("server.crt")).expect("it is ours");
        Self { dir }
    }

    /// The authority's certificate: with `SSL_CERT_FILE`, all that a program trusts.
    #[must_use]
    pub fn certificate(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// The server's key and certificate, one after the other in one file.
    #[must_use]
    pub fn server_pem(&self) -> PathBuf {
        self.dir.path().join("server.pem")
    }
}

fn openssl(dir: &Path, args: &[&str]) {
    let output = Command::new("openssl").args(args).cwd(dir).run().expect("openssl is installed");
    assert!(output.success(), "{args:?}: {}", output.stderr);
}
