//! Objects used lately, so that the next delta's base and the next tree's parent need no disk.

use gix::ObjectId;
use gix::objs::Kind;
use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// An object in memory.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) content: Arc<[u8]>,
}

/// A cache of one size: a ring of bytes that is filled round and round, so that it takes the same memory after a million objects as
/// after a thousand, where a million pieces of their own would leave holes between them.
///
/// What lies where the next object goes is dropped, or, if it was asked for since it came, put in once more ("second chance"):
/// nearly as good as least-recently-used, without a list to relink at every read.
pub(super) struct Recent {
    ring: Vec<u8>,
    /// Where the next object goes.
    next: usize,
    places: HashMap<ObjectId, Place>,
    /// As they lie in the ring, from the one that `next` comes to first.
    order: VecDeque<ObjectId>,
}

/// Where an object lies, and whether it was asked for.
struct Place {
    kind: Kind,
    bytes: Range<usize>,
    used: bool,
}

/// Bytes of the ring for each object that it may hold: the table of small ones must not outgrow it.
const BYTES_EACH: usize = 512;

impl Recent {
    pub(super) fn new(size: usize) -> Self {
        // The system gives memory when it is written to: what a short conversion does not need costs nothing.
        Self { ring: vec![0; size], next: 0, places: HashMap::new(), order: VecDeque::new() }
    }

    pub(super) fn has(&mut self, id: &ObjectId) -> bool {
        self.places.get_mut(id).map(|place| place.used = true).is_some()
    }

    pub(super) fn get(&mut self, id: &ObjectId) -> Option<Object> {
        let place = self.places.get_mut(id)?;
        place.used = true;
        Some(Object { kind: place.kind, content: self.ring[place.bytes.clone()].into() })
    }

    pub(super) fn put(&mut self, id: ObjectId, object: &Object) {
        // One that would push out most others is not worth it.
        if object.content.len() > self.ring.len() / 4 || self.places.contains_key(&id) {
            return;
        }
        let mut again = self.write(id, object.kind, &object.content);
        // Each of these was used once for this, so there is an end to it.
        while let Some((id, object)) = again.pop_front() {
            again.extend(self.write(id, object.kind, &object.content));
        }
    }

    /// Writes an object, and gives those that lay there and were used.
    fn write(&mut self, id: ObjectId, kind: Kind, content: &[u8]) -> VecDeque<(ObjectId, Object)> {
        let mut again = VecDeque::new();
        if self.next + content.len() > self.ring.len() {
            again.extend(self.make_room(self.next..self.ring.len()));
            self.next = 0;
        }
        let bytes = self.next..self.next + content.len();
        again.extend(self.make_room(bytes.clone()));
        while self.places.len() >= self.ring.len() / BYTES_EACH {
            again.extend(self.drop_first());
        }
        self.ring[bytes.clone()].copy_from_slice(content);
        self.next = bytes.end;
        self.places.insert(id, Place { kind, bytes, used: false });
        self.order.push_back(id);
        again
    }

    fn make_room(&mut self, room: Range<usize>) -> Vec<(ObjectId, Object)> {
        let mut again = Vec::new();
        while self
            .order
            .front()
            .and_then(|id| self.places.get(id))
            .is_some_and(|first| room.contains(&first.bytes.start))
        {
            again.extend(self.drop_first());
        }
        again
    }

    /// Drops the first one; gives it if it was used.
    fn drop_first(&mut self) -> Option<(ObjectId, Object)> {
        let id = self.order.pop_front()?;
        let place = self.places.remove(&id).filter(|place| place.used)?;
        Some((id, Object { kind: place.kind, content: self.ring[place.bytes].into() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> ObjectId {
        ObjectId::Sha1(std::array::from_fn(|i| n.to_be_bytes()[i % 4]))
    }

    fn object(n: u32, len: usize) -> Object {
        Object { kind: Kind::Blob, content: vec![n.to_be_bytes()[3]; len].into() }
    }

    #[test]
    fn what_is_used_stays_longer() {
        let mut recent = Recent::new(10_000);
        for n in 0..100 {
            recent.put(id(n), &object(n, 500));
            assert!(recent.get(&id(0)).is_some(), "asked for all the time");
        }
        assert!(recent.get(&id(1)).is_none());
        assert!(recent.get(&id(98)).is_some());
    }

    #[test]
    fn what_is_given_is_what_was_put_in_whatever_was_dropped_meanwhile() {
        let mut recent = Recent::new(20_000);
        for n in 0..5_000 {
            let len = |n: u32| (n as usize * 7_919) % 3_000;
            recent.put(id(n), &object(n, len(n)));
            for asked in (0..n).rev().step_by(1 + n as usize % 11).take(9) {
                if let Some(found) = recent.get(&id(asked)) {
                    assert_eq!(found.content, object(asked, len(asked)).content, "{asked} after {n}");
                }
            }
            assert!(recent.places.len() <= 20_000 / BYTES_EACH + 1 && recent.places.len() == recent.order.len());
        }
    }

    #[test]
    fn one_that_is_too_large_is_not_kept() {
        let mut recent = Recent::new(10_000);
        recent.put(id(1), &object(1, 2_501));
        assert!(recent.get(&id(1)).is_none());
    }
}
