//! The property block of a record: `K`, `V` and `D` lines, each with the length of what follows.

/// What a record does to one property.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum PropValue {
    /// Sets it to these bytes.
    Set(Vec<u8>),
    /// Removes it.
    Deleted,
}

/// What a record says of its node's properties.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct PropChanges {
    /// Names with what becomes of them, in the order of the stream.
    pub(crate) changes: Vec<(Vec<u8>, PropValue)>,
    /// Whether only changes are listed. Otherwise these are all properties there are.
    pub(crate) is_delta: bool,
}

impl PropChanges {
    /// The value that a property is set to here.
    #[must_use]
    pub(crate) fn set(&self, name: &str) -> Option<&[u8]> {
        self.changes.iter().rev().find_map(|(n, value)| match value {
            PropValue::Set(bytes) if n == name.as_bytes() => Some(bytes.as_slice()),
            _ => None,
        })
    }

    /// What becomes of a property: set, removed, or (`None`) left as it is.
    #[must_use]
    pub(crate) fn change(&self, name: &str) -> Option<&PropValue> {
        let named = self.changes.iter().rev().find(|(n, _)| n == name.as_bytes()).map(|(_, value)| value);
        // A full list that does not have it removes it.
        if self.is_delta { named } else { named.or(Some(&PropValue::Deleted)) }
    }

    /// Reads a block, from its first byte to `PROPS-END`.
    ///
    /// # Errors
    ///
    /// What breaks the format.
    pub(crate) fn parse(mut block: &[u8], is_delta: bool) -> Result<Self, String> {
        let mut changes = Vec::new();
        loop {
            let line = take_line(&mut block)?;
            if line == b"PROPS-END" {
                return Ok(Self { changes, is_delta });
            }
            let (kind, name) = (line.first().copied(), counted(line, &mut block)?);
            match kind {
                Some(b'K') => {
                    let line = take_line(&mut block)?;
                    if line.first() != Some(&b'V') {
                        return Err("a property has no value".to_owned());
                    }
                    let value = counted(line, &mut block)?;
                    changes.push((name.to_vec(), PropValue::Set(value.to_vec())));
                }
                Some(b'D') => changes.push((name.to_vec(), PropValue::Deleted)),
                _ => return Err("a property line begins with neither K, D nor PROPS-END".to_owned()),
            }
        }
    }
}

fn take_line<'a>(block: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let end = block.iter().position(|b| *b == b'\n').ok_or("properties end early")?;
    let (line, rest) = (&block[..end], &block[end + 1..]);
    *block = rest;
    Ok(line)
}

/// The bytes that a line `X 12` announces, without the line end behind them.
fn counted<'a>(line: &[u8], block: &mut &'a [u8]) -> Result<&'a [u8], String> {
    let count = line.get(2..).and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|text| text.parse().ok());
    let count: usize = count.ok_or("a property line has no length")?;
    let (bytes, rest) = block.split_at_checked(count).ok_or("a property is longer than its block")?;
    *block = rest.strip_prefix(b"\n").ok_or("a property has another length than it announces")?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_may_hold_anything() {
        let block = b"K 3\na\nb\nV 4\n\n\0V \nD 1\nx\nK 1\ne\nV 0\n\nPROPS-END\n";
        let props = PropChanges::parse(block, true).expect("well-formed");
        assert_eq!(props.set("a\nb"), Some(&b"\n\0V "[..]));
        assert_eq!(props.set("e"), Some(&b""[..]));
        assert_eq!((props.change("x"), props.change("y")), (Some(&PropValue::Deleted), None));
    }

    #[test]
    fn a_full_list_removes_what_it_does_not_name() {
        let props = PropChanges::parse(b"PROPS-END\n", false).expect("well-formed");
        assert_eq!(props.change("svn:executable"), Some(&PropValue::Deleted));
    }

    #[test]
    fn damage_is_an_error() {
        for block in [
            &b""[..],
            b"K 1\na\n",
            b"K 9\na\nV 1\nb\nPROPS-END\n",
            b"K x\n",
            b"Q 1\na\n",
            b"K 1\na\nK 1\nb\n",
            b"K 1\nab\nV 0\n\n",
        ] {
            assert!(PropChanges::parse(block, true).is_err(), "{block:?}");
        }
    }
}
