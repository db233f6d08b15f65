//! The part of a file that a request's `Range` asks for (RFC 9110, section 14).

use http::HeaderMap;
use http::header::{IF_RANGE, RANGE};

/// What to answer with.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    Whole,
    /// From the first to the last byte, both included.
    Part(u64, u64),
    /// Nothing of it is in the file: 416.
    Nothing,
}

/// What the request wants of a file of `size` bytes. Several ranges, and what is no range of bytes,
/// are answered with the whole file.
pub fn wanted(request: &HeaderMap, size: u64) -> Wanted {
    let text = request.get(RANGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((unit, set)) = text.split_once('=') else { return Wanted::Whole };
    let mut ranges = set.split(',').map(str::trim).filter(|it| !it.is_empty());
    match (unit.trim().eq_ignore_ascii_case("bytes"), ranges.next(), ranges.next()) {
        (true, Some(range), None) => within(range, size).unwrap_or(Wanted::Whole),
        _ => Wanted::Whole,
    }
}

/// Whether the bytes that the caller has are of the file as it is: a range goes with its strong tag
/// only. Without `If-Range` it does.
pub fn is_of(request: &HeaderMap, etag: Option<&[u8]>) -> bool {
    request.get(IF_RANGE).is_none_or(|value| Some(value.as_bytes().trim_ascii()) == etag)
}

fn within(range: &str, size: u64) -> Option<Wanted> {
    let (first, last) = range.split_once('-')?;
    match (first.trim(), last.trim()) {
        ("", length) => last_bytes(number(length)?, size),
        (first, "") => part(number(first)?, u64::MAX, size),
        (first, last) => part(number(first)?, number(last)?, size),
    }
}

fn part(first: u64, last: u64, size: u64) -> Option<Wanted> {
    match first {
        first if last < first => None,
        first if first >= size => Some(Wanted::Nothing),
        first => Some(Wanted::Part(first, last.min(size - 1))),
    }
}

/// The last `length` bytes.
fn last_bytes(length: u64, size: u64) -> Option<Wanted> {
    match (length, size) {
        (0, _) => Some(Wanted::Nothing),
        (_, 0) => None,
        (length, size) => Some(Wanted::Part(size.saturating_sub(length), size - 1)),
    }
}

/// A number; one that is too large for its type is past the end of every file.
fn number(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(range: &str, size: u64) -> Wanted {
        let value = http::HeaderValue::from_str(range);
        wanted(&value.map(|it| HeaderMap::from_iter([(RANGE, it)])).unwrap_or_default(), size)
    }

    #[test]
    fn one_range_is_a_part() {
        for (range, first, last) in [
            ("bytes=0-1", 0, 1),
            ("bytes=0-0", 0, 0),
            ("bytes=0-", 0, 9),
            ("bytes=5-", 5, 9),
            ("bytes=9-9", 9, 9),
            ("bytes=-3", 7, 9),
            ("bytes=-10", 0, 9),
            ("bytes=-99999999999999999999999", 0, 9),
            ("bytes=3-99999999999999999999999", 3, 9),
            ("Bytes = 2 - 4", 2, 4),
            ("bytes=1-2,", 1, 2),
        ] {
            assert_eq!(of(range, 10), Wanted::Part(first, last), "{range}");
        }
    }

    #[test]
    fn what_is_no_single_range_of_bytes_is_the_whole() {
        for range in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "bytes=+1-2",
            "items=0-1",
            "bytes=0-1,4-5",
            "0-1",
        ] {
            assert_eq!(of(range, 10), Wanted::Whole, "{range}");
        }
        assert_eq!(of("bytes=-5", 0), Wanted::Whole);
        assert_eq!(wanted(&HeaderMap::new(), 10), Wanted::Whole);
    }

    #[test]
    fn what_begins_behind_the_end_is_nothing() {
        for (range, size) in [
            ("bytes=10-", 10),
            ("bytes=10-12", 10),
            ("bytes=-0", 10),
            ("bytes=0-", 0),
            ("bytes=99999999999999999999999-", 10),
        ] {
            assert_eq!(of(range, size), Wanted::Nothing, "{range}");
        }
    }
}
