//! `/api/v1/messages`: sending, listing, searching and deleting

use std::net::ToSocketAddrs;

use serde_json::{Value, json};
use shared::outbound::public_address::is_public;
use test_support::World;

#[tokio::test]
async fn a_message_has_every_field_of_the_contract() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let body = agent.send(json!({ "text": "Hello", "status": "success", "metadata": { "a": 1 } })).await.expect(201);
    assert_eq!(body["senderId"], agent.channel);
    insta::assert_json_snapshot!(body, {
        ".id" => "[id]", ".channelId" => "[agent]", ".senderId" => "[agent]",
        ".createdAt" => "[time]", ".updatedAt" => "[time]",
    }, @r#"
    {
      "attachments": [],
      "channelId": "[agent]",
      "clientId": null,
      "createdAt": "[time]",
      "deliveryStatus": "sent",
      "format": null,
      "id": "[id]",
      "iteration": null,
      "iterationGroupId": null,
      "metadata": {
        "a": 1
      },
      "review": null,
      "senderId": "[agent]",
      "senderType": "agent",
      "status": "success",
      "statusEvents": [],
      "streamId": null,
      "streamState": null,
      "supersededBy": null,
      "supersedes": null,
      "text": "Hello",
      "updatedAt": "[time]"
    }
    "#);
}

#[tokio::test]
async fn a_format_is_kept_with_its_message_and_one_that_does_not_exist_is_refused() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for format in ["plain", "markdown"] {
        let sent = agent.send(json!({ "text": "__init__.py", "format": format })).await.expect(201);
        assert_eq!(sent["format"], format);
        let id = sent["id"].as_str().unwrap();
        assert_eq!(agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200)["format"], format);
    }
    let draft = json!({ "text": "a", "format": "plain", "streamId": "s", "streamState": "streaming" });
    agent.send(draft).await.expect(201);
    let update = json!({ "text": "b", "streamId": "s", "streamState": "complete" });
    assert_eq!(agent.send(update).await.expect(201)["format"], "plain");
    let refused = agent.send(json!({ "text": "a", "format": "html" })).await.expect(400);
    assert_eq!(refused["errors"][0]["path"], json!(["format"]));
}

#[tokio::test]
async fn times_are_rfc_3339_with_milliseconds() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let created = agent.send(json!({ "text": "Hello" })).await.expect(201)["createdAt"].clone();
    let text = created.as_str().unwrap();
    assert_eq!((text.len(), &text[19..20], &text[23..]), (24, ".", "Z"), "{text}");
}

#[tokio::test]
async fn a_message_webhook_may_not_resolve_to_a_private_address() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    // The machine's host name is used; whether it resolves to a private address depends on the machine.
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").map_or("none".into(), |it| it.trim().to_owned());
    let url = format!("http://{name}/hook");
    let found: Vec<_> = (name.as_str(), 80).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    let is_private = found.iter().any(|address| !is_public(address.ip()));
    let message = json!({
        "text": "x", "clientId": "c", "webhookUrl": url,
        "review": { "type": "approval", "callback": { "url": url, "method": "PUT" } },
    });
    let reply = agent.send(message).await;
    if is_private {
        assert_eq!(reply.expect_invalid(), ["webhookUrl", "review.callback.url"]);
        assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"], json!([]));
    } else {
        reply.expect(201);
    }
    let unknown = json!({ "text": "x", "webhookUrl": "https://no-such-name.invalid/hook" });
    agent.send(unknown).await.expect(201);
}

#[tokio::test]
async fn a_callback_sets_no_header_of_the_connection() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let callback = json!({ "url": "https://example.com/", "method": "GET",
        "headers": { "Host": "a", "webhook-id": "b", "X-Ok": "c", "bad name": "d" } });
    let reply = agent.send(json!({ "review": { "type": "approval", "callback": callback } })).await;
    let at = |member: &str| format!("review.callback.{member}");
    let wrong = ["method", "headers.Host", "headers.bad name", "headers.webhook-id"].map(at);
    assert_eq!(reply.expect_invalid(), wrong);
}

