//! Contents of files: `textContent` for agents, and previews on pages.

use serde_json::{Value, json};
use test_support::{Agent, Person, RawForm, World};

const HEIC: &[u8] = b"\0\0\0\x18ftypheic\0\0\0\0heicmif1";

fn utf16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    format!("\u{FEFF}{text}").encode_utf16().flat_map(bytes).collect()
}

async fn send_with_file(agent: &Agent, name: &str, mime: Option<&str>, bytes: &[u8]) -> Value {
    let file = RawForm::for_agent(agent).file(name, mime, bytes).send(agent, "store").await.expect(201);
    let review = json!({ "text": "Read this", "attachmentIds": [file["id"]], "review": { "type": "approval" } });
    agent.send(review).await.expect(201)
}

/// The pages that preview a message's first file: its review and the file's own page.
async fn preview_pages(person: &Person, message: &Value) -> Vec<String> {
    let file = message["attachments"][0]["id"].as_str().unwrap();
    let mut pages = vec![];
    for path in [format!("/reviews/{}", message["id"].as_str().unwrap()), format!("/files/{file}")] {
        let page = person.get(&path).await;
        assert_eq!(page.status, 200, "{path}");
        pages.push(page.text());
    }
    pages
}

#[tokio::test]
async fn texts_in_utf_16_and_declared_charsets_are_read() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let text = "Größe;Ort\n1;Köln";
    let latin: Vec<u8> = text.chars().map(|c| c as u8).collect();
    for (mime, bytes) in [
        ("text/csv", utf16(text, u16::to_le_bytes)),
        ("text/csv", utf16(text, u16::to_be_bytes)),
        ("text/csv", format!("\u{FEFF}{text}").into_bytes()),
        ("text/csv; charset=iso-8859-1", latin.clone()),
        ("text/csv;charset=\"Windows-1252\"", latin.clone()),
        ("text/csv; charset=utf-8", text.as_bytes().to_vec()),
    ] {
        let message = send_with_file(&agent, "table.csv", Some(mime), &bytes).await;
        assert_eq!(message["attachments"][0]["textContent"], text, "{mime}");
        let file = message["attachments"][0]["id"].as_str().unwrap();
        assert_eq!(agent.get(&format!("/api/v1/files/{file}/download")).await.bytes, bytes, "the bytes are unchanged");
        for page in preview_pages(&person, &message).await {
            assert!(
                page.contains("<th scope=\"col\" dir=\"auto\">Größe</th>")
                    && page.contains("<td dir=\"auto\">Köln</td>"),
                "{mime}: {page}"
            );
        }
    }
    for (mime, bytes) in
        [("text/csv", latin.as_slice()), ("text/plain", b"\xFF\xFEa"), ("text/plain; charset=x", b"\xE9")]
    {
        let message = send_with_file(&agent, "a.txt", Some(mime), bytes).await;
        assert_eq!(message["attachments"][0]["textContent"], json!(null), "{mime}");
    }
}

#[tokio::test]
async fn csv_delimiters_are_detected() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (name, mime, text) in [
        ("a.csv", "text/csv", "sep=;\r\nName;Sum\r\nMüller;1.234,50\r\n"),
        ("a.csv", "text/csv", "\u{FEFF}sep=\t\nName\tSum\nMüller\t1.234,50\n"),
        ("a.csv", "text/csv", "Name;Sum\nMüller;1.234,50\nÅsa;-3,00\n"),
        ("a.csv", "text/csv", "Name|Sum\nMüller|1.234,50\n"),
        ("a.tsv", "text/tab-separated-values", "Name\tSum\nMüller\t1.234,50\n"),
        ("a.csv", "text/csv", "Name,Sum\n\"Müller\",\"1.234,50\"\n"),
        // Windows with Excel declares this type.
        ("a.csv", "application/vnd.ms-excel", "Name;Sum\nMüller;1.234,50\n"),
    ] {
        let message = send_with_file(&agent, name, Some(mime), text.as_bytes()).await;
        for page in preview_pages(&person, &message).await {
            assert!(
                page.contains("<th scope=\"col\" dir=\"auto\">Name</th><th scope=\"col\" dir=\"auto\">Sum</th>"),
                "{text}: {page}"
            );
            assert!(
                page.contains("<td dir=\"auto\">Müller</td><td dir=\"auto\">1.234,50</td>") && !page.contains("sep="),
                "{text}: {page}"
            );
        }
    }
}

