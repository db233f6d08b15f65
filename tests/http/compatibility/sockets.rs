//! The clients that listen on Socket.IO: ws_echo, the LangChain agent, OpenClaw and Facio.

use reqwest::Method;
use serde_json::json;
use test_support::SocketClient;

use super::Callers;
use super::table::Table;

const CLIENT: &str = "ws_echo, LangChain agent, OpenClaw, Facio (python-socketio)";

pub async fn run(callers: &Callers, table: &mut Table) {
    let (person, agent) = (&callers.person, &callers.agent);
    let refused = SocketClient::python(&callers.url, &json!({ "apiKey": "hp_wrong" }), &[]).next().await;
    table.works(CLIENT, "a bad key is a `connect_error`", refused.0 == "refused");
    let mut client = SocketClient::python(&callers.url, &json!({ "apiKey": agent.key }), &[&agent.channel]);
    table.works(CLIENT, "connect with `apiKey`, `subscribe:channel`, `ping`", client.next().await.0 == "ready");
    person.post("/api/messages", json!({ "channelId": agent.channel, "text": "Hi" })).await.expect(201);
    let (name, data) = client.next().await;
    let works = name == "message:created" && data["senderType"] == "user" && data["text"] == "Hi";
    table.works(CLIENT, "`message:created` with the whole message", works);
    let id = agent.request_approval().await;
    client.expect("message:created").await;
    person.answer(&id, json!({ "selectedOption": "approve" })).await.expect(201);
    let (name, data) = client.next().await;
    let works = name == "review:responded" && data["review"]["response"]["selectedOption"] == "approve";
    table.works(CLIENT, "`review:responded` with the whole message", works);
    agent.send(json!({ "text": "He", "streamId": "socket", "streamState": "streaming" })).await.expect(201);
    client.expect("message:created").await;
    let more = json!({ "channelId": agent.channel, "text": "Hello", "complete": true });
    callers.call(Method::PATCH, "/api/v1/messages/streams/socket", more).await.expect(200);
    let (name, data) = client.next().await;
    table.works(CLIENT, "`message:updated`", name == "message:updated" && data["text"] == "Hello");
    agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200);
    let (name, data) = client.next().await;
    table.works(CLIENT, "`message:deleted`", name == "message:deleted" && data["id"] == json!(id));

    let ticket = person.post("/api/auth/ws-ticket", json!({})).await.expect(200)["ticket"].clone();
    let mut page = SocketClient::python(&callers.url, &json!({ "token": ticket }), &[]);
    table.works(CLIENT, "connect with a ticket as `token`", page.next().await.0 == "ready");
    let delta = json!({ "channelId": agent.channel, "delta": "He", "streamId": "s:1" });
    client.emit("message:delta", delta.clone()).await;
    let (name, data) = page.next().await;
    table.works(CLIENT, "`message:delta` reaches the inbox", name == "message:delta" && data == delta);
    let polling = agent.get("/socket.io/?EIO=4&transport=polling").await;
    let says = polling.status == 400 && polling.text().contains("websocket");
    table.differs(CLIENT, "HTTP long polling as transport", "400: set `transports: [\"websocket\"]`", says);
}
