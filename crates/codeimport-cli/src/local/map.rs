//! `codeimport map`: which commit shows which source revision.

use crate::args::Map;
use crate::exit::{Done, Failure};
use crate::output::Output;
use crate::view::MapView;
use codeimport_convert::read_map;
use std::process::ExitCode;

/// Prints the whole map, in the order of conversion.
pub(super) fn run(output: Output, map: &Map) -> Done {
    let entries = read_map(&map.dir).map_err(|error| Failure::outcome(&error))?;
    entries.iter().for_each(|entry| output.map_entry(&MapView::new(entry)));
    Ok(ExitCode::SUCCESS)
}
