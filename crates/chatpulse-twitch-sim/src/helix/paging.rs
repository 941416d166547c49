//! Pagination of long lists. A cursor is the position after the last entry.

use serde::Serialize;

use crate::helix::error::HelixError;

/// `"pagination":{"cursor":…}`; empty on the last page.
#[derive(Serialize)]
pub(crate) struct Pagination {
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// Returns at most `size` entries from `after` on, and the cursor of the next page.
pub(crate) fn page<T>(
    all: Vec<T>,
    after: Option<&str>,
    size: usize,
) -> Result<(Vec<T>, Pagination), HelixError> {
    let start = after.map_or(Ok(0), str::parse::<usize>);
    let start = start.map_err(|_| HelixError::bad_request("The cursor specified in after is not valid"))?;
    let end = start.saturating_add(size);
    let cursor = (end < all.len()).then(|| end.to_string());
    Ok((all.into_iter().skip(start).take(size).collect(), Pagination { cursor }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_and_end() {
        let (first, next) = page(vec![1, 2, 3], None, 2).unwrap();
        assert_eq!(first, [1, 2]);
        let (second, end) = page(vec![1, 2, 3], next.cursor.as_deref(), 2).unwrap();
        assert_eq!(second, [3]);
        assert_eq!(end.cursor, None);
        assert!(page(vec![1], Some("x"), 2).is_err());
    }
}
