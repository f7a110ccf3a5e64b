//! A set of commit numbers as spans, newest first.
//!
//! Every number of a span is that of a commit: so a page is as long as it should be. In the database a set is a series of
//! variable-length integers (seven bits a byte, least significant first, the high bit says that more follow): of each span the distance from the span before, then its length less one.

use std::cmp::Reverse;

/// Numbers from `low` to `high`, both included.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Span {
    /// The lowest.
    pub low: i64,
    /// The highest.
    pub high: i64,
}

/// A set of commit numbers: spans from high to low that do not touch.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spans(Vec<Span>);

/// A part of a set that a page is looked for in.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Window {
    /// Newest first.
    pub spans: Vec<Span>,
    /// Whether the set goes on below.
    pub more: bool,
}

impl Window {
    /// The number to go on below; none at the end of the set.
    #[must_use]
    pub fn next_before(&self) -> Option<i64> {
        self.spans.last().filter(|_| self.more).map(|span| span.low)
    }
}

impl Spans {
    /// The set of these spans, which may come in any order and overlap.
    #[must_use]
    pub fn new(mut spans: Vec<Span>) -> Self {
        spans.sort_by_key(|span| Reverse(span.high));
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(above) if span.high.saturating_add(1) >= above.low => above.low = above.low.min(span.low),
                _ => merged.push(span),
            }
        }
        Self(merged)
    }

    /// The spans, newest first.
    #[must_use]
    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }

    /// How many numbers are in it.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.0.iter().map(|span| span.high - span.low + 1).sum()
    }

    /// Everything that is in one of them.
    #[must_use]
    pub fn union<'a>(sets: impl IntoIterator<Item = &'a Self>) -> Self {
        Self::new(sets.into_iter().flat_map(|set| set.0.iter().copied()).collect())
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn contains(&self, number: i64) -> bool {
        let at = self.0.partition_point(|span| span.low > number);
        self.0.get(at).is_some_and(|span| number <= span.high)
    }

    /// The part that is not in another set.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        for span in &self.0 {
            let mut high = span.high;
            for out in &other.within(span.low, span.high).0 {
                left.push(Span { low: out.high + 1, high });
                high = out.low - 1;
            }
            left.push(Span { low: span.low, high });
        }
        left.retain(|span| span.low <= span.high);
        Self(left)
    }

    /// The part from `low` to `high`.
    #[must_use]
    pub fn within(&self, low: i64, high: i64) -> Self {
        let cut = |span: &Span| Span { low: span.low.max(low), high: span.high.min(high) };
        Self(self.0.iter().map(cut).filter(|span| span.low <= span.high).collect())
    }

    /// The newest `size` numbers below `before`.
    #[must_use]
    pub fn window(&self, before: i64, size: u32) -> Window {
        let mut window = Window::default();
        let mut room = i64::from(size);
        let first = self.0.partition_point(|span| span.low >= before);
        for span in &self.0[first..] {
            if room == 0 {
                window.more = true;
                break;
            }
            let high = span.high.min(before.saturating_sub(1));
            let low = span.low.max(high.saturating_sub(room - 1));
            window.spans.push(Span { low, high });
            window.more = low > span.low;
            room -= high - low + 1;
        }
        window
    }

    /// As the database keeps it.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 3);
        let mut above = i64::MAX;
        for span in &self.0 {
            put(&mut bytes, above.abs_diff(span.high));
            put(&mut bytes, span.high.abs_diff(span.low));
            above = span.low;
        }
        bytes
    }

    /// Reads what [`encode`](Self::encode) wrote; none if it was something else that did.
    #[must_use]
    pub fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut spans = Vec::new();
        let mut above = i64::MAX;
        while !bytes.is_empty() {
            let high = above.checked_sub(take(&mut bytes)?)?;
            let low = high.checked_sub(take(&mut bytes)?)?;
            spans.push(Span { low, high });
            above = low;
        }
        Some(Self(spans))
    }
}

fn put(bytes: &mut Vec<u8>, mut value: u64) {
    loop {
        let low = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}

fn take(bytes: &mut &[u8]) -> Option<i64> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return i64::try_from(value).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(spans: &[(i64, i64)]) -> Spans {
        Spans::new(spans.iter().map(|(low, high)| Span { low: *low, high: *high }).collect())
    }

    fn window(set: &Spans, before: i64, size: u32) -> (Vec<(i64, i64)>, Option<i64>) {
        let window = set.window(before, size);
        (window.spans.iter().map(|span| (span.low, span.high)).collect(), window.next_before())
    }

    #[test]
    fn runs_that_touch_are_one() {
        assert_eq!(spans(&[(1, 3), (4, 6), (10, 12), (11, 20)]).as_slice(), spans(&[(10, 20), (1, 6)]).as_slice());
        assert_eq!(Spans::union([&spans(&[(1, 2)]), &spans(&[(3, 9)])]), spans(&[(1, 9)]));
    }

    #[test]
    fn a_number_is_found_in_its_run() {
        let set = spans(&[(1, 3), (7, 7), (10, 12)]);
        let inside: Vec<i64> = (0..15).filter(|number| set.contains(*number)).collect();
        assert_eq!(inside, [1, 2, 3, 7, 10, 11, 12]);
        assert_eq!(set.within(3, 10), spans(&[(3, 3), (7, 7), (10, 10)]));
    }

    #[test]
    fn what_is_in_another_set_is_taken_out() {
        let set = spans(&[(1, 10), (20, 30)]);
        assert_eq!(set.without(&spans(&[(1, 2), (5, 5), (9, 22), (30, 40)])), spans(&[(3, 4), (6, 8), (23, 29)]));
        assert_eq!(set.without(&Spans::default()), set);
        assert_eq!(set.without(&spans(&[(0, 99)])), Spans::default());
    }

    #[test]
    fn windows_follow_each_other_without_gap_or_overlap() {
        let set = spans(&[(1, 3), (7, 7), (10, 12)]);
        assert_eq!(window(&set, i64::MAX, 2), (vec![(11, 12)], Some(11)));
        assert_eq!(window(&set, 11, 2), (vec![(10, 10), (7, 7)], Some(7)));
        assert_eq!(window(&set, 7, 3), (vec![(1, 3)], None));
        assert_eq!(window(&set, 1, 3), (vec![], None));
        assert_eq!(window(&set, 4, 3), (vec![(1, 3)], None), "a page that ends with the set is the last");
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else_is() {
        for set in [spans(&[]), spans(&[(1, 1)]), spans(&[(1, 1_000_000), (1_000_300, 5_000_000_000)])] {
            assert_eq!(Spans::decode(&set.encode()), Some(set));
        }
        assert_eq!(Spans::decode(&[0x80]), None);
        assert_eq!(Spans::decode(&[0xff; 20]), None);
    }
}
