//! Frames of Engine.IO 4 and Socket.IO 5 as text: what the namespace `/ws` needs of them, without binary attachments.

use std::time::Duration;

use serde_json::value::RawValue;

use crate::{hex, random};

/// The namespace of all events.
pub const NAMESPACE: &str = "/ws";

/// A frame from a client.
#[derive(Debug, PartialEq)]
pub enum Frame<'a> {
    /// `1`: the end of the connection.
    Close,
    /// `2` with its data, which a client may send as a probe.
    Ping(&'a str),
    /// `3`: the answer to a ping.
    Pong,
    /// `40`: a namespace and the credentials.
    Connect { namespace: &'a str, payload: &'a str },
    /// `41`: the end of a namespace.
    Disconnect,
    /// `42`: a namespace and the array of name and arguments.
    Event { namespace: &'a str, payload: &'a str },
    /// Anything else, such as acknowledgements and binary events.
    Other,
}

/// Reads a frame; nothing if it is none of this protocol's.
pub fn parse(text: &str) -> Option<Frame<'_>> {
    let rest = text.get(1..)?;
    Some(match text.as_bytes().first()? {
        b'1' => Frame::Close,
        b'2' => Frame::Ping(rest),
        b'3' => Frame::Pong,
        b'4' => return parse_packet(rest),
        b'5' | b'6' => Frame::Other,
        _ => return None,
    })
}

fn parse_packet(packet: &str) -> Option<Frame<'_>> {
    let rest = packet.get(1..)?;
    let (namespace, payload) = match rest.strip_prefix('/') {
        Some(_) => rest.split_once(',').unwrap_or((rest, "")),
        None => ("/", rest),
    };
    Some(match packet.as_bytes().first()? {
        b'0' => Frame::Connect { namespace, payload },
        b'1' => Frame::Disconnect,
        b'2' => {
            // The id of an acknowledgement stands before the array.
            let payload = payload.trim_start_matches(|c: char| c.is_ascii_digit());
            Frame::Event { namespace, payload }
        }
        b'3'..=b'6' => Frame::Other,
        _ => return None,
    })
}

/// The name of an event and its first argument.
pub fn event_of(payload: &str) -> Option<(String, Option<Box<RawValue>>)> {
    let mut members: Vec<Box<RawValue>> = serde_json::from_str(payload).ok()?;
    let name = serde_json::from_str(members.first()?.get()).ok()?;
    let argument = (members.len() > 1).then(|| members.swap_remove(1));
    Some((name, argument))
}

/// The first frame of a server.
pub fn open(id: &str, [ping_interval, ping_timeout]: [Duration; 2], max_payload: usize) -> String {
    let [ping_interval_ms, ping_timeout_ms] = [ping_interval, ping_timeout].map(|it| it.as_millis());
    format!(
        r#"0{{"sid":"{id}","upgrades":[],"pingInterval":{ping_interval_ms},"pingTimeout":{ping_timeout_ms},"maxPayload":{max_payload}}}"#
    )
}

/// The namespace accepts the connection.
pub fn connected(id: &str) -> String {
    format!(r#"40{NAMESPACE},{{"sid":"{id}"}}"#)
}

/// A namespace refuses the connection. `namespace` is the client's text; `reason` is ours.
pub fn refused(namespace: &str, reason: &str) -> String {
    format!(r#"44{namespace},{{"message":"{reason}"}}"#)
}

/// Whether a namespace can be sent back as it came.
pub fn is_plain(namespace: &str) -> bool {
    namespace.len() <= 64 && namespace.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_".contains(&b))
}

/// A new id of a connection, as clients see it.
pub fn new_id() -> String {
    hex::encode(&random::bytes::<16>())
}

/// A ping of the server.
pub const PING: &str = "2";

/// The answer to a ping, with its data.
pub fn pong(data: &str) -> String {
    format!("3{data}")
}

/// The answer to the event `ping`.
pub fn pong_event() -> String {
    format!(r#"42{NAMESPACE},["pong"]"#)
}

/// An event; `data` is JSON.
pub fn event(name: &str, data: &str) -> String {
    format!(r#"42{NAMESPACE},["{name}",{data}]"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_as_clients_write_them() {
        let connect = Frame::Connect { namespace: "/ws", payload: r#"{"apiKey":"k"}"# };
        assert_eq!(parse(r#"40/ws,{"apiKey":"k"}"#), Some(connect));
        assert_eq!(parse("40"), Some(Frame::Connect { namespace: "/", payload: "" }));
        assert_eq!(parse("40/ws"), Some(Frame::Connect { namespace: "/ws", payload: "" }));
        let event = Frame::Event { namespace: "/ws", payload: r#"["ping"]"# };
        assert_eq!(parse(r#"42/ws,12["ping"]"#), Some(event));
        assert_eq!(
            [parse("1"), parse("3"), parse("2probe")],
            [Frame::Close, Frame::Pong, Frame::Ping("probe")].map(Some)
        );
        assert_eq!([parse(""), parse("4"), parse("x"), parse("4x"), parse("é")], [const { None }; 5]);
    }

    #[test]
    fn an_event_has_a_name_and_perhaps_an_argument() {
        let read = event_of(r#"["subscribe:channel","agt_1",2]"#);
        let read = read.as_ref().map(|(name, argument)| (name.as_str(), argument.as_ref().map(|it| it.get())));
        assert_eq!(read, Some(("subscribe:channel", Some(r#""agt_1""#))));
        assert!(event_of(r#"["ping"]"#).is_some_and(|(_, argument)| argument.is_none()));
        assert!(["[]", "{}", "[1]", "", "[\"a\""].iter().all(|payload| event_of(payload).is_none()));
    }
}
