//! What is put away, as numbers of 32 bits. Pure.

use super::interner::Symbol;
use super::ledger::Content;
use gix::ObjectId;

/// A date as two numbers; earlier dates are less.
pub(super) fn date(seconds: i64) -> [u32; 2] {
    let shifted = seconds.wrapping_sub(i64::MIN).cast_unsigned();
    [shifted >> 32, shifted & u64::from(u32::MAX)].map(|half| u32::try_from(half).unwrap_or_default())
}

/// The date that two numbers are.
pub(super) fn seconds([high, low]: [u32; 2]) -> i64 {
    (u64::from(high) << 32 | u64::from(low)).cast_signed().wrapping_add(i64::MIN)
}

/// A name of an object as numbers.
pub(super) fn name(id: ObjectId) -> [u32; 5] {
    let bytes = id.as_bytes();
    std::array::from_fn(|word| u32::from_le_bytes(std::array::from_fn(|at| bytes[4 * word + at])))
}

/// The name of an object that numbers are.
pub(super) fn id(name: [u32; 5]) -> ObjectId {
    let bytes = name.map(u32::to_le_bytes);
    ObjectId::Sha1(std::array::from_fn(|at| bytes[at / 4][at % 4]))
}

/// A text as numbers, or that there is none.
pub(super) fn of_content(content: Option<Content>) -> [u32; 6] {
    let Some(Content { blob, is_executable }) = content else { return [0; 6] };
    let [a, b, c, d, e] = name(blob);
    [1 + u32::from(is_executable), a, b, c, d, e]
}

/// The text that numbers are, if they are any.
pub(super) fn content([kind, name @ ..]: [u32; 6]) -> Option<Content> {
    (kind > 0).then(|| Content { blob: id(name), is_executable: kind == 2 })
}

impl From<Symbol> for [u32; 2] {
    fn from(symbol: Symbol) -> Self {
        [symbol.name, symbol.number]
    }
}

impl From<[u32; 2]> for Symbol {
    fn from([name, number]: [u32; 2]) -> Self {
        Self { name, number }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objects::object_id;

    #[test]
    fn what_was_packed_comes_out_and_dates_stay_in_order() {
        let dates = [i64::MIN, -1 << 40, -1, 0, 1, 1_000_000_000, 1 << 40, i64::MAX];
        assert_eq!(dates.map(|one| seconds(date(one))), dates);
        assert!(dates.map(date).is_sorted());
        let object = object_id(gix::objs::Kind::Blob, b"text");
        assert_eq!(id(name(object)), object);
        let texts = [false, true].map(|is_executable| Some(Content { blob: object, is_executable }));
        assert!(texts.into_iter().chain([None]).all(|text| content(of_content(text)) == text));
    }
}
