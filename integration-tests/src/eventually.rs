//! Waiting for another process to get somewhere.

use std::time::{Duration, Instant};

/// How long a story waits for anything before it is called failed. Generous: it only costs time when the claim is
/// false, or the machine is very busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again until there is an answer.
///
/// # Panics
///
/// If there is none after a minute; `what` says what was waited for.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    loop {
        tick.tick().await;
        if let Some(answer) = look().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "gave up waiting: {what}");
    }
}
