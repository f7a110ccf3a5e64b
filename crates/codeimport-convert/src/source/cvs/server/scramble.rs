//! Passwords as `:pserver:` wants them: hidden from a glance, not from anybody who looks. Pure.

/// What the bytes from the space on are written as ("The CVS Client/Server Protocol", Password scrambling algorithm). Done
/// twice, it gives back what was there before.
const SCRAMBLED: &[u8; 95] =
    br#"rx5O`mHlF@LCtJDWo4Kw1"RQ_ApVvnzi)9S+.f(Y&g-2*{[#}76B|~;/\GsNXkj8$yuhedEIc?^]'%=0:q Z,b<3!a>MTPU"#;

/// A password with what says how it is scrambled; none if it has characters that the protocol has no way to write.
pub(super) fn scramble(password: &str) -> Option<String> {
    let scrambled = |byte: u8| SCRAMBLED.get(usize::from(byte.checked_sub(b' ')?)).copied().map(char::from);
    password.bytes().map(scrambled).collect::<Option<String>>().map(|text| format!("A{text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scrambling_twice_changes_nothing() {
        let all: String = (b' '..=b'~').map(char::from).collect();
        let once = scramble(&all).expect("plain");
        assert_eq!(scramble(&once[1..]).as_deref(), Some(format!("A{all}").as_str()));
    }

    #[test]
    fn what_cannot_be_scrambled_is_told() {
        assert_eq!(scramble("").as_deref(), Some("A"));
        assert_eq!(scramble("a\nb"), None);
        assert_eq!(scramble("grün"), None);
    }
}
