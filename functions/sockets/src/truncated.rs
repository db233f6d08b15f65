//! Events that fit a message of the gateway: a long message comes without what is longest, marked `truncated: true`.

use serde_json::{Value, json};

/// The members of a message that are left out, in this order, until it fits: each can be read with the message.
const LEFT_OUT: [&[&str]; 6] = [
    &["attachments"],
    &["statusEvents"],
    &["metadata"],
    &["review", "payload"],
    &["review", "action"],
    &["review", "response"],
];

/// The message in `data` within `room` bytes.
pub fn truncated(data: &str, room: usize) -> String {
    let mut message: Value = serde_json::from_str(data).unwrap_or_default();
    message["truncated"] = json!(true);
    if let Some(files) = message["attachments"].as_array_mut() {
        files.iter_mut().for_each(|file| file["textContent"] = Value::Null);
    }
    for path in LEFT_OUT {
        if let Some(fitting) = with_short_text(&message, room) {
            return fitting;
        }
        empty(&mut message, path);
    }
    with_short_text(&message, room).unwrap_or_else(|| least(&message).to_string())
}

/// The message, if it fits once its text is cut.
fn with_short_text(message: &Value, room: usize) -> Option<String> {
    let mut short = message.clone();
    shorten_text(&mut short, room);
    Some(short.to_string()).filter(|text| text.len() <= room)
}

/// Cuts the text to what the rest leaves, but keeps at least its beginning.
fn shorten_text(message: &mut Value, room: usize) {
    const LEAST: usize = 1000;
    let Some(text) = message["text"].as_str().map(str::to_owned) else { return };
    let rest = message.to_string().len() - Value::from(text.as_str()).to_string().len();
    // Escapes may take six bytes for one.
    let (mut end, mut written) = (0, 2);
    for (place, character) in text.char_indices() {
        written += Value::from(character.to_string()).to_string().len() - 2;
        if rest + written > room && place >= LEAST {
            break;
        }
        end = place + character.len_utf8();
    }
    message["text"] = json!(&text[..end]);
}

fn empty(message: &mut Value, path: &[&str]) {
    let Some(member) = path.iter().try_fold(message, |value, name| value.get_mut(name)) else { return };
    *member = if member.is_array() { json!([]) } else { Value::Null };
}

/// What names the message, whatever is in it.
fn least(message: &Value) -> Value {
    let mut least = json!({ "truncated": true });
    for name in ["id", "channelId", "senderType", "senderId", "status", "createdAt", "updatedAt"] {
        least[name] = message[name].clone();
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(text: &str) -> Value {
        json!({ "id": "msg_1", "channelId": "agt_1", "text": text, "metadata": null, "attachments": [],
            "review": { "type": "form", "status": "completed", "payload": null, "response": null } })
    }

    fn cut(message: &Value, room: usize) -> Value {
        let text = truncated(&message.to_string(), room);
        assert!(text.len() <= room, "{} bytes", text.len());
        let cut: Value = serde_json::from_str(&text).unwrap_or_default();
        assert_eq!((&cut["truncated"], &cut["id"]), (&json!(true), &json!("msg_1")));
        cut
    }

    #[test]
    fn a_long_text_is_cut_where_it_stops_fitting() {
        for text in ["x".repeat(200_000), "\u{1}".repeat(100_000), "🎉\n".repeat(50_000)] {
            let cut = cut(&message(&text), 100_000);
            let kept = cut["text"].as_str().unwrap_or_default();
            assert!(text.starts_with(kept) && cut.to_string().len() > 99_000, "{}", cut.to_string().len());
        }
    }

    #[test]
    fn what_is_longest_is_left_out_and_the_rest_stays() {
        let mut long = message("short");
        long["metadata"] = json!({ "a": "x".repeat(60_000) });
        long["review"]["payload"] = json!({ "b": "y".repeat(60_000) });
        let first = cut(&long, 100_000);
        assert_eq!((&first["metadata"], &first["text"]), (&Value::Null, &json!("short")));
        assert!(first["review"]["payload"].is_object());
        long["review"]["response"] = json!({ "c": "z".repeat(120_000) });
        let both = cut(&long, 100_000);
        assert_eq!((&both["review"]["response"], &both["review"]["status"]), (&Value::Null, &json!("completed")));
        long["other"] = json!("o".repeat(120_000));
        assert!(cut(&long, 100_000)["review"].is_null());
    }
}
