//! Which objects there may be. Most objects that are asked for are new, and they are in no pack: a Bloom filter tells so without
//! looking. It is as large as its objects need, up to a size where it begins to know less, and more is looked for.

use gix::ObjectId;

/// Bits for each object. Of those that are nowhere, one in four hundred is looked for.
const BITS_FOR_EACH: usize = 16;

/// Bits that each object sets.
const BITS_EACH: usize = 4;

/// Most bits of a filter: 2 MB, enough for a million objects, which have some 100,000 revisions.
const MOST_BITS: usize = 1 << 24;

/// What was put in, and a little more.
pub(super) struct Filter(Vec<u64>);

impl Filter {
    /// An empty one for so many objects.
    pub(super) fn with_room(objects: usize) -> Self {
        let bits = objects.saturating_mul(BITS_FOR_EACH).clamp(64, MOST_BITS).next_power_of_two();
        Self(vec![0; bits / 64])
    }

    /// Whether it is large enough for so many objects, or as large as any.
    pub(super) fn has_room(&self, objects: usize) -> bool {
        objects.saturating_mul(BITS_FOR_EACH).min(MOST_BITS) <= self.bits()
    }

    pub(super) fn put(&mut self, id: &ObjectId) {
        places(id, self.bits()).for_each(|(word, bit)| self.0[word] |= bit);
    }

    /// False: was never put in.
    pub(super) fn may_have(&self, id: &ObjectId) -> bool {
        places(id, self.bits()).all(|(word, bit)| self.0[word] & bit != 0)
    }

    fn bits(&self) -> usize {
        self.0.len() * 64
    }
}

/// Word and bit for each of an object's marks among so many bits. A name is a hash already: its parts are.
fn places(id: &ObjectId, bits: usize) -> impl Iterator<Item = (usize, u64)> {
    let parts = id.as_bytes().as_chunks::<4>().0.iter().take(BITS_EACH);
    parts.map(move |part| u32::from_le_bytes(*part) as usize % bits).map(|place| (place / 64, 1 << (place % 64)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::object_id;
    use gix::objs::Kind;

    #[test]
    fn what_was_put_in_is_never_denied_and_what_was_not_nearly_always() {
        let id = |n: u32| object_id(Kind::Blob, &n.to_be_bytes());
        for count in [1, 70, 4_000, 100_000] {
            let mut filter = Filter::with_room(count as usize);
            (0..count).for_each(|n| filter.put(&id(n)));
            assert!((0..count).all(|n| filter.may_have(&id(n))));
            let wrong = (count..count + 100_000).filter(|n| filter.may_have(&id(*n))).count();
            assert!(wrong < 400, "{wrong} with {count}");
        }
    }

    #[test]
    fn a_filter_has_room_for_what_it_was_made_for_and_none_grows_without_end() {
        let made_for_few = Filter::with_room(1_000);
        assert!(made_for_few.has_room(1_000) && !made_for_few.has_room(2_000));
        let largest = Filter::with_room(usize::MAX);
        assert!(largest.has_room(usize::MAX) && largest.bits() == MOST_BITS);
    }
}
