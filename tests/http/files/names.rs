//! Names of uploaded files, in the encodings of different clients.

use std::path::Path;
use std::process::Stdio;

use serde_json::{Value, json};
use test_support::rng;
use test_support::{Agent, RawForm, World};
use tokio::process::Command;

/// Uploads a file with this Content-Disposition filename; returns its stored name.
async fn stored_name(agent: &Agent, filename: &[u8]) -> String {
    let disposition = [b"form-data; name=\"file\"; ", filename].concat();
    let reply = RawForm::for_agent(agent).part(&disposition, None, b"x").send(agent, "store").await;
    reply.expect(201)["filename"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_extended_name_wins_over_encoded_words() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (filename, name) in [
        (&b"filename=\"=?utf-8?B?csOpc3Vtw6kucGRm?=\"; filename*=utf-8''r%C3%A9sum%C3%A9.pdf"[..], "résumé.pdf"),
        (b"filename*=utf-8''r%C3%A9sum%C3%A9.pdf", "résumé.pdf"),
        (b"filename*=ISO-8859-1''na%EFve.txt; filename=naive.txt", "naïve.txt"),
        (b"filename=\"=?utf-8?B?csOpc3Vtw6kucGRm?=\"", "résumé.pdf"),
        (b"filename=\"=?utf-8?Q?caf=C3=A9_au_lait.txt?=\"", "café au lait.txt"),
    ] {
        assert_eq!(stored_name(&agent, filename).await, name);
    }
}

#[tokio::test]
async fn percent_signs_are_decoded_where_they_are_an_encoding() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (sent, name) in [
        ("plain%20name.txt", "plain name.txt"),
        ("r%C3%A9sum%C3%A9.pdf", "résumé.pdf"),
        ("say %22hi%22.txt", "say \"hi\".txt"),
        // Names that contain such characters themselves.
        ("100%25.txt", "100%25.txt"),
        ("50% off.txt", "50% off.txt"),
        ("Grüße%20v2.txt", "Grüße%20v2.txt"),
        ("%FF.txt", "%FF.txt"),
        ("c%2b%2b.txt", "c%2b%2b.txt"),
    ] {
        assert_eq!(stored_name(&agent, format!("filename=\"{sent}\"").as_bytes()).await, name);
    }
}

#[tokio::test]
async fn legacy_encodings_backslashes_and_windows_paths_become_names() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (filename, name) in [
        (&b"filename=\"na\xEFve.txt\""[..], "naïve.txt"),
        (b"filename=\"say \\\"hi\\\" \\\\o.txt\"", "say \"hi\" \\o.txt"),
        (b"filename=\"C:\\fakepath\\plan.txt\"", "plan.txt"),
        (b"filename=\"a\\b.txt\"", "a\\b.txt"),
        (b"filename=unquoted.txt", "unquoted.txt"),
        (b"filename=\"a; name=channelId\"", "a; name=channelId"),
    ] {
        assert_eq!(stored_name(&agent, filename).await, name);
    }
}

#[tokio::test]
async fn an_invisible_name_becomes_a_visible_one() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for blank in ["", " ", "  \t ", "\u{a0}\u{2003}", "\u{200b}\u{feff}", "\u{2800}", "\u{202e}"] {
        assert_eq!(stored_name(&agent, format!("filename=\"{blank}\"").as_bytes()).await, "file", "{blank:?}");
        let text = json!({ "channelId": agent.channel, "content": "x", "filename": blank });
        let file = agent.post("/api/v1/files/store-text", text).await.expect(201);
        assert_eq!((&file["filename"], &file["mimeType"]), (&json!("file"), &json!("text/markdown")), "{blank:?}");
        let announced = json!({ "channelId": agent.channel, "filename": blank, "mimeType": "text/plain", "size": 1 });
        let announced = agent.post("/api/v1/files/presign", announced).await.expect(201);
        assert_eq!(announced["attachment"]["filename"], "file", "{blank:?}");
    }
    let file = agent.get_in_channel("/api/v1/files").await.expect(200)[0]["id"].as_str().unwrap().to_owned();
    let page = person.get(&format!("/files/{file}")).await.text();
    assert!(
        page.contains("<h1 dir=\"auto\">file</h1>") && page.contains("1 byte ") && !page.contains("1 bytes"),
        "{page}"
    );
}

