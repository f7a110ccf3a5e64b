//! The engine against real repositories: `git daemon` as the source, a bare repository as the target.

mod bzr;
mod caching;
mod cvs;
mod failures;
mod fencing;
mod following;
mod hg;
mod recognizing;
mod scanning;
mod smart_http;
mod sshd;
mod subversion;
mod targets;
mod wire;
mod worker;
mod world;
