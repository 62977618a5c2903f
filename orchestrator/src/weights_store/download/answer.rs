//! What a server's answer means for a download (RFC 9110): status and headers in, what to do out.

use ureq::http::{HeaderMap, StatusCode, header};

use super::part::Origin;

/// What to do about an answer.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// The whole file comes, so what is there is to be thrown away.
    Whole(Origin),
    /// What was asked for comes: the rest of a file of so many bytes, where the server says how many.
    Rest { of: Option<u64> },
    /// Nothing is missing.
    Complete,
    /// The part is of another file than the server has now.
    Changed,
    /// There is nothing to be had; later perhaps, if that passes.
    Refused { passes: bool },
}

impl Answer {
    /// `asked`: how many bytes are there, of what, if the rest was asked for.
    pub fn of(status: StatusCode, headers: &HeaderMap, asked: Option<(u64, &Origin)>, address: &str) -> Self {
        let now = Origin::of(address, headers);
        match (status, asked) {
            (StatusCode::OK, _) => Self::Whole(now),
            (StatusCode::PARTIAL_CONTENT, Some((from, before))) => {
                let Some((start, of)) = text(headers, &header::CONTENT_RANGE).and_then(range) else {
                    return Self::Changed;
                };
                let of = of.or_else(|| now.bytes.map(|rest| start + rest));
                if start == from && before.may_be(&now, of) {
                    Self::Rest {
                        of: of.or(before.bytes),
                    }
                } else {
                    Self::Changed
                }
            }
            (StatusCode::RANGE_NOT_SATISFIABLE, Some((from, before))) => {
                let of = text(headers, &header::CONTENT_RANGE).and_then(unsatisfied);
                if of == Some(from) && before.may_be(&now, of) {
                    Self::Complete
                } else {
                    Self::Changed
                }
            }
            _ => Self::Refused {
                passes: status.is_server_error()
                    || [
                        StatusCode::REQUEST_TIMEOUT,
                        StatusCode::TOO_EARLY,
                        StatusCode::TOO_MANY_REQUESTS,
                    ]
                    .contains(&status),
            },
        }
    }
}

impl Origin {
    /// What the headers say of the whole file, if it is the whole that comes.
    pub fn of(address: &str, headers: &HeaderMap) -> Self {
        let owned = |name| text(headers, &name).map(str::to_owned);
        Self {
            address: address.to_owned(),
            etag: owned(header::ETAG),
            last_modified: owned(header::LAST_MODIFIED),
            bytes: text(headers, &header::CONTENT_LENGTH).and_then(|length| length.parse().ok()),
        }
    }

    /// Whether this and what the server has `now` can be the same file, of so many bytes. What either does not tell
    /// speaks for nothing.
    fn may_be(&self, now: &Self, of: Option<u64>) -> bool {
        let agree = |before: &Option<String>, now: &Option<String>| match (before, now) {
            (Some(before), Some(now)) => Some(before == now),
            _ => None,
        };
        let same = agree(&self.etag, &now.etag).or_else(|| agree(&self.last_modified, &now.last_modified));
        let long = self.bytes.is_none() || of.is_none() || self.bytes == of;
        long && same.unwrap_or(true)
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

/// `bytes 500-999/1000`: where it begins, and of how many (`*`: unknown).
fn range(text: &str) -> Option<(u64, Option<u64>)> {
    let (range, of) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.trim().parse().ok()?, of.trim().parse().ok()))
}

/// `bytes */1000`
fn unsatisfied(text: &str) -> Option<u64> {
    text.strip_prefix("bytes */")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: &str = "https://example.org/net.pth";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                header::HeaderName::from_static(name),
                header::HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    fn before() -> Origin {
        Origin::of(ADDRESS, &headers(&[("etag", "\"one\""), ("content-length", "1000")]))
    }

    /// To a request for what follows 400 bytes of [`before`].
    fn answer(status: u16, pairs: &[(&'static str, &'static str)]) -> Answer {
        let status = StatusCode::from_u16(status).unwrap();
        Answer::of(status, &headers(pairs), Some((400, &before())), ADDRESS)
    }

    #[test]
    fn the_rest_is_taken_if_it_is_the_rest_of_the_same_file() {
        let of = |range, etag| {
            answer(
                206,
                &[("content-range", range), ("etag", etag), ("content-length", "600")],
            )
        };
        assert_eq!(of("bytes 400-999/1000", "\"one\""), Answer::Rest { of: Some(1000) });
        assert_eq!(of("bytes 400-999/*", "\"one\""), Answer::Rest { of: Some(1000) });
        assert_eq!(of("bytes 400-999/1000", "\"two\""), Answer::Changed);
        assert_eq!(of("bytes 400-1999/2000", "\"one\""), Answer::Changed);
        assert_eq!(of("bytes 0-999/1000", "\"one\""), Answer::Changed);
        assert_eq!(of("words", "\"one\""), Answer::Changed);
        assert_eq!(answer(206, &[]), Answer::Changed);
        assert_eq!(
            answer(206, &[("content-range", "bytes 400-999/1000")]),
            Answer::Rest { of: Some(1000) }
        );
    }

    #[test]
    fn a_server_that_ignores_the_range_sends_the_whole() {
        let whole = answer(200, &[("content-length", "1000"), ("etag", "\"one\"")]);
        assert_eq!(whole, Answer::Whole(before()));
    }

    #[test]
    fn nothing_behind_the_end_is_either_all_or_another_file() {
        let of = |range| answer(416, &[("content-range", range)]);
        assert_eq!(of("bytes */1000"), Answer::Changed);
        let exactly = Origin {
            bytes: None,
            ..before()
        };
        let headers = headers(&[("content-range", "bytes */400")]);
        let status = StatusCode::RANGE_NOT_SATISFIABLE;
        assert_eq!(
            Answer::of(status, &headers, Some((400, &exactly)), ADDRESS),
            Answer::Complete
        );
        assert_eq!(
            Answer::of(status, &headers, Some((500, &exactly)), ADDRESS),
            Answer::Changed
        );
        assert_eq!(answer(416, &[]), Answer::Changed);
    }

    #[test]
    fn what_is_not_there_is_not_asked_for_again_and_a_server_in_trouble_is() {
        for (status, passes) in [
            (404, false),
            (403, false),
            (410, false),
            (503, true),
            (500, true),
            (429, true),
        ] {
            assert_eq!(answer(status, &[]), Answer::Refused { passes }, "{status}");
        }
        let unasked = Answer::of(StatusCode::PARTIAL_CONTENT, &headers(&[]), None, ADDRESS);
        assert_eq!(unasked, Answer::Refused { passes: false });
    }
}
