//! Links in e-mails: to one person's view of one review, and out of the e-mails.
//!
//! A token is base64url of the ids and a signature. Nothing of it is stored, and it gives no session: what it opens shows
//! one review, and changes nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ulid::Ulid;

use crate::ids::{AgentId, MessageId, UserId};
use crate::secrets::{Purpose, ServerSecret, ServerSecrets};

const ULID: usize = 16;
const SIGNATURE: usize = 32;

/// One person's view of one review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MailLink {
    pub user: UserId,
    pub message: MessageId,
}

impl MailLink {
    /// The path of the page.
    pub fn path(&self, secret: &ServerSecret) -> String {
        let ids = [self.user.ulid(), self.message.channel().ulid(), self.message.ulid()];
        format!("/d/{}", signed(secret, Purpose::MailLinks, &ids))
    }

    /// The link that a token stands for, unless it is wrong.
    pub fn verified(token: &str, secrets: &ServerSecrets) -> Option<Self> {
        let [user, channel, message] = verified(token, secrets, Purpose::MailLinks)?;
        let message = MessageId::in_channel(AgentId::from_ulid(channel), message);
        Some(Self { user: UserId::from_ulid(user), message })
    }
}

/// What ends the e-mails of one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsubscribeLink(pub UserId);

impl UnsubscribeLink {
    /// The path of the page.
    pub fn path(&self, secret: &ServerSecret) -> String {
        format!("/unsubscribe/{}", signed(secret, Purpose::Unsubscribing, &[self.0.ulid()]))
    }

    /// The link that a token stands for, unless it is wrong.
    pub fn verified(token: &str, secrets: &ServerSecrets) -> Option<Self> {
        let [user] = verified(token, secrets, Purpose::Unsubscribing)?;
        Some(Self(UserId::from_ulid(user)))
    }
}

fn signed(secret: &ServerSecret, purpose: Purpose, ids: &[Ulid]) -> String {
    let mut bytes: Vec<u8> = ids.iter().flat_map(|id| id.to_bytes()).collect();
    let signature = secret.sign(purpose, &bytes);
    bytes.extend(signature);
    URL_SAFE_NO_PAD.encode(bytes)
}

fn verified<const N: usize>(token: &str, secrets: &ServerSecrets, purpose: Purpose) -> Option<[Ulid; N]> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().filter(|bytes| bytes.len() == N * ULID + SIGNATURE)?;
    let (ids, signature) = bytes.split_at(N * ULID);
    if !secrets.verify(purpose, ids, signature) {
        return None;
    }
    let ids = ids.chunks_exact(ULID).map(|id| id.try_into().map(Ulid::from_bytes));
    ids.collect::<Result<Vec<_>, _>>().ok()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;

    fn secrets(text: &str) -> ServerSecrets {
        ServerSecrets::parse(&text.repeat(32)).unwrap_or_default()
    }

    #[test]
    fn a_token_is_good_for_its_own_person_and_review_only() {
        let (now, ours) = (Timestamp::from_millis(1_769_852_000_000), secrets("a"));
        let link = MailLink { user: UserId::new(now), message: MessageId::new(AgentId::new(now), now) };
        let secret = ours.current().unwrap_or_else(|_| unreachable!());
        let path = link.path(secret);
        let token = path.strip_prefix("/d/").unwrap_or_default();
        assert_eq!(MailLink::verified(token, &ours), Some(link));
        assert_eq!(MailLink::verified(token, &secrets("b")), None);
        assert_eq!(UnsubscribeLink::verified(token, &ours), None);
        for at in 0..token.len() {
            let mut changed = token.as_bytes().to_vec();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap_or_default();
            assert_eq!(MailLink::verified(&changed, &ours), None, "{changed}");
        }
        for text in ["", "AAAA", "=", &token[1..], &format!("{token}A")] {
            assert_eq!(MailLink::verified(text, &ours), None, "{text}");
        }
        let out = UnsubscribeLink(link.user).path(secret);
        let token = out.strip_prefix("/unsubscribe/").unwrap_or_default();
        assert_eq!(UnsubscribeLink::verified(token, &ours), Some(UnsubscribeLink(link.user)));
        assert_eq!(MailLink::verified(token, &ours), None);
    }
}
