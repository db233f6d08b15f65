//! Bodies without secrets, files and long texts, for the request log.

use serde_json::{Map, Value};
use url::Url;

use crate::json;
use crate::review::secret;

/// What a log shows instead of a secret.
const MASK: &str = "***";
/// Of a body, in bytes.
const MAX_SHOWN: usize = 2 * 1024;
/// Of one text, in characters.
const MAX_TEXT: usize = 200;

/// A JSON body for the log; `None` if the body is not JSON.
pub fn masked(body: &[u8]) -> Option<String> {
    let mut value = json::parse_lossy(json::text_of(body).ok()?).ok()?;
    mask(&mut value);
    let mut text = value.to_string();
    if text.len() > MAX_SHOWN {
        const MORE: &str = "…";
        text.truncate(text.floor_char_boundary(MAX_SHOWN - MORE.len()));
        text.push_str(MORE);
    }
    Some(text)
}

/// A webhook's event for the log, without the review's response in it.
pub fn masked_event(payload: &str) -> Option<String> {
    let mut event = json::parse_lossy(payload).ok()?;
    if let Some(response) = event.get_mut("response").filter(|it| !it.is_null()) {
        *response = MASK.into();
    }
    masked(event.to_string().as_bytes())
}

fn mask(value: &mut Value) {
    match value {
        Value::String(text) => *text = shown(text),
        Value::Array(elements) => elements.iter_mut().for_each(mask),
        Value::Object(members) => mask_members(members),
        _ => {}
    }
}

fn mask_members(members: &mut Map<String, Value>) {
    let secret_answers = members.get("payload").map(secret::in_value).unwrap_or_default();
    let password_field = members.get("type").is_some_and(secret::is_password_type);
    for (name, value) in members.iter_mut() {
        match name.as_str() {
            _ if value.is_null() => {}
            _ if is_secret(name) => *value = MASK.into(),
            "defaultValue" if password_field => *value = MASK.into(),
            "content" | "textContent" if value.is_string() => *value = "[text of a file]".into(),
            "response" => {
                for field in &secret_answers {
                    if let Some(answer) = value.get_mut(field) {
                        *answer = MASK.into();
                    }
                }
                mask(value);
            }
            _ => mask(value),
        }
    }
}

/// Whether a member of this name is a secret, in any spelling.
fn is_secret(name: &str) -> bool {
    const WHOLE: [&str; 3] = ["key", "auth", "headers"];
    const PARTS: [&str; 8] =
        ["password", "passwd", "secret", "token", "authorization", "apikey", "cookie", "credential"];
    let name: String = name.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_lowercase();
    WHOLE.contains(&name.as_str()) || name.ends_with("headers") || PARTS.iter().any(|part| name.contains(part))
}

/// How a key, a token or a credential begins.
const SECRET: [&str; 5] = ["hp_", "hs_", "whsec_", "Bearer ", "Basic "];

fn begins_a_secret(text: &str) -> bool {
    SECRET.iter().any(|prefix| text.starts_with(prefix))
}

/// A path without credentials that were put there by mistake.
pub fn path(path: &str) -> String {
    let shown = |segment: &'_ str| if begins_a_secret(segment) { MASK.to_owned() } else { segment.to_owned() };
    path.split('/').map(shown).collect::<Vec<_>>().join("/")
}

fn shown(text: &str) -> String {
    if begins_a_secret(text) {
        return MASK.to_owned();
    }
    if text.starts_with('/') {
        return cut(&path(text));
    }
    if text.starts_with("data:") {
        return "[bytes of a file]".to_owned();
    }
    if is_web_address(text) {
        return cut(&without_secrets(text));
    }
    cut(text)
}

/// Read as URL parsers do: white space around it and the case of its scheme do not count.
fn is_web_address(text: &str) -> bool {
    let start: String = text.trim().chars().take(6).collect::<String>().to_ascii_lowercase();
    start == "https:" || start.starts_with("http:")
}

/// A URL without credentials: signatures and tokens in its query, user name and password.
fn without_secrets(text: &str) -> String {
    let Ok(mut url) = Url::parse(text) else { return MASK.to_owned() };
    if url.query().is_some() {
        url.set_query(Some(MASK));
    }
    url.set_fragment(None);
    // Only URLs without a host refuse these, and have neither.
    if !url.username().is_empty() || url.password().is_some() {
        let _ = url.set_username(MASK);
        let _ = url.set_password(None);
    }
    url.into()
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn seen(body: Value) -> Value {
        masked(body.to_string().as_bytes()).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    #[test]
    fn secrets_are_masked_by_their_names() {
        for name in ["key", "apiKey", "api_key", "newPassword", "webhookSecret", "auth", "headers", "Access-Token"] {
            assert_eq!(seen(json!({ "in": [{ name: { "deep": "s" } }] })), json!({ "in": [{ name: "***" }] }));
        }
        assert_eq!(
            seen(json!({ "keyPrefix": "ab", "author": "x", "secret": null })).to_string().matches("***").count(),
            0
        );
    }

    #[test]
    fn secrets_are_masked_by_their_looks() {
        let body = json!(["hp_abc", "https://a:b@host/x?sig=1#f", "http://[", "data:image/png;base64,AAAA"]);
        assert_eq!(seen(body), json!(["***", "https://***@host/x?***", "***", "[bytes of a file]"]));
        let odd = json!(["HTTPS://a:b@host/", " https://a:b@host/", "http:a:b@host", "https:\\\\a:b@host"]);
        let masked = ["https://***@host/", "https://***@host/", "http://***@host/", "https://***@host/"];
        assert_eq!(seen(odd), json!(masked));
    }

    #[test]
    fn answers_to_password_fields_are_masked() {
        let fields =
            json!([{ "name": "pin", "type": "password", "defaultValue": "1" }, { "name": "who", "type": "text" }]);
        let review = json!({ "payload": { "fields": fields }, "response": { "pin": "1234", "who": "me" } });
        let seen = seen(json!({ "review": review }))["review"].clone();
        assert_eq!(seen["response"], json!({ "pin": "***", "who": "me" }));
        assert_eq!(seen["payload"]["fields"][0]["defaultValue"], "***");
    }

    #[test]
    fn long_bodies_and_texts_are_cut() {
        assert_eq!(seen(json!("é".repeat(300))), json!(format!("{}…", "é".repeat(200))));
        let long = masked(json!(vec!["é".repeat(150); 50]).to_string().as_bytes()).unwrap_or_default();
        assert!(long.len() <= MAX_SHOWN && long.ends_with('…'), "{long}");
        assert_eq!(masked(b"{"), None);
    }
}
