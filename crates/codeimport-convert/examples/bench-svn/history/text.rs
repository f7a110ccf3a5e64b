//! Texts that look like source code: what compresses and changes like source code.

use super::chance::Chance;
use std::rc::Rc;

/// A file's lines, shared between the branches that have it.
pub(crate) type Text = Rc<Vec<Rc<str>>>;

const NAMES: [&str; 32] = [
    "buffer", "cache", "channel", "client", "config", "context", "cursor", "digest", "engine", "entry", "filter",
    "frame", "handle", "header", "index", "layout", "length", "lookup", "manager", "message", "number", "offset",
    "parser", "record", "registry", "request", "result", "session", "status", "stream", "table", "worker",
];
const VERBS: [&str; 12] =
    ["append", "apply", "check", "close", "find", "flush", "insert", "merge", "open", "read", "reset", "write"];

/// A name for a file or a function.
pub(crate) fn name(chance: &mut Chance) -> String {
    format!("{}_{}", chance.pick(&VERBS), chance.pick(&NAMES))
}

fn line(chance: &mut Chance) -> Rc<str> {
    let (a, b, verb) = (chance.pick(&NAMES), chance.pick(&NAMES), chance.pick(&VERBS));
    let number = chance.below(100_000);
    let text = match chance.below(9) {
        0 => format!("static int {verb}_{a}_{number}(struct {b} *{b}, size_t count)"),
        1 => format!("    if ({a}->{b} > {number}) {{"),
        2 => format!("        return {verb}_{a}({b}, {number});"),
        3 => "    }".to_owned(),
        4 => format!("    /* {verb} the {a} before the {b} of item {number} */"),
        5 => format!("    struct {a} *{b} = {verb}_{a}(context, {number});"),
        6 => String::new(),
        7 => format!("    for (size_t i = 0; i < {a}->{b}; i++) {verb}_{b}(&{a}[i], {number});"),
        _ => format!("    {a}->{b} = {verb}_{b}({a}, \"{number}\");"),
    };
    (text + "\n").into()
}

/// A new file of 1 to 20 KB; small ones are more frequent.
pub(crate) fn new_file(chance: &mut Chance) -> Text {
    let widest = chance.between(40, 520);
    let lines = chance.between(25, widest);
    Rc::new((0..lines).map(|_| line(chance)).collect())
}

/// The file with a few lines changed, in one to three places.
pub(crate) fn edit(text: &Text, chance: &mut Chance) -> Text {
    let mut lines = text.to_vec();
    for _ in 0..chance.between(1, 4) {
        let at = chance.below(lines.len());
        let removed = chance.below(4).min(lines.len() - at);
        let added: Vec<_> = (0..chance.between(1, 5)).map(|_| line(chance)).collect();
        lines.splice(at..at + removed, added);
    }
    Rc::new(lines)
}
