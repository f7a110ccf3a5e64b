//! Histories made by dice: whatever Subversion takes, the engine has to follow.

use super::conversion::Conversion;
use super::server::SvnServer;

/// A small generator of numbers: the same seed, the same history.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        // Numerical Recipes' 64-bit LCG: enough to choose, nothing more is asked of it.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % (sides as u64)).expect("small")
    }

    fn pick(&mut self, choices: &[&str]) -> String {
        choices[self.roll(choices.len())].to_owned()
    }

    fn root(&mut self) -> String {
        self.pick(&["trunk", "trunk", "branches/b0", "branches/b1", "tags/t0"])
    }

    fn path(&mut self) -> String {
        let below = ["d0", "d1", "d0/x", "d1/x", "f0", "d0/f1", "d1/f2", "d0/x/f3"];
        format!("{}/{}", self.root(), self.pick(&below))
    }

    /// One change, in the words of svnmucc; `revisions` are there already.
    fn change(&mut self, server: &SvnServer, revisions: usize, number: usize) -> Vec<String> {
        let old = (1 + self.roll(revisions)).to_string();
        let (from, to) = (self.path(), self.path());
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        match self.roll(22) {
            0..4 | 19 => {
                let text = server.file(&format!("{}{number}\n", "line\n".repeat(self.roll(50))));
                words(&["put", &text, &to])
            }
            4 => words(&["mkdir", &to]),
            5 => words(&["rm", &to]),
            6 => words(&["cp", &old, &from, &to]),
            7 => words(&["cp", &old, &self.root(), &self.pick(&["branches/b0", "branches/b1"])]),
            8 => words(&["cp", &old, "trunk", "tags/t0"]),
            9 => words(&["rm", &self.pick(&["branches/b0", "branches/b1", "tags/t0"])]),
            10 => words(&["mv", &from, &to]),
            11 => words(&["rm", &to, "cp", &old, &from, &to]),
            // A branch made anew and changed in the same revision.
            12 => {
                let (root, text) = (self.pick(&["branches/b0", "tags/t0", "trunk"]), server.file(&number.to_string()));
                words(&["rm", &root, "cp", &old, "trunk", &root, "put", &text, &format!("{root}/f0")])
            }
            13 => words(&["mv", "branches", "elsewhere", "mkdir", "branches", "mv", "elsewhere", "branches/b1"]),
            14 => words(&["propset", "svn:executable", "*", &to]),
            15 => words(&["mkdir", &format!("{}/{}", self.root(), self.pick(&["d0", "d1"]))]),
            // The trunk is gone sometimes, and comes back.
            16 => words(&["rm", "trunk"]),
            17 | 18 => words(&["cp", &old, "trunk", "trunk"]),
            20 => words(&["put", &server.file("link f0"), &to, "propset", "svn:special", "*", &to]),
            _ => words(&["propset", "svn:special", "*", &to]),
        }
    }
}

/// Makes a history of random changes. What Subversion refuses (a copy onto itself, a path that is gone) is no change.
pub(super) fn random_history(server: &SvnServer, name: &str, seed: u64, changes: usize) {
    let mut dice = Dice(seed);
    server.create(name);
    server.mucc(
        name,
        &["mkdir", "trunk", "mkdir", "branches", "mkdir", "tags", "mkdir", "trunk/d0", "mkdir", "trunk/d1"],
    );
    let mut revision = 1;
    for number in 0..changes {
        let words = dice.change(server, revision, number);
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        // A history with a hole where the dice asked too much is not worth its time: something always happens.
        let text = server.file(&format!("instead of {number}\n"));
        let otherwise = [&["put", &text, "trunk/f0"][..], &["put", &text, "trunk/f4"], &["mkdir", "trunk"]];
        let done = std::iter::once(&words[..]).chain(otherwise).find(|words| server.try_mucc(name, words));
        revision += usize::from(done.is_some());
    }
    // A source that ends with nothing at all is not followed; that has a test of its own.
    server.try_mucc(name, &["mkdir", "trunk"]);
    assert!(revision > changes / 2, "only {revision} revisions of {changes} changes");
}

/// Converts one history whole and cut up, and compares all of it.
fn check(seed: u64, changes: usize) {
    let server = SvnServer::start();
    // The name is part of every address that a failure tells.
    let name = &format!("seed-{seed}");
    random_history(&server, name, seed, changes);
    let mut whole = Conversion::of(&server, name);
    whole.run_to_the_end(false);
    assert!(whole.assert_faithful() > 5);
    for (pieces, forget) in [(7, false), (13, true)] {
        let mut cut = Conversion::of(&server, name);
        cut.options.max_revisions = pieces;
        cut.run_to_the_end(forget);
        assert!(cut.runs > 1, "it was cut up");
        assert_eq!(cut.refs(), whole.refs(), "seed {seed}, pieces of {pieces}, forgetful: {forget}");
        assert_eq!(cut.map(), whole.map(), "seed {seed}");
        cut.assert_sound();
    }
}

#[test]
fn generated_histories_are_faithful_and_the_same_in_one_go_in_pieces_and_from_other_workers() {
    // 4 once lost what is both special and executable.
    for seed in [1, 2, 3, 4] {
        check(seed, 60);
    }
}

/// For a machine with time: `CODEIMPORT_SEEDS=4..200`.
#[test]
fn many_generated_histories_are_faithful() {
    let Some(seeds) = std::env::var("CODEIMPORT_SEEDS").ok() else { return };
    let (first, end) = seeds.split_once("..").expect("first..end");
    for seed in first.parse().expect("a number")..end.parse().expect("a number") {
        check(seed, 80);
    }
}
