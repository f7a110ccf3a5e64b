//! How often an import runs: always at one interval, or within bounds.

use crate::import::AdaptiveInterval;
use codeimport_core::MIN_UPDATE_INTERVAL;
use codeimport_kit::Violations;
use codeimport_proto::{convert::duration_from_wire, registry as wire};
use std::time::Duration;

const MAX_UPDATE_INTERVAL: Duration = Duration::from_secs(366 * 24 * 3600);

/// The inner none is the default interval.
pub(super) fn update_interval(import: &wire::Import, violations: &mut Violations) -> Option<Option<Duration>> {
    let Some(wanted) = &import.update_interval else { return Some(None) };
    violations.check("import.update_interval", interval(wanted)).map(Some)
}

/// The inner none is a fixed interval.
pub(super) fn adaptive_interval(
    import: &wire::Import,
    violations: &mut Violations,
) -> Option<Option<AdaptiveInterval>> {
    const FIELD: &str = "import.adaptive_interval";
    let Some(wanted) = &import.adaptive_interval else { return Some(None) };
    let (shortest_field, longest_field) = (format!("{FIELD}.shortest"), format!("{FIELD}.longest"));
    let shortest = violations.require(&shortest_field, wanted.shortest.as_ref());
    let shortest = shortest.and_then(|span| violations.check(&shortest_field, interval(span)));
    let longest = violations.require(&longest_field, wanted.longest.as_ref());
    let longest = longest.and_then(|span| violations.check(&longest_field, interval(span)));
    let (shortest, longest) = (shortest?, longest?);
    if longest < shortest {
        violations.add(longest_field, "is shorter than the shortest");
        return None;
    }
    Some(Some(AdaptiveInterval { shortest, longest }))
}

fn interval(wanted: &prost_types::Duration) -> Result<Duration, String> {
    match duration_from_wire(wanted) {
        None => Err("is negative or malformed".to_owned()),
        Some(span) if span < MIN_UPDATE_INTERVAL => Err(format!("is shorter than {MIN_UPDATE_INTERVAL:?}")),
        Some(span) if span > MAX_UPDATE_INTERVAL => Err("is longer than a year".to_owned()),
        Some(span) => Ok(whole_milliseconds(span)),
    }
}

/// As it is stored, so that what is answered at once is what is read later.
fn whole_milliseconds(span: Duration) -> Duration {
    Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_have_an_order() {
        let seconds = |seconds| Some(prost_types::Duration { seconds, nanos: 0 });
        let check = |shortest, longest| {
            let bounds = wire::AdaptiveInterval { shortest, longest };
            let import = wire::Import { adaptive_interval: Some(bounds), ..Default::default() };
            let mut violations = Violations::new();
            let bounds = adaptive_interval(&import, &mut violations).flatten();
            (bounds.is_some(), violations.is_empty())
        };
        assert_eq!(check(seconds(60), seconds(3600)), (true, true));
        for (shortest, longest) in [(seconds(3600), seconds(60)), (None, seconds(60)), (seconds(1), seconds(60))] {
            assert_eq!(check(shortest, longest), (false, false));
        }
    }
}
