//! What comes in order from several sources, as one.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

/// What comes from all of these, each of which gives it in order. After an error of one its rest is left out.
pub(crate) fn merge<T: Ord>(sources: Vec<impl Iterator<Item = io::Result<T>>>) -> impl Iterator<Item = io::Result<T>> {
    let mut sources = sources;
    let (mut next, mut failed) = (BinaryHeap::new(), Vec::new());
    let mut to_ask: Vec<_> = (0..sources.len()).collect();
    std::iter::from_fn(move || {
        while let Some(source) = to_ask.pop() {
            match sources[source].next() {
                Some(Ok(item)) => next.push(Reverse((item, source))),
                Some(Err(error)) => failed.push(error),
                None => {}
            }
        }
        if let Some(error) = failed.pop() {
            return Some(Err(error));
        }
        let Reverse((item, source)) = next.pop()?;
        to_ask.push(source);
        Some(Ok(item))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_from_several_sources_comes_in_order() {
        let source = |items: &[u32]| items.iter().copied().map(Ok).collect::<Vec<io::Result<u32>>>().into_iter();
        let merged = merge(vec![source(&[1, 4, 4]), source(&[]), source(&[2, 3, 9]), source(&[0])]);
        let merged: Vec<_> = merged.map(|item| item.expect("no error")).collect();
        assert_eq!(merged, [0, 1, 2, 3, 4, 4, 9]);
    }

    #[test]
    fn an_error_is_told() {
        let sound = vec![Ok(1), Ok(2)].into_iter();
        let broken = vec![Ok(1), Err(io::ErrorKind::UnexpectedEof.into())].into_iter();
        assert!(merge(vec![sound, broken]).any(|item| item.is_err()));
    }
}
