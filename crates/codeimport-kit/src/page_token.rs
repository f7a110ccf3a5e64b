//! Page tokens: opaque to the caller, bound to the filter they were made for.
//!
//! ```text
//!   byte 0      version, 1
//!   bytes 1..9  first 8 bytes of the filter's SHA-256
//!   bytes 9..n  position: whatever the list needs to go on
//! ```
//! in hex. Not secret and not signed: a made-up token can ask for no more than a list call can.

use ring::digest::{SHA256, digest};

const VERSION: u8 = 1;
const HEAD_LEN: usize = 9;

/// The text is no page token of this list with this filter.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is no page token of this list with this filter: begin again without one")]
pub struct InvalidPageToken;

/// The page size is negative.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("is negative")]
pub struct NegativePageSize;

/// Makes the token that leads to what follows `position`. `filter` is any text that differs where the filters
/// differ; the name of the list belongs into it.
#[must_use]
pub fn encode(filter: &str, position: &str) -> String {
    let mut token = head(filter);
    token.extend(position.as_bytes());
    hex::encode(token)
}

/// The position in a token; none for the empty token, which means the first page.
///
/// # Errors
///
/// [`InvalidPageToken`] if it was made for another list or filter, or by nobody.
pub fn decode(filter: &str, token: &str) -> Result<Option<String>, InvalidPageToken> {
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = hex::decode(token).map_err(|_| InvalidPageToken)?;
    let (found, position) = bytes.split_at_checked(HEAD_LEN).ok_or(InvalidPageToken)?;
    if found != head(filter) {
        return Err(InvalidPageToken);
    }
    let position = std::str::from_utf8(position).map_err(|_| InvalidPageToken)?;
    // Positions go into queries, where some databases refuse NUL.
    if position.contains('\0') { Err(InvalidPageToken) } else { Ok(Some(position.to_owned())) }
}

/// How many items to return: 0 means `default`, more than `max` means `max`.
///
/// # Errors
///
/// [`NegativePageSize`].
pub fn page_size(wanted: i32, default: u32, max: u32) -> Result<u32, NegativePageSize> {
    match u32::try_from(wanted) {
        Ok(0) => Ok(default),
        Ok(size) => Ok(size.min(max)),
        Err(_) => Err(NegativePageSize),
    }
}

fn head(filter: &str) -> Vec<u8> {
    let digest = digest(&SHA256, filter.as_bytes());
    let mut head = vec![VERSION];
    head.extend(&digest.as_ref()[..HEAD_LEN - 1]);
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_back_to_its_position() {
        assert_eq!(decode("imports", &encode("imports", "ripgrep-x")), Ok(Some("ripgrep-x".to_owned())));
        assert_eq!(decode("imports", ""), Ok(None));
    }

    #[test]
    fn a_token_of_another_filter_is_refused() {
        assert_eq!(decode("imports", &encode("events", "7")), Err(InvalidPageToken));
        for token in ["x", "00", "zz", &"0".repeat(40), &encode("imports", "a\0b")] {
            assert_eq!(decode("imports", token), Err(InvalidPageToken), "{token}");
        }
    }

    #[test]
    fn page_sizes_stay_within_bounds() {
        assert_eq!(page_size(0, 50, 500), Ok(50));
        assert_eq!(page_size(7, 50, 500), Ok(7));
        assert_eq!(page_size(9_999, 50, 500), Ok(500));
        assert_eq!(page_size(-1, 50, 500), Err(NegativePageSize));
    }
}
