//! How a CVS repository is converted.

use codeimport_core::Charset;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Options of a CVS source. What is stored of them decides the ids of commits, so it stays what it was at the first run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(default)]
pub struct CvsOptions {
    /// Whether texts are kept as CVS stores them, with the values that keywords had one revision earlier. Else they are what
    /// `cvs export -kk` shows.
    pub raw_keywords: bool,
    /// In which charset messages, accounts and names are that are no UTF-8.
    pub charset: Charset,
    /// How old a commit has to be before it is converted: files of one commit are checked in one by one.
    #[serde(skip, default = "settle_window")]
    pub settle_window: Duration,
}

fn settle_window() -> Duration {
    Duration::from_secs(600)
}

impl Default for CvsOptions {
    fn default() -> Self {
        Self { raw_keywords: false, charset: Charset::default(), settle_window: settle_window() }
    }
}
