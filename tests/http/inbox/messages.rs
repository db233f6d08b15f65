//! `/api/messages`: messages of people to agents

use serde_json::json;
use test_support::World;

#[tokio::test]
async fn a_persons_message_is_read_by_both_sides() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let file = agent.store_file().await;
    let me = json!(person.user_id().await);
    let body = json!({ "channelId": agent.channel, "text": "please stop", "attachmentIds": [file] });
    let sent = person.post("/api/messages", body).await.expect(201);
    assert_eq!(
        (&sent["senderType"], &sent["senderId"], &sent["deliveryStatus"]),
        (&json!("user"), &me, &json!("sent"))
    );
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"][0], sent);
    let read = person.get(&format!("/api/messages?channel={}", agent.channel)).await.expect(200);
    assert_eq!(read, json!({ "data": [sent], "nextCursor": null }));
}

#[tokio::test]
async fn bad_input_is_named() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let errors = person.post("/api/messages", json!({ "text": [], "attachmentIds": "x" })).await.expect_invalid();
    assert_eq!(errors, ["channelId", "text", "attachmentIds"]);
    let empty = person.post("/api/messages", json!({ "channelId": agent.channel })).await;
    assert_eq!(empty.expect_invalid(), ["text"]);
    assert_eq!(person.get("/api/messages?limit=101").await.expect_invalid(), ["channel", "limit"]);
}
