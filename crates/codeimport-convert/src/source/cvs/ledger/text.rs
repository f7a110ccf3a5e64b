//! The text of a ledger, and its pieces.

use super::Ledger;

/// A piece of the text ends with the first line that makes it this long: so much is written anew by each increment, at most.
const PIECE: usize = 1 << 17;

impl Ledger {
    /// Takes the pieces of the text that are full: they never change any more. Where they are goes to `stored`.
    pub(in crate::source::cvs) fn take_full(&mut self) -> Vec<Vec<u8>> {
        let (mut pieces, mut begin) = (Vec::new(), 0);
        while let Some(len) = first_piece(&self.text[begin..]) {
            pieces.push(self.text[begin..begin + len].to_vec());
            begin += len;
        }
        if begin > 0 {
            self.text = self.text.split_off(begin);
        }
        pieces
    }

    /// Adds an entry: what it is, its fields, and what else there is of it.
    pub(super) fn note(&mut self, kind: &str, fields: &str, rest: &[u8]) {
        self.text.extend_from_slice(kind.as_bytes());
        for part in [fields.as_bytes(), rest] {
            if !part.is_empty() {
                self.text.push(b' ');
                self.text.extend_from_slice(part);
            }
        }
        self.text.push(b'\n');
    }
}

/// How long the first piece of a text is, if it is full.
fn first_piece(text: &[u8]) -> Option<usize> {
    let late = text.get(PIECE..)?;
    Some(PIECE + late.iter().position(|b| *b == b'\n')? + 1)
}

#[cfg(test)]
mod tests {
    use super::super::{KnownCommit, KnownRevision, Ledger, LedgerReader};
    use crate::source::cvs::place::LineName;
    use crate::source::cvs::rcs::Number;
    use gix::ObjectId;

    /// Adds a file, and with every thousandth one a commit that shows all that none has shown.
    fn grow(ledger: &mut Ledger, file: u32) {
        assert_eq!(ledger.file(format!("{file:0100}").as_bytes()), file);
        let number = Number::parse(b"1.1").expect("a number");
        let known = KnownRevision { file, seconds: 0, content: None };
        ledger.push_revision(&number, known, None).expect("there is room");
        if file % 1_000 == 999 {
            let id = ObjectId::null(gix::hash::Kind::Sha1);
            let shows: Vec<_> = (file - 999..=file).map(|file| (file, Some(file))).collect();
            ledger.add_commit(KnownCommit { id, tree: id, line: 0, seconds: 0 }, &shows).expect("there is room");
        }
    }

    #[test]
    fn pieces_that_are_taken_as_it_grows_are_those_of_the_whole_text_and_can_be_read() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let (mut taken, mut whole, mut pieces) = (Ledger::new(dir.path()), Ledger::new(dir.path()), Vec::new());
        for ledger in [&mut taken, &mut whole] {
            ledger.begin_line(LineName::Trunk, None);
        }
        for file in 0..20_000 {
            grow(&mut taken, file);
            grow(&mut whole, file);
            pieces.extend(taken.take_full());
        }
        assert_eq!((whole.take_full(), &whole.text), (pieces.clone(), &taken.text));
        assert!(pieces.iter().any(|piece| piece.starts_with(b"show")), "one begins within a commit");
        let (mut reader, mut again) = (LedgerReader::new(dir.path()), Vec::new());
        for piece in pieces.iter().chain([&taken.text]) {
            reader.take(piece).expect("what was written");
            again.extend(reader.ledger.take_full());
        }
        let mut read = reader.finish().expect("there is room");
        again.extend(read.take_full());
        assert_eq!((again == pieces, read.text == taken.text), (true, true));
        assert_eq!((read.commit_count(), read.manifest(0)), (taken.commit_count(), taken.manifest(0)));
    }
}
