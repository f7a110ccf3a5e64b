//! Tells of most objects that are in no pack that they are in none, without looking: a Bloom filter of one size, so that memory
//! does not grow with the repository. In a very large one it knows less, and more is looked for.

use gix::ObjectId;

/// Bits of the filter: 2 MB.
const BITS: usize = 1 << 24;

/// Bits that each object sets. With a million objects, which have some 100,000 revisions, one object in four hundred that is nowhere is looked for.
const BITS_EACH: usize = 4;

/// What was put in, and a little more.
pub(super) struct Filter(Vec<u64>);

impl Filter {
    pub(super) fn empty() -> Self {
        Self(vec![0; BITS / 64])
    }

    pub(super) fn put(&mut self, id: &ObjectId) {
        places(id).for_each(|(word, bit)| self.0[word] |= bit);
    }

    /// False: was never put in.
    pub(super) fn may_have(&self, id: &ObjectId) -> bool {
        places(id).all(|(word, bit)| self.0[word] & bit != 0)
    }
}

/// Word and bit for each of an object's marks. A name is a hash already: its parts are.
fn places(id: &ObjectId) -> impl Iterator<Item = (usize, u64)> {
    let parts = id.as_bytes().as_chunks::<4>().0.iter().take(BITS_EACH);
    parts.map(|part| u32::from_le_bytes(*part) as usize % BITS).map(|place| (place / 64, 1 << (place % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::object_id;
    use gix::objs::Kind;

    #[test]
    fn what_was_put_in_is_never_denied_and_what_was_not_nearly_always() {
        let id = |n: u32| object_id(Kind::Blob, &n.to_be_bytes());
        let mut filter = Filter::empty();
        (0..100_000).for_each(|n| filter.put(&id(n)));
        assert!((0..100_000).all(|n| filter.may_have(&id(n))));
        let wrong = (100_000..200_000).filter(|n| filter.may_have(&id(*n))).count();
        assert!(wrong < 100, "{wrong}");
    }
}
