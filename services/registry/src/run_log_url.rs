//! Where people read the log of a run: an address that the operator names, as a pattern. Pure.

/// A pattern with `{import_id}` and `{run_id}` in it; empty for nowhere.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RunLogUrl(String);

impl RunLogUrl {
    /// With what the operator has configured.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// The address of one run's log; empty if there is no run, or nobody knows.
    #[must_use]
    pub fn of(&self, import_id: &str, run_id: i64) -> String {
        if run_id == 0 {
            return String::new();
        }
        self.0.replace("{import_id}", import_id).replace("{run_id}", &run_id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_and_nothing_stays_nothing() {
        let url = RunLogUrl::new("https://ui/{import_id}/runs/{run_id}");
        assert_eq!(url.of("a", 7), "https://ui/a/runs/7");
        assert_eq!(url.of("a", 0), "");
        assert_eq!(RunLogUrl::default().of("a", 7), "");
    }
}
