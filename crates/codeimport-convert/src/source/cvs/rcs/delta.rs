//! One text from the one before: RCS's `d` and `a` commands. Pure.

/// Lines with their line ends, as stored (every `@` doubled).
pub(super) type Lines<'a> = Vec<&'a [u8]>;

/// The lines of a text; the last one may lack its line end.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|b| *b == b'\n')
}

/// Applies a delta. None if it does not fit the lines.
///
/// `d3 2` deletes two lines from the third on, `a3 2` adds two behind the third; all numbers are of the old text, and rise.
pub(super) fn apply<'a>(old: &[&'a [u8]], delta: &'a [u8]) -> Option<Lines<'a>> {
    let mut new = Vec::with_capacity(old.len());
    let mut copied = 0;
    let mut commands = lines(delta);
    while let Some(command) = commands.next() {
        let (kind, line, count) = parse_command(command)?;
        match kind {
            b'd' => {
                let first = line.checked_sub(1)?;
                new.extend_from_slice(old.get(copied..first)?);
                copied = first.checked_add(count)?;
                if copied > old.len() {
                    return None;
                }
            }
            b'a' => {
                // Behind lines that were deleted just now: nothing is left to copy.
                if line > copied {
                    new.extend_from_slice(old.get(copied..line)?);
                    copied = line;
                }
                for _ in 0..count {
                    new.push(commands.next()?);
                }
            }
            _ => return None,
        }
    }
    new.extend_from_slice(old.get(copied..)?);
    Some(new)
}

fn parse_command(command: &[u8]) -> Option<(u8, usize, usize)> {
    let (kind, numbers) = command.split_first()?;
    let (line, count) = std::str::from_utf8(numbers).ok()?.trim().split_once(' ')?;
    Some((*kind, line.parse().ok()?, count.trim_start().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(old: &str, delta: &str) -> Option<String> {
        let old: Lines<'_> = lines(old.as_bytes()).collect();
        apply(&old, delta.as_bytes()).map(|new| String::from_utf8(new.concat()).expect("text"))
    }

    #[test]
    fn lines_are_deleted_and_added() {
        let cases = [
            ("a\nb\nc\n", "", "a\nb\nc\n"),
            ("a\nb\nc\n", "d2 1\n", "a\nc\n"),
            ("a\nb\nc\n", "d1 1\na1 2\nx\ny\nd3 1\n", "x\ny\nb\n"),
            ("", "a0 1\nx", "x"),
            ("a\n", "a1 1\nb", "a\nb"),
            ("a\nb", "d2 1\na2 1\nb\n", "a\nb\n"),
        ];
        for (old, delta, new) in cases {
            assert_eq!(applied(old, delta).as_deref(), Some(new), "{delta}");
        }
    }

    #[test]
    fn a_delta_that_does_not_fit_is_refused() {
        for delta in [
            "d3 1\n",
            "d1 9\n",
            "d0 1\n",
            "a9 1\nx\n",
            "a1 2\nx\n",
            "x1 1\n",
            "d2 1\nd1 1\n",
            "d\n",
            "d1\n",
            "d1 99999999999999999999\n",
        ] {
            assert_eq!(applied("a\nb\n", delta), None, "{delta}");
        }
    }
}
