//! Deltas between objects of a pack (Git's `gitformat-pack`), which only a repack by git makes. Pure.

use std::io;

/// Largest object that a delta may promise.
const MOST: u64 = 4 << 30;

/// The object that a delta makes of its base.
///
/// # Errors
///
/// [`io::ErrorKind::InvalidData`] if it is damaged.
pub(super) fn apply(base: &[u8], delta: &[u8]) -> io::Result<Vec<u8>> {
    patch(base, &mut { delta }).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn patch(base: &[u8], delta: &mut &[u8]) -> Option<Vec<u8>> {
    let (base_len, len) = (size(delta)?, size(delta)?);
    if base_len != base.len() as u64 || len > MOST {
        return None;
    }
    let mut made = Vec::new();
    while let Some(op) = byte(delta) {
        let piece = match op {
            0 => return None,
            1..0x80 => delta.split_off(..usize::from(op))?,
            _ => copied(base, op, delta)?,
        };
        made.extend_from_slice(piece);
        if made.len() as u64 > len {
            return None;
        }
    }
    (made.len() as u64 == len).then_some(made)
}

/// The piece of the base that an instruction names: bits of it say which bytes of place and length follow.
fn copied<'b>(base: &'b [u8], op: u8, delta: &mut &[u8]) -> Option<&'b [u8]> {
    let mut fields = [0_u8; 7];
    for (_, field) in fields.iter_mut().enumerate().filter(|(bit, _)| op & (1 << bit) != 0) {
        *field = byte(delta)?;
    }
    let [a, b, c, d, x, y, z] = fields.map(usize::from);
    let (start, len) = (a | b << 8 | c << 16 | d << 24, x | y << 8 | z << 16);
    let len = if len == 0 { 0x10000 } else { len };
    base.get(start..start.checked_add(len)?)
}

/// A length, seven bits a byte, lowest first.
fn size(delta: &mut &[u8]) -> Option<u64> {
    let mut size = 0;
    for shift in (0..63).step_by(7) {
        let byte = byte(delta)?;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

fn byte(delta: &mut &[u8]) -> Option<u8> {
    delta.split_off_first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_the_base_and_new_ones_make_the_object() {
        let delta = [8, 9, 0x91, 4, 4, 3, b'-', b'-', b'-', 0x90, 2];
        assert_eq!(apply(b"abcdefgh", &delta).expect("well-formed"), b"efgh---ab");
    }

    #[test]
    fn what_does_not_fit_is_damaged() {
        let cases: [&[u8]; 7] = [
            &[],
            &[7, 1, 1, b'x'],
            &[8, 2, 1, b'x'],
            &[8, 1, 2, b'x', b'y'],
            &[8, 1, 0],
            &[8, 4, 0x91, 6, 4],
            &[8, 1, 5, b'x'],
        ];
        for delta in cases {
            assert!(apply(b"abcdefgh", delta).is_err(), "{delta:?}");
        }
    }
}