/// A random name, with more characters that encodings escape than chance would give.
fn random_name(random: &mut fastrand::Rng) -> String {
    const PIECES: [&str; 24] = [
        "a", "Z", "0", ".", "-", "_", "~", " ", "%", "%20", "%zz", "\"", "'", "\\", ";", "=", "&", "+", "é",
        "e\u{301}", "日本", "🦀", "\u{202e}", "/",
    ];
    let length = 1 + random.usize(..12);
    let pieces = (0..length).map(|_| match random.usize(..4) == 0 {
        // Any character that a header may contain.
        true => loop {
            let c = char::from_u32(random.usize(..0x11_0000) as u32).filter(|c| !c.is_control() && !c.is_whitespace());
            if let Some(c) = c {
                break c.to_string();
            }
        },
        false => (*random.choice(&PIECES).unwrap()).to_owned(),
    });
    // At least one letter, and no blank at the end, which a header cannot contain unquoted.
    format!("x{}.txt", pieces.collect::<String>())
}

fn percent_encode(name: &str, is_plain: impl Fn(u8) -> bool) -> String {
    name.bytes().map(|b| if is_plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

fn unreserved(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"-._~".contains(&b)
}

/// Whether the name has only unreserved characters and percent signs. Nothing shows whether such a
/// name is encoded, so the service leaves it unchanged.
fn is_ambiguous(name: &str) -> bool {
    name.bytes().all(|b| unreserved(b) || b == b'%')
}

/// How each client encodes a name, and whether the service can restore the name exactly.
fn client_encodings(name: &str) -> Vec<(&'static str, String, bool)> {
    let browsers = name.replace('"', "%22");
    let backslashes = name.replace('\\', "\\\\").replace('"', "\\\"");
    let html5 = name.replace('\\', "\\\\").replace('"', "%22");
    let extended = percent_encode(name, |b| b.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&b));
    let words = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, name);
    // A name that looks like another client's encoding is decoded as such.
    let is_own = |sent: &str| !name.contains("%22") && !looks_encoded(sent);
    // Clients that escape backslashes send a pair for one.
    let is_raw = is_own(&browsers) && !name.contains("\\\\") && !browsers.ends_with('\\');
    vec![
        ("browsers", format!("filename=\"{browsers}\""), is_raw),
        ("curl before 7.81, Go, reqwest", format!("filename=\"{backslashes}\""), is_own(name)),
        ("httpx, urllib3 1.x", format!("filename=\"{html5}\""), is_own(name)),
        ("aiohttp", format!("filename=\"{}\"", percent_encode(name, unreserved)), !is_ambiguous(name)),
        (".NET", format!("filename=\"=?utf-8?B?{words}?=\"; filename*=utf-8''{extended}"), true),
        (".NET, old", format!("filename=\"=?utf-8?B?{words}?=\""), true),
        ("Apache, RFC 8187", format!("filename=\"fallback.txt\"; filename*=UTF-8'en'{extended}"), true),
    ]
}

/// Whether a plain name equals aiohttp's encoding of another name.
fn looks_encoded(sent: &str) -> bool {
    let decoded = percent_decode(sent);
    decoded.is_some_and(|name| name != sent && percent_encode(&name, unreserved) == sent && !is_ambiguous(&name))
}

fn percent_decode(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (vec![], text.as_bytes());
    while let [byte, behind @ ..] = rest {
        let hex = || std::str::from_utf8(behind.get(..2)?).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, hex()) {
            (b'%', Some(decoded)) => {
                bytes.push(decoded);
                rest = &behind[2..];
            }
            _ => {
                bytes.push(*byte);
                rest = behind;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

#[tokio::test]
async fn any_name_survives_each_clients_encoding() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let mut random = rng::from_env();
    let (mut count, mut exact) = (0, 0);
    for _ in 0..40 {
        let name = random_name(&mut random);
        for (client, filename, is_exact) in client_encodings(&name) {
            let stored = stored_name(&agent, filename.as_bytes()).await;
            assert!(!is_exact || stored == name, "{client}: {filename} became {stored:?}, not {name:?}");
            count += 1;
            exact += usize::from(is_exact);
        }
        // The encoding of reqwest.
        let file = agent.upload("store", &name, "text/plain", "x").await.expect(201);
        assert!(looks_encoded(&name) || name.contains("%22") || file["filename"] == name, "reqwest: {name:?}: {file}");
    }
    assert!(exact * 10 > count * 7, "{exact} of {count} names are not ambiguous");
}

/// Real HTTP clients upload files and report the stored names and types.
#[tokio::test]
async fn programs_upload_files_and_their_names_and_types_arrive() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/upload.py");
    let python = std::env::var("PLACET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let mut command = Command::new(python);
    command.arg(script).env("PLACET_URL", &world.url).env("PLACET_API_KEY", &agent.key);
    command.env("PLACET_CHANNEL", &agent.channel).kill_on_drop(true);
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().await.expect("python starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}\n{stderr}");
    let uploads: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(uploads.len() >= 24, "{stdout}");
    for upload in uploads {
        assert_eq!(upload["stored"], upload["name"], "{upload}");
        assert_eq!(upload["mimeType"], upload["wanted"], "{upload}");
    }
}
