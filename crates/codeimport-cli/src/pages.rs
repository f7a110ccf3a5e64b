//! Lists that services answer in pages, as far as they are wanted.

use crate::exit::{Done, Failure};
use std::process::ExitCode;

/// What is asked for next.
pub(crate) struct Wanted {
    pub(crate) page_size: i32,
    /// From the page before.
    pub(crate) page_token: String,
}

/// Shows the first items of a list, at most `limit`. `ask` answers a page and the token of the next one, empty for none.
pub(crate) async fn show_first<T>(
    limit: usize,
    mut ask: impl AsyncFnMut(Wanted) -> Result<(Vec<T>, String), Failure>,
    mut show: impl FnMut(T),
) -> Done {
    let (mut left, mut page_token) = (limit, String::new());
    while left > 0 {
        let page_size = i32::try_from(left).unwrap_or(i32::MAX);
        let (items, next_page_token) = ask(Wanted { page_size, page_token }).await?;
        // A service may answer more than it was asked for.
        for item in items.into_iter().take(left) {
            show(item);
            left -= 1;
        }
        page_token = next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}