#[tokio::test]
async fn a_long_text_shows_its_first_part_and_says_so() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let lines = |count: usize| (0..count).map(|n| format!("line {n} of it,ü\n")).collect::<String>();
    let (long, longer) = (lines(9_000), lines(60_000));
    for (name, mime) in [("big.log", "text/plain"), ("big.csv", "text/csv"), ("big.md", "text/markdown")] {
        let message = send_with_file(&agent, name, Some(mime), long.as_bytes()).await;
        assert_eq!(message["attachments"][0]["textContent"], json!(null));
        let file = message["attachments"][0]["id"].as_str().unwrap();
        for page in preview_pages(&person, &message).await {
            assert!(page.contains("line 0 of it") && !page.contains("line 8999 of it"), "{name}");
            assert!(page.contains("The first 64 KiB of "), "{name}");
            assert!(page.contains(&format!("href=\"/files/{file}?show=all\">Show all</a>")), "{name}");
            assert!(page.contains("Download the file</a>") && page.len() < 1_000_000, "{name}");
        }
        let all = person.get(&format!("/files/{file}?show=all")).await.text();
        let is_table = mime == "text/csv";
        assert!(all.contains("line 4999 of it") && (is_table || all.contains("line 8999 of it")), "{name}");
        assert!(!all.contains("The first ") && (!is_table || all.contains("more rows")), "{name}");
    }
    let message = send_with_file(&agent, "longer.log", Some("text/plain"), longer.as_bytes()).await;
    let file = message["attachments"][0]["id"].as_str().unwrap();
    assert!(person.get(&format!("/files/{file}")).await.text().contains(">Show more</a>"));
    let longest = person.get(&format!("/files/{file}?show=all")).await.text();
    assert!(
        longest.contains("The first 512 KiB of ")
            && longest.contains("line 20000 of it")
            && !longest.contains("Show more")
    );
    // A text of exactly the limit is shown in full.
    let fits = "x".repeat(64 * 1024);
    let message = send_with_file(&agent, "fits.txt", Some("text/plain"), fits.as_bytes()).await;
    for page in preview_pages(&person, &message).await {
        assert!(page.contains(&fits) && !page.contains("The first "));
    }
}

#[tokio::test]
async fn a_picture_browsers_cannot_show_is_a_link_with_type_and_size() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for (name, mime) in [("photo.heic", "image/heic"), ("scan.tif", "image/tiff"), ("raw", "image/x-canon-cr2")] {
        let message = send_with_file(&agent, name, Some(mime), HEIC).await;
        assert_eq!(message["attachments"][0]["pluginType"], "image");
        for page in preview_pages(&person, &message).await {
            assert!(!page.contains("<img src=\"/api/files/"), "{name}: {page}");
            assert!(page.contains(&format!("24 bytes · {mime}")), "{name}: {page}");
        }
        let file = &message["attachments"][0]["id"];
        let text = json!({ "text": format!("![the picture]({name})"), "attachmentIds": [], "status": "info" });
        assert_eq!(agent.send(text).await.status, 201);
        assert!(
            !person.get("/files").await.text().contains(&format!("<img src=\"/api/files/{}", file.as_str().unwrap()))
        );
    }
    let stored = RawForm::for_agent(&agent).file("p.heic", None, HEIC).send(&agent, "store").await.expect(201);
    let inline = json!({ "text": "See ![the photo](p.heic)", "attachmentIds": [stored["id"]], "review": { "type": "approval" } });
    let inline = agent.send(inline).await.expect(201);
    let page = person.get(&format!("/reviews/{}", inline["id"].as_str().unwrap())).await.text();
    assert!(!page.contains("<img src=\"/api/files/") && page.contains(">the photo</a>"), "{page}");
    let shown = send_with_file(&agent, "photo.png", None, b"\x89PNG\r\n\x1a\n").await;
    for page in preview_pages(&person, &shown).await {
        assert!(page.contains("<img src=\"/api/files/"), "{page}");
    }
}

#[tokio::test]
async fn a_pdf_can_be_opened_where_its_frame_stays_empty() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let message = send_with_file(&agent, "paper.pdf", None, b"%PDF-1.7\n").await;
    let path = format!("/api/files/{}/download", message["attachments"][0]["id"].as_str().unwrap());
    for page in preview_pages(&person, &message).await {
        assert!(
            page.contains(&format!("<a href=\"{path}\" target=\"_blank\" rel=\"noopener\">Open the PDF</a>")),
            "{page}"
        );
    }
}

#[tokio::test]
async fn html_of_up_to_512_kib_is_shown_in_its_frame_in_its_charset() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let long = format!("<p>Gr\u{fc}\u{df}e</p>{}", "<br>\n".repeat(20_000));
    let latin: Vec<u8> = long.chars().map(|c| c as u8).collect();
    let message = send_with_file(&agent, "page.html", Some("text/html; charset=latin1"), &latin).await;
    let file = message["attachments"][0]["id"].as_str().unwrap();
    let frame = person.get(&format!("/files/{file}/frame")).await;
    assert_eq!((frame.status, frame.text() == long), (200, true));
    assert!(frame.header("content-security-policy").contains("sandbox"));
    for page in preview_pages(&person, &message).await {
        assert!(page.contains(&format!("src=\"/files/{file}/frame\"")), "{page}");
    }
    let huge = send_with_file(&agent, "huge.html", None, "<br>".repeat(140_000).as_bytes()).await;
    let file = huge["attachments"][0]["id"].as_str().unwrap();
    assert_eq!(person.get(&format!("/files/{file}/frame")).await.status, 404);
}
