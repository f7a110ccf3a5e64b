//! Base64 that comes in pieces, with line ends in between. Pure.

use base64::{Engine as _, prelude::BASE64_STANDARD};

/// Decodes pieces as they come.
#[derive(Default)]
pub(super) struct Decoder {
    /// Characters that are not a whole group of four yet.
    rest: Vec<u8>,
    /// Whether the padding was there, behind which nothing may come.
    is_ended: bool,
}

impl Decoder {
    /// Decodes what is whole; `None` if this is no base64.
    pub(super) fn decode(&mut self, piece: &[u8]) -> Option<Vec<u8>> {
        self.rest.extend(piece.iter().filter(|byte| !byte.is_ascii_whitespace()));
        let whole = self.rest.len() - self.rest.len() % 4;
        if whole == 0 {
            return Some(Vec::new());
        }
        if self.is_ended {
            return None;
        }
        self.is_ended = self.rest[..whole].ends_with(b"=");
        let decoded = BASE64_STANDARD.decode(&self.rest[..whole]).ok()?;
        self.rest.drain(..whole);
        Some(decoded)
    }

    /// Whether all that came was whole.
    pub(super) fn is_whole(&self) -> bool {
        self.rest.is_empty()
    }
}

/// Decodes all at once.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut decoder = Decoder::default();
    decoder.decode(text.as_bytes()).filter(|_| decoder.is_whole())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pieces_give_the_same_as_the_whole(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 1usize..50) {
            let text = BASE64_STANDARD.encode(&bytes).replace('A', "A\n");
            let mut decoder = Decoder::default();
            let pieces = text.as_bytes().chunks(cut).map(|piece| decoder.decode(piece).expect("base64"));
            let in_pieces = pieces.collect::<Vec<_>>().concat();
            prop_assert!(decoder.is_whole());
            prop_assert_eq!(&in_pieces, &bytes);
            prop_assert_eq!(decode(&text), Some(bytes));
        }
    }

    #[test]
    fn what_is_no_base64_is_refused() {
        for text in ["A", "AAA", "A!AA", "AA==AAAA", "AA=A"] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
