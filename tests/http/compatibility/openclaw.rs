//! The channel plugin of OpenClaw.

use serde_json::{Value, json};

use super::Callers;
use super::table::Table;

const CLIENT: &str = "OpenClaw channel plugin";

pub async fn run(callers: &Callers, table: &mut Table) {
    let agent = &callers.agent;
    let uploaded = callers.upload("upload", "channel", false).await;
    table.works(CLIENT, "`POST /files/upload` with the member `channel`", uploaded.status == 201);
    let sent = agent.send(json!({ "text": "media", "attachmentIds": [uploaded.json()["id"]] })).await;
    table.works(CLIENT, "`sendMedia`: the uploaded file in a message", sent.status == 201);
    let ask = async |review: Value| agent.send(json!({ "text": "t", "review": review })).await;
    let approval = json!({ "type": "approval", "payload": { "title": "t", "options": ["approve", "reject"] } });
    let asked = ask(approval).await.json();
    let id = asked["id"].as_str().unwrap_or_default();
    let answered = callers.person.answer(id, json!({ "selectedOption": "reject" })).await;
    table.works(CLIENT, "an approval whose options are texts", answered.status == 201);
    let options = json!([{ "id": "a", "label": "A" }]);
    let selection = json!({ "type": "selection", "payload": { "prompt": "p", "options": options, "multiple": false } });
    let asked = ask(selection).await.json();
    let id = asked["id"].as_str().unwrap_or_default();
    let answered = callers.person.answer(id, json!({ "selectedIds": ["a"] })).await;
    table.works(CLIENT, "a selection with `options` and `multiple`", answered.status == 201);
    let ids = [agent.store_file().await, agent.store_file().await];
    let asked = agent.send(json!({ "text": "t", "attachmentIds": ids, "review": { "type": "approval" } })).await.json();
    let id = asked["id"].as_str().unwrap_or_default();
    let edited = json!({ ids[0].as_str(): ids[1] });
    let answer = json!({ "response": { "selectedOption": "approve" }, "modifiedFileIds": edited });
    let answered = callers.person.post(&format!("/api/messages/{id}/respond"), answer).await.json();
    let works = answered["review"]["modifiedFileIds"] == edited
        && agent.wait(id, 1000).await.json()["message"]["review"]["modifiedFileIds"] == edited;
    table.works(CLIENT, "`modifiedFileIds` as `{original: edited}`", works);
}
