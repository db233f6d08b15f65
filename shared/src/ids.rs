//! Ids are newtypes that sort by time and carry their partition.
//!
//! A message or file id holds its channel's id, so a route that is given an id alone does one
//! key read. Parsing is total: only the exact text we once gave out is an id, and any other text
//! is "not found", never an error of its own.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use ulid::Ulid;

use crate::clock::Timestamp;

/// A text that is no id of the kind that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

/// A fresh ULID: 48 bits of time, 80 random ones from the system's source.
pub fn new_ulid(now: Timestamp) -> Ulid {
    Ulid::from_parts(now.millis().unsigned_abs(), u128::from_le_bytes(crate::random::bytes()))
}

/// The ULID that `text` is, provided it is written as we write it.
pub fn parse_ulid(text: &str) -> Result<Ulid, NotAnId> {
    let ulid = Ulid::from_string(text).map_err(|_| NotAnId)?;
    if ulid.to_string() == text { Ok(ulid) } else { Err(NotAnId) }
}

/// A type of ids with one value that is never issued. It stands for a text that is no id: the store
/// authenticates the caller and then finds nothing, as for every id that does not exist.
pub trait Nil: FromStr {
    fn nil() -> Self;

    /// The id that a text is, or the one that is never issued.
    fn parse_or_nil(text: &str) -> Self {
        text.parse().unwrap_or_else(|_| Self::nil())
    }
}

impl Nil for String {
    fn nil() -> Self {
        Self::new()
    }
}

/// The parts every id type has in common: text form, serde by that text.
macro_rules! text_id {
    ($name:ident) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    };
}

macro_rules! plain_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Ulid);

        impl $name {
            pub fn new(now: Timestamp) -> Self {
                Self(new_ulid(now))
            }

            pub fn ulid(self) -> Ulid {
                self.0
            }

            pub fn from_ulid(ulid: Ulid) -> Self {
                Self(ulid)
            }
        }

        impl Nil for $name {
            fn nil() -> Self {
                Self(Ulid::default())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                parse_ulid(text.strip_prefix($prefix).ok_or(NotAnId)?).map(Self)
            }
        }

        text_id!($name);
    };
}

macro_rules! id_in_channel {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name {
            channel: AgentId,
            ulid: Ulid,
        }

        impl $name {
            pub fn new(channel: AgentId, now: Timestamp) -> Self {
                Self { channel, ulid: new_ulid(now) }
            }

            pub fn in_channel(channel: AgentId, ulid: Ulid) -> Self {
                Self { channel, ulid }
            }

            /// The channel that this id's item lives in.
            pub fn channel(self) -> AgentId {
                self.channel
            }

            pub fn ulid(self) -> Ulid {
                self.ulid
            }
        }

        impl Nil for $name {
            fn nil() -> Self {
                Self { channel: AgentId::nil(), ulid: Ulid::default() }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}{}"), self.channel.0, self.ulid)
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let ulids = text.strip_prefix($prefix).ok_or(NotAnId)?;
                let (channel, own) = ulids.split_at_checked(ulid::ULID_LEN).ok_or(NotAnId)?;
                Ok(Self { channel: AgentId(parse_ulid(channel)?), ulid: parse_ulid(own)? })
            }
        }

        text_id!($name);
    };
}

plain_id!(
    /// A person.
    UserId, "usr_");
plain_id!(
    /// An agent, and so its channel: one agent, one channel.
    AgentId, "agt_");
plain_id!(
    /// An API key as people name it; the key itself is only known by its hash.
    ApiKeyId, "key_");
plain_id!(
    /// A logged API call.
    LogId, "log_");
id_in_channel!(
    /// A message, and its review if it has one.
    MessageId, "msg_");
id_in_channel!(
    /// A stored file.
    FileId, "fil_");

/// The channel that a call names besides an id, if it names one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaybeChannel {
    Absent,
    Named(AgentId),
}

impl From<AgentId> for MaybeChannel {
    fn from(named: AgentId) -> Self {
        Self::Named(named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_id_carries_its_channel() {
        let now = Timestamp::from_millis(1_769_852_000_000);
        let id = MessageId::new(AgentId::new(now), now);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().parse::<MessageId>().map(MessageId::channel), Ok(id.channel()));
    }

    #[test]
    fn only_the_exact_text_is_an_id() {
        let id = AgentId::new(Timestamp::from_millis(1)).to_string();
        for text in [
            String::new(),
            id.to_lowercase(),
            format!("{id}0"),
            format!(" {id}"),
            id[..id.len() - 1].to_owned(),
            format!("usr_{}", &id[4..]),
            "agt_ZZZZZZZZZZZZZZZZZZZZZZZZZZ".to_owned(),
            "agt_🦀🦀🦀🦀🦀🦀🦀".to_owned(),
        ] {
            assert_eq!(text.parse::<AgentId>(), Err(NotAnId), "{text}");
            assert_eq!(text.parse::<FileId>(), Err(NotAnId), "{text}");
        }
    }
}
