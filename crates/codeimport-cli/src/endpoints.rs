//! Where the services are: said on the command line, or written down by `codeimport up`.

use crate::args::Global;
use crate::exit::Failure;
use serde::{Deserialize, Serialize};
use std::{fs, io, path::PathBuf};

/// Addresses of a running system, as `up` writes them to `endpoints.json` in its data folder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Endpoints {
    /// `http://host:port` of the registry.
    pub(crate) registry: String,
    /// `http://host:port` of the queue.
    pub(crate) queue: String,
    /// `http://host:port` of the worker.
    pub(crate) worker: String,
}

const FILE_NAME: &str = "endpoints.json";

/// The data folder: as given, else the user's own (XDG Base Directory Specification).
pub(crate) fn data_dir(global: &Global) -> PathBuf {
    let home = || std::env::home_dir().unwrap_or_else(|| PathBuf::from("."));
    global.data_dir.clone().unwrap_or_else(|| {
        let data_home = std::env::var_os("XDG_DATA_HOME").filter(|d| !d.is_empty()).map(PathBuf::from);
        data_home.unwrap_or_else(|| home().join(".local/share")).join("codeimport")
    })
}

impl Endpoints {
    /// The addresses to use: those given win over those written down.
    pub(crate) fn find(global: &Global) -> Result<Self, Failure> {
        let written = fs::read(data_dir(global).join(FILE_NAME)).ok();
        let written: Option<Self> = written.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let pick = |given: &Option<String>, service: &str, written: Option<String>| {
            given.clone().or(written).ok_or_else(|| {
                Failure::unreachable(
                    service,
                    &format!("(no address known: nothing is up in {})", data_dir(global).display()),
                )
            })
        };
        Ok(Self {
            registry: pick(&global.registry, "registry", written.as_ref().map(|w| w.registry.clone()))?,
            queue: pick(&global.queue, "queue", written.as_ref().map(|w| w.queue.clone()))?,
            worker: written.map(|w| w.worker).unwrap_or_default(),
        })
    }

    /// Writes them down for the other commands, whole or not at all.
    pub(crate) fn write(&self, global: &Global) -> io::Result<()> {
        let path = data_dir(global).join(FILE_NAME);
        let half = path.with_extension("tmp");
        fs::write(&half, serde_json::to_vec_pretty(self).map_err(io::Error::other)?)?;
        fs::rename(half, path)
    }

    /// Takes them back: nothing is up any more.
    pub(crate) fn forget(global: &Global) {
        // Gone already is as good.
        let _ = fs::remove_file(data_dir(global).join(FILE_NAME));
    }
}
