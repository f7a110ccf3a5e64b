//! The revision control systems that can be a source.

use crate::outcome::{UnknownName, named_enum};

named_enum! {
    /// The revision control system of a source.
    pub enum RcsType {
        /// Git.
        Git = "git",
        /// Subversion.
        Subversion = "svn",
        /// CVS.
        Cvs = "cvs",
        /// Mercurial.
        Mercurial = "hg",
        /// Bazaar.
        Bazaar = "bzr",
    }
}
