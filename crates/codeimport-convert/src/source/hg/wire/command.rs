//! Questions in Mercurial's wire protocol, version 1. Pure.

use crate::source::hg::node::Node;
use url::form_urlencoded;

/// What we can read: in words of `getbundle`, escaped as it wants them.
pub(super) const BUNDLE_CAPABILITIES: &str =
    "HG20,bundle2=HG20%0Achangegroup%3D01%2C02%2C03%0Aerror%3Dabort%2Cunsupportedcontent";

/// A command and its arguments.
#[derive(Clone, Debug)]
pub(super) struct Command {
    pub(super) name: &'static str,
    args: Vec<(&'static str, String)>,
}

impl Command {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, args: Vec::new() }
    }

    pub(super) fn arg(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    /// An argument that is a list of nodes.
    pub(super) fn nodes(self, name: &'static str, nodes: &[Node]) -> Self {
        self.arg(name, nodes.iter().map(Node::to_string).collect::<Vec<_>>().join(" "))
    }

    /// The arguments as a form of the web.
    pub(super) fn form(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.args).finish()
    }

    /// The command as `hg serve --stdio` reads it.
    pub(super) fn lines(&self) -> Vec<u8> {
        // Those that a command does not know by themselves are counted under a star.
        let (named, others): (Vec<_>, Vec<_>) = self.args.iter().partition(|(name, _)| NAMED.contains(name));
        let arg = |(name, value): &(&str, String)| format!("{name} {}\n{value}", value.len());
        let has_others = !matches!(self.name, "hello" | "lookup");
        let mut text = format!("{}\n", self.name);
        if has_others {
            text.push_str(&format!("* {}\n", others.len()));
            others.into_iter().for_each(|other| text.push_str(&arg(other)));
        }
        named.into_iter().for_each(|named| text.push_str(&arg(named)));
        text.into_bytes()
    }
}

/// Arguments that commands know by themselves.
const NAMED: [&str; 3] = ["cmds", "nodes", "key"];

/// Several commands as one.
pub(super) fn batch(commands: &[Command]) -> Command {
    let args = |command: &Command| {
        let pairs = command.args.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value)));
        pairs.collect::<Vec<_>>().join(",")
    };
    let commands: Vec<_> = commands.iter().map(|command| format!("{} {}", command.name, args(command))).collect();
    Command::new("batch").arg("cmds", commands.join(";"))
}

/// The answers to the commands of a batch; none if something else was answered.
pub(super) fn split_batch(answer: &[u8]) -> Option<Vec<Vec<u8>>> {
    answer.split(|b| *b == b';').map(unescape).collect()
}

fn escape(text: &str) -> String {
    text.replace(':', ":c").replace(',', ":o").replace(';', ":s").replace('=', ":e")
}

fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    let mut plain = Vec::with_capacity(text.len());
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        plain.push(match byte {
            b':' => match bytes.next()? {
                b'c' => b':',
                b'o' => b',',
                b's' => b';',
                b'e' => b'=',
                _ => return None,
            },
            plain => *plain,
        });
    }
    Some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_written_as_each_transport_wants_them() {
        let command = Command::new("getbundle").arg("cg", "1").nodes("common", &[Node::NULL]);
        let zeros = "0".repeat(40);
        assert_eq!(command.form(), format!("cg=1&common={zeros}"));
        assert_eq!(command.lines(), format!("getbundle\n* 2\ncg 1\n1common 40\n{zeros}").into_bytes());
        assert_eq!(Command::new("lookup").arg("key", "7").lines(), b"lookup\nkey 1\n7");
        assert_eq!(Command::new("hello").lines(), b"hello\n");
    }

    #[test]
    fn a_batch_is_one_command_and_its_answer_several() {
        let both = batch(&[Command::new("heads"), Command::new("listkeys").arg("namespace", "a=b;c")]);
        assert_eq!(both.lines(), b"batch\n* 0\ncmds 33\nheads ;listkeys namespace=a:eb:sc");
        assert_eq!(split_batch(b"a:sb;:c:o"), Some(vec![b"a;b".to_vec(), b":,".to_vec()]));
        assert_eq!(split_batch(b"a:"), None);
    }
}
