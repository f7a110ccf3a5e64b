//! All texts of a file in one pass: down the trunk from its head, and up each branch from where it begins.

use super::delta::{Lines, apply, lines};
use super::lexer::push_undoubled;
use super::{Number, RcsError, RcsFile};
use std::collections::HashSet;
use std::ops::ControlFlow;

/// A revision whose text is known, and the one that comes next.
struct Step<'a> {
    next: Number,
    from: Lines<'a>,
}

impl<'a> RcsFile<'a> {
    /// Hands over the texts of the wanted revisions, in an order of the file's own, until told to stop. Only as much is worked
    /// out as is needed to reach them.
    ///
    /// # Errors
    ///
    /// A wanted revision that is not there, or whose text cannot be worked out.
    pub(in crate::source::cvs) fn texts(
        &self,
        wanted: &HashSet<Number>,
        mut take: impl FnMut(&Number, Vec<u8>) -> ControlFlow<()>,
    ) -> Result<(), RcsError> {
        let needed = self.needed(wanted)?;
        let Some(head) = self.head.clone().filter(|head| needed.contains(head)) else { return Ok(()) };
        let mut seen = HashSet::new();
        let mut todo = vec![Step { next: head, from: Lines::new() }];
        let mut is_first = true;
        while let Some(Step { next, from }) = todo.pop() {
            if !seen.insert(next.clone()) {
                return Err(RcsError::Circle(next));
            }
            let delta = self.deltas.get(&next).ok_or_else(|| RcsError::MissingRevision(next.clone()))?;
            let stored = delta.text.ok_or_else(|| RcsError::MissingText(next.clone()))?;
            let text = if is_first { Some(lines(stored).collect()) } else { apply(&from, stored) };
            let text = text.ok_or_else(|| RcsError::BadDelta(next.clone()))?;
            is_first = false;
            if wanted.contains(&next) && take(&next, join(&text)).is_break() {
                return Ok(());
            }
            let after = delta.branches.iter().chain(&delta.next).filter(|after| needed.contains(*after));
            let after: Vec<_> = after.cloned().collect();
            // The last one goes on with the lines themselves: a file without branches copies none.
            if let Some((last, others)) = after.split_last() {
                todo.extend(others.iter().map(|next| Step { next: next.clone(), from: text.clone() }));
                todo.push(Step { next: last.clone(), from: text });
            }
        }
        match wanted.iter().find(|number| !seen.contains(*number)) {
            Some(number) => Err(RcsError::MissingText(number.clone())),
            None => Ok(()),
        }
    }

    /// The wanted revisions and all on the way to them.
    fn needed(&self, wanted: &HashSet<Number>) -> Result<HashSet<Number>, RcsError> {
        let before = self
            .deltas
            .iter()
            .flat_map(|(number, delta)| delta.branches.iter().chain(&delta.next).map(move |after| (after, number)));
        let before: std::collections::HashMap<_, _> = before.collect();
        let mut needed = HashSet::new();
        for number in wanted {
            if !self.deltas.contains_key(number) {
                return Err(RcsError::MissingRevision(number.clone()));
            }
            let mut way = Some(number);
            // One that is needed already has all before it, too.
            while let Some(number) = way.filter(|number| needed.insert((*number).clone())) {
                way = before.get(number).copied();
            }
        }
        Ok(needed)
    }
}

fn join(text: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(text.iter().map(|line| line.len()).sum());
    for line in text {
        push_undoubled(&mut joined, line);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"head 1.3; access; symbols; locks; comment @# @;
1.3 date 2003.01.01.00.00.03; author a; state Exp; branches; next 1.2;
1.2 date 2003.01.01.00.00.02; author a; state Exp; branches 1.2.2.1 1.2.4.1; next 1.1;
1.1 date 2003.01.01.00.00.01; author a; state Exp; branches; next ;
1.2.2.1 date 2003.01.01.00.00.04; author a; state Exp; branches 1.2.2.1.2.1; next 1.2.2.2;
1.2.2.2 date 2003.01.01.00.00.05; author a; state Exp; branches; next ;
1.2.2.1.2.1 date 2003.01.01.00.00.06; author a; state Exp; branches; next ;
1.2.4.1 date 2003.01.01.00.00.07; author a; state Exp; branches; next ;
desc @@
1.3 log @@ text @a@@b
3
@
1.2 log @@ text @d2 1
a2 1
2
@
1.1 log @@ text @d2 1
@
1.2.2.1 log @@ text @a2 1
branch
@
1.2.2.2 log @@ text @a3 1
more@
1.2.2.1.2.1 log @@ text @d1 1
@
1.2.4.1 log @@ text @d1 2
@
";

    fn number(text: &str) -> Number {
        Number::parse(text.as_bytes()).expect(text)
    }

    fn texts(file: &[u8], wanted: &[&str]) -> Result<Vec<(String, String)>, RcsError> {
        let mut texts = Vec::new();
        let wanted = wanted.iter().map(|text| number(text)).collect();
        RcsFile::parse(file)?.texts(&wanted, |number, text| {
            texts.push((number.to_string(), String::from_utf8(text).expect("text")));
            ControlFlow::Continue(())
        })?;
        texts.sort();
        Ok(texts)
    }

    #[test]
    fn all_texts_come_in_one_pass() {
        let all = ["1.1", "1.2", "1.3", "1.2.2.1", "1.2.2.2", "1.2.2.1.2.1", "1.2.4.1"];
        let expected = [
            ("1.1", "a@b\n"),
            ("1.2", "a@b\n2\n"),
            ("1.2.2.1", "a@b\n2\nbranch\n"),
            ("1.2.2.1.2.1", "2\nbranch\n"),
            ("1.2.2.2", "a@b\n2\nbranch\nmore"),
            ("1.2.4.1", ""),
            ("1.3", "a@b\n3\n"),
        ];
        let expected: Vec<_> =
            expected.iter().map(|(number, text)| ((*number).to_owned(), (*text).to_owned())).collect();
        assert_eq!(texts(FILE, &all), Ok(expected.clone()));
        assert_eq!(texts(FILE, &["1.2.4.1"]), Ok(vec![expected[5].clone()]));
    }

    #[test]
    fn damage_is_found_only_where_it_is_in_the_way() {
        let text = std::str::from_utf8(FILE).expect("text");
        let without_text = text.replace("1.2.2.1 log @@ text @a2 1\nbranch\n@", "");
        assert_eq!(texts(without_text.as_bytes(), &["1.2.2.2"]), Err(RcsError::MissingText(number("1.2.2.1"))));
        assert_eq!(texts(without_text.as_bytes(), &["1.1"]).map(|texts| texts.len()), Ok(1));
        let misfit = text.replace("a3 1\nmore", "a9 1\nmore");
        assert_eq!(texts(misfit.as_bytes(), &["1.2.2.2"]), Err(RcsError::BadDelta(number("1.2.2.2"))));
        assert_eq!(texts(FILE, &["1.9"]), Err(RcsError::MissingRevision(number("1.9"))));
        let circle = text.replace("branches; next ;\n1.2.2.1 ", "branches; next 1.3;\n1.2.2.1 ");
        assert_eq!(texts(circle.as_bytes(), &["1.1", "1.3"]), Err(RcsError::Circle(number("1.3"))));
    }
}
