//! Percent-encoding in addresses (RFC 3986, section 2.1): read, not written.

/// A text with each `%xx` as the byte it stands for. A `%` without two hexadecimal digits behind it stays as it is; bytes that are
/// no UTF-8 become U+FFFD.
#[must_use]
pub fn decode_percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let encoded = after.first_chunk().filter(|_| *first == b'%').and_then(|digits| byte_of(*digits));
        bytes.push(encoded.unwrap_or(*first));
        rest = if encoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn byte_of([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_digits_are_a_byte() {
        let cases = [("a%20b", "a b"), ("%C3%bc", "ü"), ("%", "%"), ("%4", "%4"), ("%zz%41", "%zzA"), ("%+f", "%+f")];
        for (text, decoded) in cases {
            assert_eq!(decode_percent(text), decoded, "{text}");
        }
        assert_eq!(decode_percent("%ff"), "\u{fffd}");
    }
}
