//! Two people, each with an agent: nothing of one can be seen, changed, attached or answered by
//! the other, by any id.

use placet_tests::World;
use serde_json::json;

#[tokio::test]
async fn by_no_id_is_anything_of_another_reached() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.person().await);
    let (mine, stranger) = (anna.agent().await, ben.agent().await);
    let file = mine.stored().await;
    let message = mine
        .sent(json!({ "text": "secret", "review": { "type": "approval" }, "textAttachments": [{ "content": "s" }] }))
        .await;
    let attached =
        mine.get_here(&format!("/api/v1/messages/{message}")).await.expect(200)["attachments"][0]["id"].clone();
    let attached = attached.as_str().unwrap();

    // The stranger names the message, on its own channel and on mine.
    for channel in [&stranger.channel, &mine.channel] {
        let stranger = stranger.on_channel(channel);
        let status = if *channel == mine.channel { 403 } else { 404 };
        for path in ["messages/{id}", "reviews/{id}", "reviews/{id}/wait"] {
            let path = format!("/api/v1/{}", path.replace("{id}", &message));
            assert_eq!(stranger.get_here(&path).await.status, status, "{path}");
        }
        assert_eq!(stranger.delete_here(&format!("/api/v1/messages/{message}")).await.status, status);
    }
    for id in [file.as_str(), attached] {
        stranger.get(&format!("/api/v1/files/{id}/download")).await.expect_error(404, "not_found");
        ben.get(&format!("/api/files/{id}/download")).await.expect_error(404, "not_found");
        let claimed = stranger.send(json!({ "attachmentIds": [id] })).await;
        assert_eq!(claimed.expect_invalid(), ["attachmentIds.0"]);
        let theirs = ben.post("/api/messages", json!({ "channelId": stranger.channel, "attachmentIds": [id] })).await;
        assert_eq!(theirs.expect_invalid(), ["attachmentIds.0"]);
    }
    // People.
    ben.answer(&message, json!({ "selectedOption": "approve" })).await.expect_error(404, "not_found");
    ben.get(&format!("/api/messages?channel={}", mine.channel)).await.expect_error(403, "not_your_agent");
    ben.get(&format!("/api/messages/reviews?channel={}", mine.channel)).await.expect_error(403, "not_your_agent");
    ben.post("/api/messages", json!({ "channelId": mine.channel, "text": "x" }))
        .await
        .expect_error(403, "not_your_agent");
    assert_eq!(ben.get(&format!("/reviews/{message}")).await.status, 403);
    assert_eq!(ben.submit(&format!("/reviews/{message}"), &[("option", "approve")]).await.status, 403);
    let key = anna.get("/api/api-keys").await.expect(200)[0]["id"].as_str().unwrap().to_owned();
    ben.delete(&format!("/api/api-keys/{key}")).await.expect_error(404, "not_found");
    ben.post(&format!("/api/api-keys/{key}/rotate"), json!({})).await.expect_error(404, "not_found");
    // Lists.
    assert_eq!(ben.get("/api/messages/reviews?status=all").await.expect(200), json!([]));
    assert_eq!(ben.get("/api/agents").await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(stranger.get("/api/v1/agents").await.expect(200).as_array().unwrap().len(), 1);
    assert_eq!(ben.get("/api/api-keys").await.expect(200).as_array().unwrap().len(), 1);
    // And all of it is as it was.
    mine.get(&format!("/api/v1/files/{file}/download")).await.expect(200);
    let review = mine.get_here(&format!("/api/v1/reviews/{message}")).await.expect(200)["review"].clone();
    assert_eq!((&review["status"], &review["seenAt"]), (&json!("pending"), &json!(null)));
}

#[tokio::test]
async fn a_key_with_another_users_id_in_it_is_no_key() {
    let world = World::start().await;
    let (mine, stranger) = (world.person().await.agent().await, world.person().await.agent().await);
    let forged = format!("{}{}", &stranger.key[..46], &mine.key[46..]);
    mine.with_key(&forged).get("/api/v1/agents").await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn one_persons_agents_share_their_keys_but_not_their_channels() {
    let world = World::start().await;
    let person = world.person().await;
    let (one, two) = (person.agent().await, person.agent().await);
    let message = one.asked().await;
    two.on_channel(&one.channel).get_here(&format!("/api/v1/messages/{message}")).await.expect(200);
    two.get_here(&format!("/api/v1/messages/{message}")).await.expect_error(404, "not_found");
}