#[tokio::test]
async fn both_auth_headers_work() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let path = format!("{}/api/v1/messages?channel={}", world.url, agent.channel);
    for (name, value) in [("Authorization", format!("bearer {}", agent.key)), ("x-api-key", agent.key.clone())] {
        let status = reqwest::Client::new().get(&path).header(name, value).send().await.unwrap().status();
        assert_eq!(status, 200, "{name}");
    }
}

#[tokio::test]
async fn every_bad_field_is_named_at_once_and_nothing_is_stored() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let reply = agent
        .send(json!({
            "text": 1, "status": "fine", "metadata": [], "attachmentIds": ["a", "a", 3],
            "textAttachments": [{ "filename": "x" }],
            "review": { "payload": 1, "expiresInSeconds": 0, "callback": { "url": "ftp://x" } },
            "webhookUrl": "http://127.0.0.1/", "clientId": "",
        }))
        .await;
    assert_eq!(
        reply.expect_invalid(),
        [
            "text",
            "status",
            "metadata",
            "attachmentIds.1",
            "attachmentIds.2",
            "textAttachments.0.content",
            "review.type",
            "review.payload",
            "review.callback.url",
            "review.expiresInSeconds",
            "webhookUrl",
            "clientId",
        ]
    );
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"], json!([]));
}

#[tokio::test]
async fn a_message_must_say_something() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for empty in
        [json!({}), json!({ "text": "" }), json!({ "text": null, "attachmentIds": [] }), json!({ "metadata": {} })]
    {
        assert_eq!(agent.send(empty).await.expect_invalid(), ["text"]);
    }
    agent.send(json!({ "status": "info" })).await.expect(201);
}

#[tokio::test]
async fn unknown_fields_are_ignored() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let body = agent.send(json!({ "text": "Hello", "colour": "blue", "review": null })).await.expect(201);
    assert_eq!((&body["colour"], &body["review"]), (&Value::Null, &Value::Null));
}

#[tokio::test]
async fn metadata_comes_back_exactly_as_it_was_sent() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let metadata = r#"{"":1,"big":123456789012345678901234567890,"f":1.10,"e":1E+2,"nul":"\u0000","k":{"z":1,"a":2}}"#;
    let body = format!(r#"{{"channelId":"{}","text":"a\u0000b","metadata":{metadata}}}"#, agent.channel);
    let request = agent.request(reqwest::Method::POST, "/api/v1/messages").header("Content-Type", "application/json");
    let reply = test_support::Reply::fetch(request.body(body)).await;
    let id = reply.expect(201)["id"].as_str().unwrap().to_owned();
    let read = agent.get_in_channel(&format!("/api/v1/messages/{id}")).await;
    assert!(read.text().contains(metadata), "{}", read.text());
    assert_eq!(read.expect(200)["text"], "a\0b");
}

#[tokio::test]
async fn oversized_messages_are_413_and_name_the_alternative() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let text = "a".repeat(200 * 1024);
    agent.send(json!({ "text": text })).await.expect(201);
    for message in [
        json!({ "text": text.clone() + "a" }),
        json!({ "text": "a", "metadata": { "a": "a".repeat(64 * 1024) } }),
        json!({ "text": "a", "review": { "type": "freeform", "payload": { "a": "a".repeat(64 * 1024) } } }),
    ] {
        let error = agent.send(message).await.expect_error(413, "too_large");
        assert!(error["message"].as_str().unwrap().contains("textAttachments"), "{error}");
    }
}

#[tokio::test]
async fn the_largest_message_there_may_be_can_be_answered() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let almost = "é".repeat(31 * 1024);
    let message = json!({
        "text": "a".repeat(200 * 1024),
        "metadata": { "a": almost },
        "review": { "type": "text-input", "payload": { "prefill": almost } },
    });
    let id = agent.create_message(message).await;
    person.answer(&id, json!({ "text": "b".repeat(15 * 1024) })).await.expect(201);

    let other = agent
        .create_message(json!({ "text": "a".repeat(200 * 1024), "metadata": { "a": almost },
        "review": { "type": "text-input", "payload": { "prefill": almost } } }))
        .await;
    person.answer(&other, json!({ "text": "b".repeat(64 * 1024) })).await.expect_error(413, "too_large");
    assert_eq!(
        agent.get_in_channel(&format!("/api/v1/reviews/{other}")).await.expect(200)["review"]["status"],
        "pending"
    );
}

