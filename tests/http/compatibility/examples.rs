//! Placet's examples in Python and TypeScript, and what its documentation shows with curl.

use reqwest::Method;
use serde_json::json;
use test_support::Reply;

use super::Callers;
use super::table::Table;

const CLIENT: &str = "Python and TypeScript examples";

pub async fn run(callers: &Callers, table: &mut Table) {
    let agent = &callers.agent;
    let stored = callers.upload("store", "channelId", false).await;
    let file = stored.json();
    let works = stored.status == 201 && file["filename"] == "note.txt";
    table.works(CLIENT, "`POST /files/store`, `file` before `channelId`", works);
    let reply = callers.upload("store", "channelId", true).await;
    table.works(CLIENT, "`POST /files/store`, `channelId` before `file`", reply.status == 201);
    let text = json!({ "channelId": agent.channel, "content": "# Plan" });
    let reply = agent.post("/api/v1/files/store-text", text).await;
    table.works(CLIENT, "`POST /files/store-text`", reply.status == 201 && reply.json()["id"].is_string());

    let id = callers.approved().await;
    let waited = agent.wait(&id, 1000).await.json();
    let review = &waited["message"]["review"];
    let works = waited["status"] == "completed"
        && review["response"]["selectedOption"] == "approve"
        && review["feedback"] == "fine";
    table.works(CLIENT, "`GET /reviews/{id}/wait`: `status`, `message.review.response`, `.feedback`", works);
    let next = agent
        .send(
            json!({ "text": "v2", "iterationOf": id, "attachmentIds": [file["id"]], "review": { "type": "approval" } }),
        )
        .await;
    table.works(CLIENT, "`POST /messages` with `attachmentIds`, `review`, `iterationOf`", next.status == 201);
    let chain = agent.get_in_channel(&format!("/api/v1/messages/iterations/{id}")).await.json();
    let works = chain["iterations"][1]["iteration"] == 2 && chain["iterations"][0]["review"]["status"] == "completed";
    table.works(CLIENT, "`GET /messages/iterations/{id}`", works);
    let download = agent.get(&format!("/api/v1/files/{}/download", file["id"].as_str().unwrap_or_default())).await;
    let works = download.text() == "a note" && download.header("content-disposition").contains("note.txt");
    table.works(CLIENT, "`GET /files/{id}/download`", works);

    // As much as a client with a larger file would send.
    let part = reqwest::multipart::Part::bytes(vec![b'x'; 4_600_000]).file_name("big.bin");
    let form = reqwest::multipart::Form::new().text("channelId", agent.channel.clone()).part("file", part);
    let reply = Reply::fetch(agent.request(Method::POST, "/api/v1/files/store").multipart(form)).await;
    let says = reply.status == 413 && reply.text().contains("presign");
    table.differs(
        CLIENT,
        "a file over 4.5 MB in a request",
        "413: announce it with `POST /files/presign`, then `PUT` it",
        says,
    );
}
