//! Links in what agents send. A link to this machine or to a private network is shown as its address, to be copied: a
//! click would call a program that only the reader's machine can reach, and that the agent chose.
//!
//! Private are loopback, private, link-local and reserved IP addresses in every notation that
//! browsers read, names without a dot, and names below `localhost`, `local`, `internal`, `lan`,
//! `home`, `corp` and `home.arpa`. A public name may resolve to a private address: it is another
//! host to a browser, which sends it no cookie of ours.

use std::net::IpAddr;

use pulldown_cmark::{CowStr, Event, Tag, TagEnd};
use shared::outbound::public_address::is_public;
use url::{Host, Url};

const PRIVATE_ENDINGS: [&str; 7] = ["localhost", "local", "internal", "lan", "home", "corp", "home.arpa"];

/// Stands for the page's own host: a link that resolves to it leads to a page of this site.
const OWN_HOST: &str = "this-site.invalid";

/// Whether a link in a page leads to this machine or a private network. Browsers read it by the
/// page's scheme, which may be either.
pub fn leads_inside(link: &str) -> bool {
    ["http", "https"].iter().any(|scheme| {
        let base = Url::parse(&format!("{scheme}://{OWN_HOST}/"));
        base.and_then(|base| base.join(link)).is_ok_and(|url| is_private(&url))
    })
}

fn is_private(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(IpAddr::V4(address)),
        Some(Host::Ipv6(address)) => !is_public(IpAddr::V6(address)),
        Some(Host::Domain(OWN_HOST)) | None => false,
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            let below = |ending: &&str| name.strip_suffix(*ending).is_some_and(|it| it.is_empty() || it.ends_with('.'));
            !name.contains('.') || PRIVATE_ENDINGS.iter().any(below)
        }
    }
}

/// Shows links that lead inside as their words and their address. `copy-address.js` adds
/// a button that copies a `code.address`.
pub fn disarmed<'a>(events: impl Iterator<Item = Event<'a>>) -> impl Iterator<Item = Event<'a>> {
    let mut inside = UnsafeLink::default();
    events.flat_map(move |event| inside.shown(event))
}

/// The link that leads inside and whose words are being read.
#[derive(Default)]
struct UnsafeLink<'a> {
    address: Option<CowStr<'a>>,
    /// How many links are open inside of it: pictures that became links, shown as their words.
    depth: u32,
    /// Whether there are words, and they are something else than the address.
    has_words: bool,
}

impl<'a> UnsafeLink<'a> {
    fn shown(&mut self, event: Event<'a>) -> Vec<Event<'a>> {
        match (event, &self.address) {
            (Event::Start(Tag::Link { dest_url, .. }), None) if leads_inside(&dest_url) => {
                *self = Self { address: Some(dest_url), ..Self::default() };
                vec![]
            }
            (Event::Start(Tag::Link { .. }), Some(_)) => {
                self.depth += 1;
                vec![]
            }
            (Event::End(TagEnd::Link), Some(_)) if self.depth > 0 => {
                self.depth -= 1;
                vec![]
            }
            (Event::End(TagEnd::Link), Some(address)) => {
                let code = format!("<code class=\"address\">{}</code>", escaped(address));
                let space = self.has_words.then_some(Event::Text(" ".into()));
                self.address = None;
                space.into_iter().chain([Event::InlineHtml(code.into())]).collect()
            }
            // An autolink's words are its address.
            (Event::Text(text), Some(address)) if !self.has_words && text == *address => vec![],
            (event, Some(_)) => {
                self.has_words = true;
                vec![event]
            }
            (event, None) => vec![event],
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_seen_in_every_notation_that_browsers_read() {
        for link in [
            "http://127.0.0.1:3991/preview",
            "https://127.0.0.1/",
            "HTTP://127.1:3991",
            "http://2130706433:3991/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.1.:3991/",
            "http://１２７。0。0。1/",
            "http://%31%32%37.0.0.1/",
            "http://[::1]:3991/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://0/",
            "http://0.0.0.0:3991/",
            "http://localhost:3991",
            "http://LOCALHOST./",
            "http://placet-12ab.localhost:3991/",
            "http://user:pass@127.0.0.1/",
            "http://example.com@127.0.0.1/",
            "//127.0.0.1:3991/",
            "\\\\127.0.0.1:3991\\",
            "/\\127.0.0.1:3991/",
            "https:127.0.0.1:3991",
            "http:127.0.0.1:3991",
            "http:/127.0.0.1:3991",
            "http:\\\\127.0.0.1",
            " http://127.0.0.1/",
            "ht\ttp://127.0.0.1/",
            "http://127.0.\n0.1/",
            "ftp://127.0.0.1/",
            "ws://127.0.0.1/",
            "http://10.1.2.3/",
            "http://172.31.0.1/",
            "http://192.168.1.1/admin",
            "http://169.254.169.254/latest",
            "http://100.64.0.1/",
            "http://[fd00::1]/",
            "http://[fe80::1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://router/",
            "http://printer.local/",
            "http://nas.lan./",
            "http://metadata.google.internal/",
            "http://box.home.arpa/",
        ] {
            assert!(leads_inside(link), "{link:?}");
        }
    }

    #[test]
    fn public_links_and_our_own_pages_stay_links() {
        for link in [
            "https://example.com",
            "http://example.com:3991/x?u=http://127.0.0.1/#localhost",
            "http://127.0.0.1@example.com/",
            "http://93.184.215.14/",
            "https://[2606:4700::1111]/",
            "https://local.example.com/",
            "https://notlocalhost.com/",
            "https://mylan.example/",
            "/reviews/msg_1",
            "reviews",
            "#top",
            "?q=localhost",
            "",
            "mailto:somebody@localhost",
            "javascript:alert(1)",
            "data:text/html,http://127.0.0.1",
        ] {
            assert!(!leads_inside(link), "{link:?}");
        }
    }
}