#[tokio::test]
async fn a_freeform_review_that_names_a_plugin_has_it_in_the_metadata() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let review = json!({ "type": "freeform", "payload": { "plugin": "card" } });
    for (given, expected) in [
        (json!(null), json!({ "plugin": "card" })),
        (json!({}), json!({ "plugin": "card" })),
        (json!({ "a": 1 }), json!({ "plugin": "card", "a": 1 })),
        (json!({ "plugin": "mine" }), json!({ "plugin": "mine" })),
    ] {
        let body = agent.send(json!({ "review": review, "metadata": given })).await.expect(201);
        assert_eq!(body["metadata"], expected);
    }
}

#[tokio::test]
async fn text_attachments_become_files_with_their_content_in_the_message() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let body = agent
        .send(json!({ "textAttachments": [
            { "content": "# Plan" },
            { "content": "a,b", "filename": "t.csv", "mimeType": "text/csv; charset=utf-8" },
            { "content": "{}", "filename": "t.json", "mimeType": "application/json" },
        ] }))
        .await
        .expect(201);
    let shown = |index: usize| {
        let file = &body["attachments"][index];
        (file["filename"].clone(), file["mimeType"].clone(), file["textContent"].clone())
    };
    assert_eq!(shown(0), (json!("content.md"), json!("text/markdown"), json!("# Plan")));
    assert_eq!(shown(1), (json!("t.csv"), json!("text/csv; charset=utf-8"), json!("a,b")));
    assert_eq!(shown(2), (json!("t.json"), json!("application/json"), Value::Null));
    assert_eq!(body["attachments"][0]["messageId"], body["id"]);
}

#[tokio::test]
async fn attachments_that_cannot_be_claimed_are_named() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, elsewhere) = (person.agent().await, person.agent().await);
    let (mine, used, other) = (agent.store_file().await, agent.store_file().await, elsewhere.store_file().await);
    agent.send(json!({ "attachmentIds": [used] })).await.expect(201);
    let reply = agent.send(json!({ "attachmentIds": [mine, "nonsense", used, other] })).await;
    assert_eq!(reply.expect_invalid(), ["attachmentIds.1", "attachmentIds.2", "attachmentIds.3"]);
    let body = agent.send(json!({ "attachmentIds": [mine] })).await.expect(201);
    assert_eq!(body["attachments"][0]["id"], mine);
    assert_eq!(body["attachments"][0]["messageId"], body["id"]);
}

#[tokio::test]
async fn one_of_many_messages_claims_a_file() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let file = agent.store_file().await;
    let messages = (0..10).map(|_| agent.send(json!({ "attachmentIds": [file] })));
    let replies = futures_util::future::join_all(messages).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        assert_eq!(refused.expect_invalid(), ["attachmentIds.0"]);
    }
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_message_is_gone_with_its_files() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let body = agent.send(json!({ "clientId": "c", "textAttachments": [{ "content": "x" }] })).await.expect(201);
    let (id, file) = (body["id"].as_str().unwrap(), body["attachments"][0]["id"].as_str().unwrap());
    assert_eq!(
        agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect(200),
        json!({ "deleted": true })
    );
    agent.get_in_channel(&format!("/api/v1/messages/{id}")).await.expect_error(404, "not_found");
    agent.delete_in_channel(&format!("/api/v1/messages/{id}")).await.expect_error(404, "not_found");
    agent.get(&format!("/api/v1/files/{file}/download")).await.expect_error(404, "not_found");
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200), json!([]));
    let again = agent.send(json!({ "clientId": "c", "textAttachments": [{ "content": "x" }] })).await.expect(201);
    assert_ne!(again["id"], id);
}

#[tokio::test]
async fn a_flood_of_bad_elements_is_one_problem() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let many: Vec<u32> = (0..200_000).collect();
    let reply = agent.send(json!({ "text": "a", "attachmentIds": many, "textAttachments": many })).await;
    assert_eq!(reply.expect_invalid(), ["attachmentIds", "textAttachments"]);
}
