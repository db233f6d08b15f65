//! Placet's MCP server, which calls the API with a key.

use reqwest::Method;
use serde_json::json;
use test_support::Reply;

use super::Callers;
use super::table::Table;

const CLIENT: &str = "MCP server (`@placet/mcp`)";

pub async fn run(callers: &Callers, table: &mut Table) {
    let agent = &callers.agent;
    let listed = agent.get("/api/v1/agents").await.json();
    table.works(CLIENT, "`list_channels`", listed[0]["id"].is_string() && listed[0].get("webhookUrl").is_some());
    let made = agent.post("/api/v1/agents", json!({ "name": "Made", "description": "d" })).await;
    table.works(CLIENT, "`create_channel`", made.status == 201 && made.json()["name"] == "Made");
    let id = agent.create_message(json!({ "text": "hello", "status": "info", "metadata": { "a": 1 } })).await;
    let page = agent.get_in_channel("/api/v1/messages?limit=1").await.json();
    table.works(
        CLIENT,
        "`send_message`, `get_messages`",
        page["data"][0]["id"] == json!(id) && page["nextCursor"].is_string(),
    );
    let got = agent.get_in_channel(&format!("/api/v1/messages/{id}")).await;
    table.works(CLIENT, "`get_message`", got.status == 200 && got.json()["text"] == "hello");
    let path = format!("/api/v1/messages/{id}/ack?channel={}", agent.channel);
    let empty = callers.call(Method::POST, &path, json!({})).await;
    let absent = Reply::fetch(agent.request(Method::POST, &path)).await;
    let works = [&empty, &absent].iter().all(|reply| reply.json()["acknowledged"] == true);
    table.works(CLIENT, "`POST /messages/{id}/ack`, body `{}` or none", works);
    let deleted = agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await;
    table.works(CLIENT, "`delete_message`", deleted.json()["deleted"] == true);

    let pending = callers.pending().await;
    let list = agent.get_in_channel("/api/v1/reviews/pending").await.json();
    let works = list.as_array().is_some_and(|list| list.iter().any(|it| it["id"] == json!(pending)));
    table.works(CLIENT, "`get_pending_reviews`", works);
    let review = agent.get_in_channel(&format!("/api/v1/reviews/{pending}")).await.json();
    let works = review["review"]["status"] == "pending" && review["review"]["expiresAt"].is_string();
    table.works(CLIENT, "`GET /reviews/{id}`: `review.status`, `.expiresAt`", works);
    let timeout = agent.wait(&pending, 1).await.json();
    table.works(CLIENT, "`wait_for_review`, without an answer", timeout["status"] == "timeout");
    let ping = json!({ "agentId": agent.channel, "status": "busy", "message": "m" });
    table.works(CLIENT, "`ping_status`", agent.post("/api/v1/status/ping", ping).await.status == 201);
    plugins(callers, table).await;
}

async fn plugins(callers: &Callers, table: &mut Table) {
    let agent = &callers.agent;
    let plugins = agent.get("/api/v1/plugins").await.json();
    let named = |name: &str| plugins.as_array().and_then(|all| all.iter().find(|it| it["name"] == name)).cloned();
    for name in ["form-submit", "kroki-diagram"] {
        let works =
            named(name).is_some_and(|it| it["inputSchema"]["properties"].is_object() && it["version"].is_string());
        table.works(CLIENT, &format!("`list_plugins` names `{name}`"), works);
    }
    let payload = json!({ "plugin": "kroki-diagram", "title": "T", "source": "graph TD" });
    let review = json!({ "type": "freeform", "payload": payload });
    let sent = agent.send(json!({ "text": "t", "review": review })).await.json();
    let page = callers.browser.get(&format!("/reviews/{}", sent["id"].as_str().unwrap_or_default())).await.text();
    let works = sent["metadata"]["plugin"] == "kroki-diagram" && page.contains("graph TD");
    table.works(CLIENT, "`send_kroki_diagram_message`: its data are drawn", works);
}
