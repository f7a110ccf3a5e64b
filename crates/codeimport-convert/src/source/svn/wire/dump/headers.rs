//! The header lines of one record.

/// Most header lines that a record may have, and the longest line: real records have a dozen short ones.
pub(crate) const MAX_LINES: usize = 64;
pub(crate) const MAX_LINE: usize = 64 << 10;

/// The headers of one record, in order. Few, so looking one up is a walk.
#[derive(Default, Debug)]
pub(crate) struct Headers(Vec<(Vec<u8>, Vec<u8>)>);

impl Headers {
    /// Adds a line `Name: value`; false if it is none.
    pub(crate) fn push(&mut self, line: &[u8]) -> bool {
        let Some(colon) = line.windows(2).position(|pair| pair == b": ") else { return false };
        self.0.push((line[..colon].to_vec(), line[colon + 2..].to_vec()));
        true
    }

    /// Whether there is none yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The value of a header.
    pub(crate) fn get(&self, name: &str) -> Option<&[u8]> {
        self.0.iter().find(|(n, _)| n == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    /// The value of a header that is a number; `Err` with its name if it is something else.
    pub(crate) fn number<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        number.map(Some).ok_or_else(|| format!("{name} is not a number"))
    }

    /// Whether a header says `true`.
    pub(crate) fn is_true(&self, name: &str) -> bool {
        self.get(name) == Some(b"true")
    }
}
