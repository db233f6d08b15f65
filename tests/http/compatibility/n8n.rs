//! The community node of n8n, whose forms leave the channel out of some calls.

use reqwest::Method;
use serde_json::{Value, json};
use test_support::Reply;

use super::Callers;
use super::table::Table;

const CLIENT: &str = "n8n node (`n8n-nodes-placet`)";

pub async fn run(callers: &Callers, table: &mut Table) {
    let agent = &callers.agent;
    table.works(CLIENT, "credential test (`GET /agents`)", agent.get("/api/v1/agents").await.status == 200);
    let id = agent.create_message(json!({ "text": "x" })).await;
    let got = agent.get(&format!("/api/v1/messages/{id}")).await;
    table.works(CLIENT, "*Message: Get* without a channel", got.json()["id"] == json!(id));
    let deleted = Reply::fetch(agent.request(Method::DELETE, &format!("/api/v1/messages/{id}"))).await;
    table.works(CLIENT, "*Message: Delete* without a channel", deleted.json()["deleted"] == true);
    let pending = callers.pending().await;
    let review = agent.get(&format!("/api/v1/reviews/{pending}")).await;
    table.works(CLIENT, "*Review: Get* without a channel", review.json()["review"]["status"] == "pending");
    let list = agent.get("/api/v1/reviews/pending").await.json();
    let works = list.as_array().is_some_and(|list| list.iter().any(|it| it["id"] == json!(pending)));
    table.works(CLIENT, "*Review: Get Pending* without a channel", works);
    let uploaded = callers.upload("upload", "channelId", true).await;
    let file = uploaded.json()["id"].clone();
    table.works(CLIENT, "*File: Upload*", uploaded.status == 201 && uploaded.json()["messageId"].is_string());
    let files = agent.get("/api/v1/files?limit=50").await.json();
    let works = files.as_array().is_some_and(|files| files.iter().any(|it| it["id"] == file));
    table.works(CLIENT, "*File: Get Many* without a channel", works);
    let sent = agent.send(json!({ "text": "with the file", "attachmentIds": [file] })).await;
    table.works(CLIENT, "*Message: Send* with an uploaded file", sent.json()["attachments"][0]["id"] == file);
    let plugin = json!({ "type": "status-card", "payload": { "title": "T" } });
    let sent = agent.send(json!({ "text": "t", "review": plugin })).await.json();
    table.works(
        CLIENT,
        "*Request Plugin Review*: the type is the plugin's name",
        sent["metadata"]["plugin"] == "status-card",
    );
    let hook = json!({ "url": "https://93.184.215.14/hook", "channelId": agent.channel });
    let set = agent.post("/api/v1/agents/setWebhook", hook).await;
    let unset = agent.post("/api/v1/agents/deleteWebhook", json!({ "channelId": agent.channel })).await;
    let works = set.status == 200 && unset.json()["webhookUrl"].is_null();
    table.works(CLIENT, "trigger: `setWebhook`, `deleteWebhook`", works);
    read_and_report(callers, table, &file).await;
    let empty = json!({ "type": "selection", "payload": { "mode": "single", "items": [] } });
    let refused = agent.send(json!({ "text": "t", "review": empty })).await;
    table.differs(CLIENT, "a selection without items", "400 that names `review.payload.items`", refused.status == 400);
}

/// The operations that name their channel, as the node's forms require it.
async fn read_and_report(callers: &Callers, table: &mut Table, file: &Value) {
    let agent = &callers.agent;
    let id = agent.create_message(json!({ "text": "needle", "status": "info" })).await;
    let found = agent.get_in_channel("/api/v1/messages?limit=50&search=needle").await.json();
    let works = found["data"][0]["id"] == json!(id) && found["data"][0]["createdAt"].is_string();
    table.works(CLIENT, "*Message: Get Many* with a search; the trigger's poll", works);
    let path = format!("/api/v1/messages/{id}/ack?channel={}", agent.channel);
    let acknowledged = callers.call(Method::POST, &path, json!({})).await;
    table.works(CLIENT, "*Message: Acknowledge*", acknowledged.json()["acknowledged"] == true);
    let iterations = agent.get_in_channel(&format!("/api/v1/messages/iterations/{id}")).await.json();
    table.works(CLIENT, "*Message: Get Iterations*", iterations["iterations"][0]["id"] == json!(id));
    let approved = callers.approved().await;
    let waited = agent.wait(&approved, 1000).await.json();
    table.works(CLIENT, "*Review: Wait*", waited["message"]["review"]["response"]["selectedOption"] == "approve");
    let bytes = agent.get(&format!("/api/v1/files/{}/download", file.as_str().unwrap_or_default())).await;
    let works = bytes.status == 200 && bytes.text() == "a note" && bytes.header("content-disposition").contains("note");
    table.works(CLIENT, "*File: Download*", works);
    let ping = json!({ "agentId": agent.channel, "status": "active" });
    table.works(CLIENT, "*Status: Ping*", agent.post("/api/v1/status/ping", ping).await.status == 201);
    let plugins = agent.get("/api/v1/plugins").await.json();
    let plugin = agent.get("/api/v1/plugins/status-card").await.json();
    let works = plugins.as_array().is_some_and(|list| list.iter().any(|it| it["name"] == plugin["name"]))
        && plugin["inputSchema"]["properties"].is_object();
    table.works(CLIENT, "*Plugin: Get Many*, *Get*", works);
}
