//! Facio, from its and Placet's documentation.

use reqwest::Method;
use serde_json::{Value, json};
use test_support::Reply;

use super::Callers;
use super::table::Table;

const CLIENT: &str = "Facio";

pub async fn run(callers: &Callers, table: &mut Table) {
    let agent = callers.person.agent().await;
    let set = async |what: &str, mut body: Value| {
        body["channelId"] = json!(agent.channel);
        agent.post(&format!("/api/v1/agents/{what}"), body).await.json()
    };
    let managed = set("setManagement", json!({ "url": "https://manage.example/api", "apiKey": "k" })).await;
    let cleared = set("setManagement", json!({ "url": null, "apiKey": null })).await;
    let works = managed["managementApiKey"] == "***" && cleared["managementUrl"].is_null();
    table.works(CLIENT, "`setManagement`, and null clears it", works);
    let child = set("setSubagent", json!({ "isSubagent": true, "parentChannelId": callers.agent.channel })).await;
    table.works(CLIENT, "`setSubagent`", child["parentAgentId"] == json!(callers.agent.channel));
    let hook = json!({ "webhookUrl": "https://93.184.215.14/hook", "management": { "url": "https://manage.example", "apiKey": "k" },
        "isSubagent": false });
    let set_all = set("setWebhook", hook).await;
    let works =
        set_all["webhookUrl"].is_string() && set_all["managementUrl"].is_string() && set_all["isSubagent"] == false;
    table.works(CLIENT, "`setWebhook` with `webhookUrl`, `management`, `isSubagent`", works);
    table.works(CLIENT, "`setTag`", set("setTag", json!({ "tag": "t" })).await["tag"] == "t");
    let commands = json!({ "commands": [{ "command": "stop", "description": "Stops" }] });
    let reply =
        Reply::fetch(agent.request(Method::PUT, &format!("/api/v1/agents/{}/commands", agent.channel)).json(&commands));
    table.works(CLIENT, "`PUT /agents/{id}/commands`", reply.await.status == 200);
    let path = format!("/api/v1/agents/{}", agent.channel);
    let patched = Reply::fetch(agent.request(Method::PATCH, &path).json(&json!({ "name": "New" }))).await;
    table.works(CLIENT, "`PATCH /agents/{id}`", patched.json()["name"] == "New");
    streams(callers, table).await;
    let oauth = agent.get("/api/v1/oauth/callback?code=a&state=b").await;
    table.differs(CLIENT, "OAuth relay (`/oauth/callback`, `oauth:start`)", "501: not offered", oauth.status == 501);
    let manage = callers.person.get(&format!("/api/agents/{}/manage/status", agent.channel)).await;
    table.differs(CLIENT, "management pages (`/api/agents/{id}/manage/*`)", "501: not offered", manage.status == 501);
    let deleted = Reply::fetch(agent.request(Method::DELETE, &path)).await;
    table.works(CLIENT, "`DELETE /agents/{id}`", deleted.json()["deleted"] == true);
}

async fn streams(callers: &Callers, table: &mut Table) {
    let agent = &callers.agent;
    let status = json!({ "channelId": agent.channel, "text": "thinking" });
    let early = agent.post("/api/v1/messages/streams/facio/status", status).await;
    let draft = agent.send(json!({ "text": "He", "streamId": "facio", "streamState": "streaming" })).await;
    let patch = async |body: Value| callers.call(Method::PATCH, "/api/v1/messages/streams/facio", body).await;
    let end = patch(json!({ "channelId": agent.channel, "text": "Hello", "complete": true })).await;
    let works = (early.status, draft.status, &end.json()["streamState"]) == (201, 201, &json!("complete"));
    table.works(CLIENT, "streams: status, draft, `PATCH`, end", works);
    let late = patch(json!({ "channelId": agent.channel, "text": "Hello!" })).await;
    table.differs(CLIENT, "a `PATCH` after the end of a stream", "409 `stream_ended`", late.status == 409);
}
