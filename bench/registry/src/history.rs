//! A history to store: as long as asked for, shaped like that of a large project, the same every time.
//!
//! One trunk, some topic branches that are merged again and again (a merge is every twentieth commit), a tag now and
//! then. Subjects of some 60 bytes; one message in a thousand has 4 KB, one in fifty thousand 200 KB.

use codeimport_proto::registry::{Ref, Revision, Signature};

const TOPICS: usize = 20;
const AUTHORS: u64 = 20_000;
const FIRST_SECOND: i64 = 1_100_000_000;

/// Commits in the order of their making, parents before children, and the refs that lead to them.
pub struct History {
    random: u64,
    made: u64,
    trunk: u64,
    topics: Vec<u64>,
    length: u64,
    tag_every: u64,
    /// Filled as commits are made.
    pub refs: Vec<Ref>,
}

impl History {
    /// A history of this many commits and about this many tags.
    pub fn new(length: u64, tags: u64) -> Self {
        let tag_every = (length / tags.max(1)).max(1);
        Self { random: 42, made: 0, trunk: 0, topics: vec![0; TOPICS], length, tag_every, refs: Vec::new() }
    }

    /// At most this many further commits.
    pub fn take(&mut self, count: usize) -> Vec<Revision> {
        let mut revisions = Vec::with_capacity(count);
        while revisions.len() < count && self.made < self.length {
            revisions.push(self.next());
        }
        if self.made == self.length {
            self.refs.push(reference("refs/heads/main", self.trunk));
            let topics: Vec<_> = self.topics.iter().enumerate().filter(|(_, n)| **n > 0).collect();
            self.refs.extend(topics.into_iter().map(|(i, n)| reference(&format!("refs/heads/topic-{i}"), *n)));
            self.refs.sort_by(|a, b| a.name.cmp(&b.name));
            self.length = 0;
        }
        revisions
    }

    fn next(&mut self) -> Revision {
        self.made += 1;
        let n = self.made;
        let topic = self.below(TOPICS as u64) as usize;
        let parents = match self.below(100) {
            _ if n == 1 => vec![],
            0..5 if self.topics[topic] > 0 => {
                let parents = vec![self.trunk, self.topics[topic]];
                (self.trunk, self.topics[topic]) = (n, 0);
                parents
            }
            5..60 => {
                let on = if self.topics[topic] == 0 { self.trunk } else { self.topics[topic] };
                self.topics[topic] = n;
                vec![on]
            }
            _ => {
                let on = self.trunk;
                self.trunk = n;
                vec![on]
            }
        };
        if n == 1 {
            self.trunk = 1;
        }
        if n % self.tag_every == 0 {
            self.refs.push(reference(&format!("refs/tags/v{:05}", n / self.tag_every), self.trunk));
        }
        self.revision(n, &parents)
    }

    fn revision(&mut self, n: u64, parents: &[u64]) -> Revision {
        // Few write much, many write little.
        let author = self.below(AUTHORS).min(self.below(AUTHORS)).min(self.below(AUTHORS));
        let committer = self.below(200);
        Revision {
            commit_id: commit_id(n),
            parent_ids: parents.iter().map(|n| commit_id(*n)).collect(),
            author: Some(signature(author, n, -1_000)),
            committer: Some(signature(committer, n, 0)),
            message: message(n),
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.random) % bound
    }
}

fn signature(person: u64, n: u64, seconds: i64) -> Signature {
    Signature {
        name: format!("Person Number {person}"),
        email: format!("person{person}@example{}.org", person % 97),
        time: Some(prost_types::Timestamp { seconds: FIRST_SECOND + 300 * n as i64 + seconds, nanos: 0 }),
        utc_offset_minutes: 60 * (person % 12) as i32,
    }
}

fn message(n: u64) -> String {
    let mut message = format!("part{}: change {n} makes the {:016x} do what it says\n", n % 300, mix(n));
    if n % 50_000 == 0 {
        message.extend(std::iter::repeat_n("all the same text again, ", 8_000));
    } else if n % 1_000 == 0 {
        (0..250).for_each(|i| message.push_str(&format!("{:016x}", mix(n + i))));
    }
    message
}

/// As arbitrary as a real one.
fn commit_id(n: u64) -> String {
    let words = [mix(n), mix(n ^ 0xdead_beef), mix(n.rotate_left(17))];
    words.map(|word| format!("{word:016x}")).concat()[..40].to_owned()
}

fn reference(name: &str, n: u64) -> Ref {
    Ref { name: name.to_owned(), object_id: commit_id(n), commit_id: commit_id(n) }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
