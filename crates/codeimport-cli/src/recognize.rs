//! What is behind an address: as typed, or as the engine finds out.

use codeimport_convert::{ConvertError, SourceOptions, Watch};
use codeimport_core::RcsType;
use std::time::Duration;

/// Longest time for each question. Whoever is slower has to be told.
const PATIENCE: Duration = Duration::from_secs(5);

/// The revision control system of an address. Where the server is asked, says what was found. Blocks.
///
/// # Errors
///
/// Those of [`codeimport_convert::recognize`]; none if it was typed.
pub(crate) fn rcs(
    typed: Option<RcsType>,
    url: &str,
    watch: &Watch,
    say: impl FnOnce(&str),
) -> Result<RcsType, ConvertError> {
    if let Some(typed) = typed {
        return Ok(typed);
    }
    let options = SourceOptions { connect_timeout: PATIENCE, idle_timeout: PATIENCE, ..SourceOptions::default() };
    let found = codeimport_convert::recognize(url, &options, watch)?;
    if found.was_asked {
        // Not with the address, which may have a password in it.
        say(&format!("The source answers as {}.", found.rcs));
    }
    Ok(found.rcs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_is_asked_of_nobody() {
        let typed = rcs(Some(RcsType::Mercurial), "https://host.invalid/r", &Watch::none(), |_| {});
        assert_eq!(typed.expect("typed"), RcsType::Mercurial);
    }
}
