//! Search in file names and messages, independent of case and Unicode normalisation.

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Reply, World};

const COMPOSED: &str = "Prüfung";
const DECOMPOSED: &str = "Pru\u{308}fung";

#[tokio::test]
async fn file_search_ignores_case_and_unicode_normalisation() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for name in [DECOMPOSED, COMPOSED, "STRASSE", "other"] {
        let body = json!({ "channelId": agent.channel, "content": "x", "filename": format!("{name}.md") });
        agent.post("/api/v1/files/store-text", body).await.expect(201);
    }
    for (search, found) in [
        (COMPOSED, 2),
        (DECOMPOSED, 2),
        ("PRÜFUNG", 2),
        ("pru\u{308}f", 2),
        ("pruf", 0),
        ("Straße", 1),
        ("STRAẞE", 1),
        ("strasse", 1),
        ("nothing", 0),
    ] {
        let request = person.request(Method::GET, "/api/files").query(&[("search", search)]);
        let files = Reply::fetch(request).await.expect(200)["data"].clone();
        assert_eq!(files.as_array().unwrap().len(), found, "{search}: {files}");
        let request = person.request(Method::GET, "/files").query(&[("q", search)]);
        let page = Reply::fetch(request).await.text();
        assert_eq!(page.matches(" id=\"name-").count(), found, "{search}");
    }
}

#[tokio::test]
async fn message_search_ignores_case_and_unicode_normalisation() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let text = "Nach Mu\u{308}nchen, ΟΔΟΣ";
    let wanted = agent.create_message(json!({ "text": text, "review": { "type": "approval" } })).await;
    let other = agent.create_message(json!({ "text": "elsewhere" })).await;
    for search in ["München", "MÜNCHEN", "mu\u{308}nchen", "οδος", "οδοσ", "ΟΔΟΣ"] {
        let found = |reply: &Value| reply["data"].as_array().unwrap().len();
        let query = [("search", search), ("channel", &agent.channel)];
        let by_agent = agent.request(Method::GET, "/api/v1/messages").query(&query);
        assert_eq!(found(&Reply::fetch(by_agent).await.expect(200)), 1, "{search}");
        for path in ["/", &format!("/channels/{}", agent.channel)] {
            let page = person.request(Method::GET, path).query(&[("q", search)]);
            let page = Reply::fetch(page).await.text();
            assert!(page.contains(text) && page.contains(&wanted) && !page.contains(&other), "{path} {search}");
        }
    }
}
