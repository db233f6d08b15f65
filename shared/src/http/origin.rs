//! Where a request was sent, and which page sent it, by its headers.

use http::HeaderMap;
use http::header::{FORWARDED, HOST, ORIGIN, USER_AGENT};
use url::Url;

use crate::models::{Client, SourceAddress};

/// Which page sent a request, as browsers state it. A page cannot change what its browser states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A page of the origin that the request was sent to.
    OwnPage,
    /// A page of any other origin, a sandboxed frame, or headers that contradict each other.
    ForeignPage,
    /// No page: a program, or the person themselves. Browsers add `Origin` to everything that a
    /// page sends but reads.
    NoPage,
}

impl Sender {
    /// Where a request comes from: by Fetch Metadata if the client sends it, else by `Origin`.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut sites = headers.get_all("sec-fetch-site").iter();
        match (sites.next().map(http::HeaderValue::as_bytes), sites.next()) {
            (None, _) | (Some(b"none"), None) => Self::by_origin(headers),
            (Some(b"same-origin"), None) => Self::OwnPage,
            _ => Self::ForeignPage,
        }
    }

    fn by_origin(headers: &HeaderMap) -> Self {
        let mut origins = headers.get_all(ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => Self::NoPage,
            (Some(origin), None) if origin.to_str().is_ok_and(|origin| is_own(origin, headers)) => Self::OwnPage,
            _ => Self::ForeignPage,
        }
    }
}

fn is_own(origin: &str, headers: &HeaderMap) -> bool {
    let (theirs, ours) = (Url::parse(origin), of(headers).map(|ours| Url::parse(&ours)));
    matches!((theirs, ours), (Ok(theirs), Some(Ok(ours))) if theirs.origin() == ours.origin())
}

/// The origin that a request was sent to: its scheme and `Host`. None if `Host` is not one host.
pub fn of(headers: &HeaderMap) -> Option<String> {
    let host = host(headers)?;
    Some(format!("{}://{host}", if is_https(headers) { "https" } else { "http" }))
}

fn host(headers: &HeaderMap) -> Option<&str> {
    let mut hosts = headers.get_all(HOST).iter();
    let (host, None) = (hosts.next()?.to_str().ok()?, hosts.next()) else { return None };
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-.:[]_".contains(&b);
    let is_plain = !host.is_empty() && host.bytes().all(plain) && host.parse::<http::uri::Authority>().is_ok();
    is_plain.then_some(host)
}

/// Who sent a request, for the list of sessions.
pub fn client_of(headers: &HeaderMap, source: Option<SourceAddress>) -> Client {
    Client::new(user_agent(headers), source)
}

/// What a client says that it is.
pub fn user_agent(headers: &HeaderMap) -> Option<&str> {
    headers.get(USER_AGENT)?.to_str().ok()
}

/// Whether the client speaks https, as the gateway or proxy in front states it: the first value of
/// `X-Forwarded-Proto`, else `proto` of the first element of `Forwarded`.
pub fn is_https(headers: &HeaderMap) -> bool {
    let text = |value: &http::HeaderValue| value.to_str().ok().map(str::to_owned);
    let proto = headers.get("x-forwarded-proto").and_then(text).and_then(|it| first_of_list(&it));
    let proto = proto.or_else(|| headers.get(FORWARDED).and_then(text).and_then(|it| forwarded_proto(&it)));
    proto.is_some_and(|proto| proto.eq_ignore_ascii_case("https"))
}

fn first_of_list(list: &str) -> Option<String> {
    let first = list.split(',').next().unwrap_or_default().trim();
    (!first.is_empty()).then(|| first.to_owned())
}

/// `proto` of the first element of a `Forwarded` header (RFC 7239).
fn forwarded_proto(header: &str) -> Option<String> {
    let first = split_unquoted(header, ',').next()?;
    let mut pairs = split_unquoted(first, ';').filter_map(|pair| pair.split_once('='));
    let proto = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("proto"));
    proto.map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

/// The parts between separators that stand outside of quotes.
fn split_unquoted(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    text.split(move |character| {
        quoted ^= character == '"';
        character == separator && !quoted
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), http::HeaderValue::from_static(value))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in pairs.iter().map(pair) {
            headers.append(name, value);
        }
        headers
    }

    #[test]
    fn https_is_what_the_first_proxy_saw() {
        for https in [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-proto", "HTTPS"),
            ("x-forwarded-proto", "https, http"),
            ("x-forwarded-proto", " https ,http"),
            ("forwarded", "proto=https"),
            ("forwarded", "for=192.0.2.1;Proto=\"HTTPS\";by=203.0.113.4"),
            ("forwarded", "for=\"[2001:db8::1], x\"; proto=https, for=10.0.0.1;proto=http"),
        ] {
            assert!(is_https(&headers(&[https])), "{https:?}");
        }
        for http in [
            ("x-forwarded-proto", "http, https"),
            ("x-forwarded-proto", "javascript"),
            ("x-forwarded-proto", "httpsx"),
            ("forwarded", "for=1.2.3.4, proto=https"),
            ("forwarded", "for=\"x;proto=https\""),
            ("forwarded", "proto"),
            ("x-other", "https"),
        ] {
            assert!(!is_https(&headers(&[http])), "{http:?}");
        }
        assert!(!is_https(&headers(&[("x-forwarded-proto", "http"), ("forwarded", "proto=https")])));
        assert!(is_https(&headers(&[("x-forwarded-proto", ""), ("forwarded", "proto=https")])));
    }

    #[test]
    fn a_sender_is_told_by_fetch_metadata_else_by_its_origin() {
        let host = ("host", "inbox.example");
        for (sender, pairs) in [
            (Sender::NoPage, &[][..]),
            (Sender::NoPage, &[("sec-fetch-site", "none")]),
            (Sender::OwnPage, &[("sec-fetch-site", "same-origin")]),
            (Sender::OwnPage, &[("origin", "http://inbox.example")]),
            (Sender::OwnPage, &[("origin", "http://INBOX.example:80")]),
            (Sender::OwnPage, &[("origin", "https://inbox.example"), ("x-forwarded-proto", "https")]),
            (Sender::OwnPage, &[("origin", "https://inbox.example:443"), ("forwarded", "proto=https")]),
            (Sender::OwnPage, &[("origin", "http://inbox.example"), ("sec-fetch-site", "none")]),
            (Sender::ForeignPage, &[("sec-fetch-site", "same-site")]),
            (Sender::ForeignPage, &[("sec-fetch-site", "cross-site"), ("origin", "http://inbox.example")]),
            (Sender::ForeignPage, &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]),
            (Sender::ForeignPage, &[("sec-fetch-site", "")]),
            (Sender::ForeignPage, &[("origin", "null")]),
            (Sender::ForeignPage, &[("origin", "")]),
            (Sender::ForeignPage, &[("origin", "https://evil.example"), ("sec-fetch-site", "none")]),
            (Sender::ForeignPage, &[("origin", "https://inbox.example")]),
            (Sender::ForeignPage, &[("origin", "http://inbox.example"), ("x-forwarded-proto", "https")]),
            (Sender::ForeignPage, &[("origin", "http://inbox.example:3991")]),
            (Sender::ForeignPage, &[("origin", "http://inbox.example"), ("origin", "http://evil.example")]),
            (Sender::ForeignPage, &[("origin", "inbox.example")]),
        ] {
            assert_eq!(Sender::of(&headers(&[&[host], pairs].concat())), sender, "{pairs:?}");
        }
        assert_eq!(Sender::of(&headers(&[("origin", "http://inbox.example")])), Sender::ForeignPage);
    }
}
