//! Rows in bulk: PostgreSQL's binary COPY, several times as fast as INSERT.

use crate::{DbError, Tx, client::within};
use futures_util::SinkExt as _;
use std::pin::pin;
use tokio_postgres::CopyInSink;

/// What a binary COPY begins with: signature, no flags, no extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;

/// Rows for [`Tx::copy_in`]. The types of their values must be exactly those of the columns: the server does not convert.
#[derive(Debug)]
pub struct CopyRows {
    bytes: Vec<u8>,
    columns: i16,
}

impl CopyRows {
    /// No rows yet, with room for so many bytes. Each row will have so many values.
    #[must_use]
    pub fn new(columns: i16, capacity: usize) -> Self {
        let mut bytes = Vec::with_capacity(HEAD.len() + capacity);
        bytes.extend(HEAD);
        Self { bytes, columns }
    }

    /// Begins a row; all its values must follow.
    pub fn begin_row(&mut self) -> &mut Self {
        self.bytes.extend(self.columns.to_be_bytes());
        self
    }

    /// A value of type `bigint`.
    pub fn bigint(&mut self, value: i64) -> &mut Self {
        self.value(&value.to_be_bytes())
    }

    /// A value of type `integer`.
    pub fn integer(&mut self, value: i32) -> &mut Self {
        self.value(&value.to_be_bytes())
    }

    /// A value of type `bytea`, or of type `text` without NUL. At most 1 GB, as everywhere in PostgreSQL.
    pub fn value(&mut self, value: &[u8]) -> &mut Self {
        self.bytes.extend(i32::try_from(value.len()).unwrap_or(i32::MAX).to_be_bytes());
        self.bytes.extend(value);
        self
    }
}

impl Tx<'_> {
    /// Adds rows by a statement `COPY table (columns) FROM STDIN (FORMAT binary)`; returns how many.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute); then none was added.
    pub async fn copy_in(&self, sql: &str, mut rows: CopyRows) -> Result<u64, DbError> {
        rows.bytes.extend(TRAILER.to_be_bytes());
        let call = async {
            let statement = self.prepare(sql).await?;
            let sink: CopyInSink<std::io::Cursor<Vec<u8>>> = self.inner.copy_in(&statement).await?;
            let mut sink = pin!(sink);
            sink.send(std::io::Cursor::new(rows.bytes)).await?;
            sink.finish().await
        };
        self.note(within(self.answer_within, call).await)
    }
}
