//! Rows of a table that only grows. A list in one piece moves whenever it has grown out of its place, and leaves a hole there; this one
//! takes another piece.

use std::ops::Index;

/// Rows in a piece.
const PIECE: usize = 256;

/// All rows.
pub(crate) struct Rows<T>(Vec<Vec<T>>);

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Rows<T> {
    pub(crate) fn len(&self) -> usize {
        self.0.last().map_or(0, |last| (self.0.len() - 1) * PIECE + last.len())
    }

    pub(crate) fn push(&mut self, row: T) {
        match self.0.last_mut().filter(|last| last.len() < PIECE) {
            Some(last) => last.push(row),
            None => {
                let mut piece = Vec::with_capacity(PIECE);
                piece.push(row);
                self.0.push(piece);
            }
        }
    }

    pub(crate) fn get(&self, at: usize) -> Option<&T> {
        self.0.get(at / PIECE)?.get(at % PIECE)
    }

    pub(crate) fn get_mut(&mut self, at: usize) -> Option<&mut T> {
        self.0.get_mut(at / PIECE)?.get_mut(at % PIECE)
    }

    /// The place of the first row for which something does not hold, which holds for all before it and for none behind it.
    pub(crate) fn partition_point(&self, before: impl Fn(&T) -> bool) -> usize {
        let piece = self.0.partition_point(|piece| piece.last().is_some_and(&before));
        let inside = self.0.get(piece).map_or(0, |piece| piece.partition_point(before));
        (piece * PIECE + inside).min(self.len())
    }
}

impl<T> Index<usize> for Rows<T> {
    type Output = T;

    fn index(&self, at: usize) -> &T {
        &self.0[at / PIECE][at % PIECE]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_where_they_were_put_whatever_piece_that_is() {
        let (mut rows, count) = (Rows::default(), 3 * PIECE + 1);
        for at in 0..count {
            assert_eq!(rows.len(), at);
            rows.push(2 * at);
        }
        let all = || (0..count).map(|at| rows[at]);
        assert!(all().eq((0..count).map(|at| 2 * at)));
        for least in [0, 1, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, 2 * PIECE + 2, 2 * count] {
            let expected = all().filter(|row| *row < least).count();
            assert_eq!(rows.partition_point(|row| *row < least), expected, "{least}");
        }
        *rows.get_mut(PIECE).expect("it is there") += 1;
        let edges = [PIECE - 1, PIECE, count - 1].map(|at| rows[at]);
        assert_eq!(edges, [2 * PIECE - 2, 2 * PIECE + 1, 2 * (count - 1)]);
        assert_eq!((rows.get(count).is_none(), rows.get_mut(count).is_none()), (true, true));
    }
}
