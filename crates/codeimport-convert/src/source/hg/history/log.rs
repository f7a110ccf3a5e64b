//! Records that are only ever added. Pure.

/// Bytes after which a piece is full. So much is written anew by each run, at most.
const PIECE: usize = 256 << 10;

/// A growing sequence of bytes, cut into pieces between records.
#[derive(Default)]
pub(super) struct Log {
    pieces: Vec<Vec<u8>>,
}

impl Log {
    /// From the pieces of one.
    pub(super) fn of(pieces: Vec<Vec<u8>>) -> Self {
        Self { pieces }
    }

    /// Adds a record.
    pub(super) fn push(&mut self, record: &[&[u8]]) {
        match self.pieces.last_mut() {
            Some(last) if last.len() < PIECE => last.extend(record.iter().copied().flatten()),
            _ => self.pieces.push(record.concat()),
        }
    }

    /// The pieces that never change again.
    pub(super) fn full(&self) -> &[Vec<u8>] {
        let open = self.pieces.last().is_some_and(|last| last.len() < PIECE);
        &self.pieces[..self.pieces.len() - usize::from(open)]
    }

    /// The piece under way; none if there is nothing in it.
    pub(super) fn open(&self) -> Option<&[u8]> {
        self.pieces.get(self.full().len()).map(Vec::as_slice)
    }
}

/// Reads the fields of records one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    /// The next twenty bytes.
    pub(super) fn name(&mut self) -> Option<[u8; 20]> {
        let (name, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*name)
    }

    /// The next four bytes as a number, and as many bytes behind it.
    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let (len, rest) = self.0.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*len)).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    /// Whether there are no more records.
    pub(super) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }
}

/// The length that stands before bytes. What is longer than 32 bits can say has come in no chunk.
pub(super) fn len_of(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_pieces_stay_as_they_are_whatever_is_added() {
        let mut log = Log::default();
        let record = vec![7; 1_000];
        let mut full: Vec<Vec<u8>> = Vec::new();
        for _ in 0..1_000 {
            log.push(&[&record]);
            assert!(log.full().starts_with(&full));
            full = log.full().to_vec();
        }
        assert!(full.len() > 2 && log.open().is_some());
        let again = Log::of([full, log.open().map(<[u8]>::to_vec).into_iter().collect()].concat());
        assert_eq!((again.full().len(), again.open()), (log.full().len(), log.open()));
    }

    #[test]
    fn fields_end_where_the_record_ends() {
        let record = [&[1; 20][..], &len_of(b"text"), b"text"].concat();
        let mut fields = Fields(&record);
        assert_eq!((fields.name(), fields.bytes(), fields.is_at_end()), (Some([1; 20]), Some(&b"text"[..]), true));
        assert_eq!(Fields(&record[..22]).name().and(Fields(&record[20..27]).bytes()), None);
    }
}
