//! Lists of definitions: `import load` and `import dump`, in JSON lines or CSV.
//!
//! What is dumped can be loaded elsewhere. Secrets are in neither.

mod csv;
mod definition;
mod dump;
mod entry;
mod load;

pub(crate) use dump::run as dump;
pub(crate) use load::run as load;
