//! What a poll looks at: the heads of all files, and the symbols of a few. Pure.
//!
//! The head and the number of revisions of a file change with each commit. Symbols change by themselves, but they are what a
//! server prints slowest, and are set on most files at once: so those of a few files stand for all. What changes on
//! others only is seen with the next commit, or when the next week begins.

use super::session::Line;
use ring::digest::{Context, SHA256};

/// Files whose symbols are looked at.
const SAMPLED: usize = 16;

/// Seconds after which every symbol is looked at again, should nothing else have changed.
const WEEK: i64 = 7 * 24 * 3600;

/// What was heard so far.
pub(super) struct Heads {
    /// Path of the repository on the server, with a slash at its end.
    root: Vec<u8>,
    context: Context,
    files: u64,
    /// Files that can be asked for by name, as they are asked for.
    names: Vec<Vec<u8>>,
}

impl Heads {
    pub(super) fn below(root: &str) -> Self {
        let root = format!("{}/", root.trim_end_matches('/')).into_bytes();
        Self { root, context: Context::new(&SHA256), files: 0, names: Vec::new() }
    }

    /// The next line of a log without messages.
    pub(super) fn take(&mut self, line: &Line) {
        if let Some(path) = line.text.strip_prefix(b"RCS file: ") {
            self.files += 1;
            let name = path.strip_suffix(b",v").and_then(|path| path.strip_prefix(&self.root[..]));
            // What is removed on the trunk is not asked for by its own place.
            self.names
                .extend(name.filter(|name| !name.split(|b| *b == b'/').any(|part| part == b"Attic")).map(Vec::from));
        }
        self.hear(line);
    }

    /// A line of what the sampled files' symbols are.
    pub(super) fn hear(&mut self, line: &Line) {
        self.context.update(&line.text);
        self.context.update(b"\n");
    }

    /// Some of the files, spread over all; always the same ones as long as there are no others.
    pub(super) fn sample(&self) -> Vec<Vec<u8>> {
        self.names.iter().step_by(self.names.len().div_ceil(SAMPLED).max(1)).cloned().collect()
    }

    /// Where the repository stands.
    pub(super) fn position(self, now: i64) -> String {
        let digest = crate::digest::hex(self.context.finish().as_ref());
        format!("{} files, {}, week {}", self.files, &digest[..32], now.div_euclid(WEEK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(lines: &[&str]) -> Heads {
        let mut heads = Heads::below("/r/");
        let line = |text: &&str| Line { text: text.as_bytes().to_vec(), is_tagged: false };
        lines.iter().map(line).for_each(|line| heads.take(&line));
        heads
    }

    #[test]
    fn few_files_stand_for_all_and_those_in_the_attic_for_none() {
        let lines: Vec<_> = (0..1_000).map(|n| format!("RCS file: /r/m/f{n},v")).collect();
        let sample = heard(&lines.iter().map(String::as_str).collect::<Vec<_>>()).sample();
        assert_eq!((sample.len(), &sample[1][..]), (16, &b"m/f63"[..]));
        assert_eq!(heard(&["RCS file: /r/m/Attic/f,v", "RCS file: /elsewhere/f,v"]).sample(), Vec::<Vec<u8>>::new());
        assert_eq!(heard(&[]).sample(), Vec::<Vec<u8>>::new());
    }

    #[test]
    fn a_position_changes_with_what_is_heard_and_with_the_week() {
        let position = |lines, now| heard(lines).position(now);
        let here = position(&["RCS file: /r/m/f,v", "head: 1.1"], 0);
        assert_eq!(here, position(&["RCS file: /r/m/f,v", "head: 1.1"], WEEK - 1));
        assert_ne!(here, position(&["RCS file: /r/m/f,v", "head: 1.2"], 0));
        assert_ne!(here, position(&["RCS file: /r/m/f,v", "head: 1.1"], WEEK));
    }
}
