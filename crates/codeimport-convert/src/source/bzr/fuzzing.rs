//! What the fuzz targets run.

use super::converter::Converter;
use super::ledger::Ledger;
use super::stream::{Record, RecordReader};
use crate::SourceOptions;
use crate::objects::ObjectStore;
use std::path::Path;

/// Converts what an exporter tells, whatever it is, into a repository.
pub(crate) fn convert_stream(repository: &Path, stream: &[u8]) {
    let options = SourceOptions::default();
    let store = ObjectStore::open(repository).expect("a repository");
    let mut converter = Converter::new(store, Ledger::default(), None, &options);
    let mut reader = RecordReader::new(stream);
    while let Ok(Some(record)) = reader.next() {
        let taken = match record {
            Record::Text(bytes) => converter.text(bytes),
            Record::Revision(revision) => converter.revision(&revision),
            _ => Ok(()),
        };
        if taken.is_err() {
            return;
        }
    }
}

/// Reads what a smart server answers, whatever it is.
pub(crate) fn read_answer(mut said: &[u8]) {
    let _ = super::smart::message::read_answer(&mut said);
}
