//! History as a server sends it.
//!
//! ```text
//!   parts        a bundle's parts, errors in between
//!   changegroup  revisions in one of three forms
//!   delta        a revision's text from another one      pure
//! ```

mod changegroup;
mod delta;
mod input;
mod parts;

pub(super) use changegroup::{Changegroup, Revision, Version};
pub(super) use delta::{Hunk, apply, hunks, patched, whole};
pub(super) use parts::GaveUp;

use super::error::{HgError, broken};
use parts::{Payload, next_part, stream_params};
use std::io::Read;

/// Reads a bundle and hands its changegroup on. A bundle without one has nothing new.
///
/// # Errors
///
/// What the stream is wrong in, and what `take` says.
pub(super) fn read_bundle<R: Read>(
    mut input: R,
    mut take: impl FnMut(Changegroup<&mut dyn Read>) -> Result<(), HgError>,
) -> Result<(), HgError> {
    let mut magic = [0; 4];
    input.read_exact(&mut magic)?;
    match &magic {
        b"HG20" => {}
        // Before bundles had parts, a changegroup came as it is: what was read is the length of its first chunk.
        [0, ..] => {
            let mut whole = (&magic[..]).chain(input);
            return take(Changegroup::new(&mut whole, Version::V1));
        }
        _ => return broken("what the server sends is no bundle"),
    }
    stream_params(&mut input)?;
    while let Some(part) = next_part(&mut input)? {
        if let Some(gave_up) = part.gave_up() {
            return broken(gave_up.to_string());
        }
        let mut payload = Payload::new(&mut input);
        if part.kind == "changegroup" {
            let name = part.params.get("version").map_or(&b"01"[..], Vec::as_slice);
            let Some(version) = Version::parse(name) else {
                let name = String::from_utf8_lossy(name);
                return Err(HgError::Unsupported(format!("the server sends changegroups of form {name}")));
            };
            if part.params.get("treemanifest").is_some_and(|value| value == b"1") {
                return Err(HgError::Unsupported("it has a manifest for each directory (treemanifest)".to_owned()));
            }
            take(Changegroup::new(&mut payload, version))?;
        } else if part.is_mandatory {
            return Err(HgError::Unsupported(format!("the server sends a part {:?}", part.kind)));
        }
        std::io::copy(&mut payload, &mut std::io::sink())?;
    }
    Ok(())
}
