//! Finds the first of a row that is bad. Pure.

/// The first bad index at or before `bad`, which is known to be bad. Asks log2 times. Where good and bad alternate it
/// finds one of the bad ones behind a good one.
pub(super) fn first_bad<E>(bad: usize, mut is_bad: impl FnMut(usize) -> Result<bool, E>) -> Result<usize, E> {
    let (mut first, mut bad) = (0, bad);
    while first < bad {
        let middle = first + (bad - first) / 2;
        if is_bad(middle)? {
            bad = middle;
        } else {
            first = middle + 1;
        }
    }
    Ok(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bad_one_is_found_wherever_it_is() {
        for length in 1..20 {
            for first in 0..length {
                let mut asked = 0;
                let found = first_bad(length - 1, |at| {
                    asked += 1;
                    Ok::<_, ()>(at >= first)
                });
                assert_eq!(found, Ok(first));
                assert!(asked <= 5, "{asked} questions about {length}");
            }
        }
    }
}
