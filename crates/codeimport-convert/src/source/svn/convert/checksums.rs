//! MD5 sums that the source gives for texts: each text is hashed once, when it comes.
//!
//! A delta names the sum of its base too. The base came earlier, and was hashed then; as long as its sum is remembered,
//! comparing is enough, because the object's id stands for the very same bytes.

use crate::recall::Recall;
use gix::ObjectId;
use md5::{Digest as _, Md5};

/// Sums that are remembered at least, at some 60 bytes each. Others are worked out again where they are named.
const MEMORY: usize = 14_000;

/// A sum in lower-case hexadecimal digits.
pub(crate) type Md5Digits = [u8; 32];

/// The sums of texts that were checked lately.
pub(crate) struct Checksums(Recall<ObjectId, Md5Digits>);

impl Default for Checksums {
    fn default() -> Self {
        Self(Recall::new(MEMORY))
    }
}

impl Checksums {
    /// The sum of a text with this id.
    pub(crate) fn of(&mut self, id: ObjectId, content: &[u8]) -> Md5Digits {
        match self.0.get(&id) {
            Some(digits) => digits,
            None => {
                let digits = md5(content);
                self.remember(id, digits);
                digits
            }
        }
    }

    /// Keeps a sum.
    pub(crate) fn remember(&mut self, id: ObjectId, digits: Md5Digits) {
        self.0.put(id, digits);
    }
}

/// The sum of some bytes.
pub(crate) fn md5(content: &[u8]) -> Md5Digits {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let sum: [u8; 16] = Md5::digest(content).into();
    std::array::from_fn(|at| {
        let byte = sum[at / 2];
        DIGITS[usize::from(if at % 2 == 0 { byte >> 4 } else { byte & 15 })]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_the_same_whether_remembered_or_not() {
        let id = crate::objects::object_id(gix::objs::Kind::Blob, b"abc");
        let mut sums = Checksums::default();
        assert_eq!(&sums.of(id, b"abc"), b"900150983cd24fb0d6963f7d28e17f72");
        assert_eq!(sums.of(id, b"abc"), md5(b"abc"));
    }
}
