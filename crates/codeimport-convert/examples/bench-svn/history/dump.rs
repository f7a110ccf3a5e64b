//! Writes a Subversion dump file, version 2: whole texts, so that `svnadmin load` needs nothing else.

use super::text::Text;
use std::io::{self, Write};

/// Seconds between two revisions, and the first one's date: 2004-01-01.
const STEP: i64 = 5_000;
const FIRST: i64 = 1_072_915_200;

/// A dump file being written.
pub(crate) struct Dump<W>(pub(crate) W);

/// A property's name and value.
pub(crate) type Prop<'a> = (&'a str, &'a str);

impl<W: Write> Dump<W> {
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        write!(self.0, "SVN-fs-dump-format-version: 2\n\n")
    }

    pub(crate) fn revision(&mut self, number: u64, author: &str, log: &str) -> io::Result<()> {
        let seconds = FIRST + STEP * i64::try_from(number).unwrap_or_default();
        let date = jiff::Timestamp::from_second(seconds).map_err(io::Error::other)?;
        let date = date.strftime("%Y-%m-%dT%H:%M:%S.000000Z").to_string();
        let props = props(&[("svn:log", log), ("svn:author", author), ("svn:date", &date)]);
        let len = props.len();
        write!(self.0, "Revision-number: {number}\nProp-content-length: {len}\nContent-length: {len}\n\n{props}\n")
    }

    pub(crate) fn make_dir(&mut self, path: &str) -> io::Result<()> {
        write!(self.0, "Node-path: {path}\nNode-kind: dir\nNode-action: add\n\n\n")
    }

    pub(crate) fn copy_dir(&mut self, path: &str, from: &str, revision: u64) -> io::Result<()> {
        write!(self.0, "Node-path: {path}\nNode-kind: dir\nNode-action: add\n")?;
        write!(self.0, "Node-copyfrom-rev: {revision}\nNode-copyfrom-path: {from}\n\n\n")
    }

    pub(crate) fn copy_file(&mut self, path: &str, from: &str, revision: u64) -> io::Result<()> {
        write!(self.0, "Node-path: {path}\nNode-kind: file\nNode-action: add\n")?;
        write!(self.0, "Node-copyfrom-rev: {revision}\nNode-copyfrom-path: {from}\n\n\n")
    }

    pub(crate) fn set_dir_props(&mut self, path: &str, all: &[Prop<'_>]) -> io::Result<()> {
        let props = props(all);
        let len = props.len();
        write!(self.0, "Node-path: {path}\nNode-kind: dir\nNode-action: change\n")?;
        write!(self.0, "Prop-content-length: {len}\nContent-length: {len}\n\n{props}\n\n")
    }

    pub(crate) fn add_file(&mut self, path: &str, text: &Text, all: &[Prop<'_>]) -> io::Result<()> {
        let props = props(all);
        write!(self.0, "Node-path: {path}\nNode-kind: file\nNode-action: add\n")?;
        writeln!(self.0, "Prop-content-length: {}", props.len())?;
        self.text(text, &props)
    }

    pub(crate) fn change_file(&mut self, path: &str, text: &Text) -> io::Result<()> {
        write!(self.0, "Node-path: {path}\nNode-kind: file\nNode-action: change\n")?;
        self.text(text, "")
    }

    fn text(&mut self, text: &Text, props: &str) -> io::Result<()> {
        let len: usize = text.iter().map(|line| line.len()).sum();
        write!(self.0, "Text-content-length: {len}\nContent-length: {}\n\n{props}", props.len() + len)?;
        text.iter().try_for_each(|line| self.0.write_all(line.as_bytes()))?;
        write!(self.0, "\n\n")
    }

    pub(crate) fn delete(&mut self, path: &str) -> io::Result<()> {
        write!(self.0, "Node-path: {path}\nNode-action: delete\n\n\n")
    }
}

fn props(all: &[Prop<'_>]) -> String {
    let list = all.iter().map(|(name, value)| format!("K {}\n{name}\nV {}\n{value}\n", name.len(), value.len()));
    list.collect::<String>() + "PROPS-END\n"
}
