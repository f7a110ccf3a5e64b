//! Arithmetic on figures.

/// The middle of a few.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Counts here are far below 2^52, where a float begins to round.
#[expect(clippy::cast_precision_loss, reason = "counts of commits and bytes are far below 2^52")]
pub(crate) fn count(number: u64) -> f64 {
    number as f64
}
