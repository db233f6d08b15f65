//! Placet's web inbox, by what its end-to-end specs expect.

use reqwest::Method;
use serde_json::json;
use test_support::{Person, Reply};

use super::Callers;
use super::table::Table;

const CLIENT: &str = "Placet's inbox and its specs";

pub async fn run(callers: &Callers, table: &mut Table) {
    let (person, agent) = (&callers.person, &callers.agent);
    let ticket = person.post("/api/auth/ws-ticket", json!({})).await;
    let visitor = Person::signed_out(&callers.url, "", "");
    let refused = visitor.post("/api/auth/ws-ticket", json!({})).await;
    table.works(CLIENT, "`POST /api/auth/ws-ticket`", ticket.json()["ticket"].is_string() && refused.status == 401);
    let page = person.get("/api/logs?limit=1").await.json();
    let entry = page["data"][0]["id"].as_str().unwrap_or_default().to_owned();
    let log = person.get(&format!("/api/logs/{entry}")).await;
    let unknown = person.get("/api/logs/unknown").await;
    table.works(CLIENT, "`GET /api/logs/{id}`", log.json()["id"] == json!(entry) && unknown.status == 404);
    let refused = person.post("/api/agents", json!({ "name": "x", "avatarUrl": "not-a-url" })).await;
    table.works(CLIENT, "`avatarUrl: \"not-a-url\"` is 400", refused.status == 400);
    let hook = json!({ "channelId": agent.channel, "url": "https://93.184.215.14/hook", "headers": { "x-a": "b" },
        "auth": { "username": "u", "password": "p" } });
    let set = agent.post("/api/v1/agents/setWebhook", hook).await.json();
    let works =
        set["webhookHeaders"]["x-a"] == "b" && set["webhookAuth"] == json!({ "username": "u", "password": "***" });
    agent.post("/api/v1/agents/deleteWebhook", json!({ "channelId": agent.channel })).await.expect(200);
    table.works(CLIENT, "`setWebhook` shows `webhookHeaders` and `webhookAuth`", works);
    plugins(callers, &visitor, table).await;
    let foreign = json!({ "url": "https://93.184.215.14/hook", "channelId": "agt_01KB0000000000000000000000" });
    let reply = agent.post("/api/v1/agents/setWebhook", foreign).await;
    table.works(CLIENT, "`setWebhook` of a foreign channel is 404", reply.status == 404);
    let me = person.user_id().await;
    let reply = person.delete(&format!("/api/users/{me}")).await;
    table.works(CLIENT, "an owner who deletes their own account gets 403", reply.status == 403);
    let body = json!({ "channelId": agent.channel, "text": "a", "clientId": "compatibility" });
    agent.post("/api/v1/messages", body.clone()).await.expect(201);
    let other = json!({ "channelId": agent.channel, "text": "b", "clientId": "compatibility" });
    let reply = agent.post("/api/v1/messages", other).await;
    table.differs(CLIENT, "a `clientId` with another body", "409 `idempotency_conflict`", reply.status == 409);
    let session = Person::signed_out(&callers.url, &person.email, &person.password);
    let token = session.sign_in().await.session_token().to_owned();
    session.post("/api/auth/refresh", json!({})).await.expect(200);
    let again = visitor.request(Method::POST, "/api/auth/refresh").bearer_auth(token);
    let reply = Reply::fetch(again).await;
    table.differs(CLIENT, "refreshing twice with one token", "401: a refresh ends the token", reply.status == 401);
}

async fn plugins(callers: &Callers, visitor: &Person, table: &mut Table) {
    let person = &callers.person;
    let details = person.get("/api/plugins/kroki-diagram").await;
    let unknown = person.get("/api/plugins/unknown").await;
    table.works(
        CLIENT,
        "`GET /api/plugins/{name}`",
        details.json()["name"] == "kroki-diagram" && unknown.status == 404,
    );
    let path = "/api/plugins/kroki-diagram/config";
    let change = json!({ "envValues": { "KROKI_URL": "https://kroki.example" }, "enabled": true });
    let changed = Reply::fetch(person.request(Method::PUT, path).json(&change)).await;
    let config = person.get(path).await.json();
    let works = changed.status == 200
        && config["envSchema"][0]["key"] == "KROKI_URL"
        && config["envValues"]["KROKI_URL"] == "https://kroki.example";
    table.works(CLIENT, "`GET` and `PUT /api/plugins/{name}/config`", works);
    let icon = visitor.get("/api/plugins/kroki-diagram/icon").await;
    let none = visitor.get("/api/plugins/unknown/icon").await;
    table.works(
        CLIENT,
        "`GET /api/plugins/{name}/icon`",
        icon.header("content-type") == "image/svg+xml" && none.status == 404,
    );
    let render = person.request(Method::GET, "/api/plugins/kroki-diagram/render").header("accept", "application/json");
    let rendered = Reply::fetch(render).await.json();
    let works = rendered["html"].is_string() && rendered["env"]["KROKI_URL"] == "https://kroki.example";
    table.works(CLIENT, "`GET /api/plugins/{name}/render` as JSON", works);
    let fetched = visitor.post("/api/plugins/unknown/fetch", json!({ "url": "https://a.example" })).await;
    table.differs(CLIENT, "`POST /api/plugins/unknown/fetch` without a session", "401, not 404", fetched.status == 401);
}
