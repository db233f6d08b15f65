//! `Idempotency-Key` on every POST that creates something other than a message.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, RawForm, Reply, World};

async fn post_with_key(agent: &Agent, path: &str, key: &str, body: &Value) -> Reply {
    Reply::fetch(agent.request(Method::POST, path).header("Idempotency-Key", key).json(body)).await
}

fn form(agent: &Agent, text: &str) -> RawForm {
    RawForm::for_agent(agent).file("a.txt", None, text.as_bytes())
}

async fn count(agent: &Agent, path: &str) -> usize {
    let listed = agent.get_in_channel(path).await.expect(200);
    listed.as_array().or(listed["data"].as_array()).unwrap().len()
}

#[tokio::test]
async fn a_repeated_upload_makes_one_file_and_one_message() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let first = form(&agent, "a").send_with_key(&agent, "upload", "k1").await.expect(201);
    let again = form(&agent, "a").send_with_key(&agent, "upload", "k1").await;
    assert_eq!(again.expect(201), first);
    assert_eq!((count(&agent, "/api/v1/messages").await, count(&agent, "/api/v1/files").await), (1, 1));
    form(&agent, "b").send_with_key(&agent, "upload", "k1").await.expect_error(409, "idempotency_conflict");
    let renamed = RawForm::for_agent(&agent).file("b.txt", None, b"a").send_with_key(&agent, "upload", "k1").await;
    renamed.expect_error(409, "idempotency_conflict");
    assert_eq!((count(&agent, "/api/v1/messages").await, count(&agent, "/api/v1/files").await), (1, 1));
    let other = form(&agent, "a").send_with_key(&agent, "upload", "k2").await.expect(201);
    assert_ne!(other["id"], first["id"]);
}

#[tokio::test]
async fn a_repeated_store_finds_its_file_even_when_attached_meanwhile() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let first = form(&agent, "a").send_with_key(&agent, "store", "k").await.expect(201);
    assert_eq!(form(&agent, "a").send_with_key(&agent, "store", "k").await.expect(201), first);
    let message = agent.create_message(json!({ "attachmentIds": [first["id"]] })).await;
    let again = form(&agent, "a").send_with_key(&agent, "store", "k").await.expect(201);
    assert_eq!((&again["id"], &again["messageId"]), (&first["id"], &json!(message)));
    // After a deletion, the same key creates a new file.
    agent.delete_in_channel(&format!("/api/v1/messages/{message}")).await.expect(200);
    let recreated = form(&agent, "a").send_with_key(&agent, "store", "k").await.expect(201);
    assert_ne!(recreated["id"], first["id"]);
    assert_eq!(form(&agent, "a").send_with_key(&agent, "store", "k").await.expect(201), recreated);
    assert_eq!(count(&agent, "/api/v1/files").await, 1);
}

#[tokio::test]
async fn a_key_is_scoped_to_route_channel_and_kind_of_sender() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let text = json!({ "channelId": agent.channel, "content": "a", "filename": "a.txt" });
    let presigned = json!({ "channelId": agent.channel, "filename": "a.txt", "mimeType": "text/plain", "size": 1 });
    let by_person = form(&agent, "a").request(person.request(Method::POST, "/api/files/store"));
    let ids = [
        form(&agent, "a").send_with_key(&agent, "store", "k").await.expect(201)["id"].clone(),
        form(&agent, "a").send_with_key(&agent, "upload", "k").await.expect(201)["id"].clone(),
        form(&other, "a").send_with_key(&agent, "store", "k").await.expect(201)["id"].clone(),
        post_with_key(&agent, "/api/v1/files/store-text", "k", &text).await.expect(201)["id"].clone(),
        post_with_key(&agent, "/api/v1/files/presign", "k", &presigned).await.expect(201)["attachment"]["id"].clone(),
        Reply::fetch(by_person.header("Idempotency-Key", "k")).await.expect(201)["id"].clone(),
        agent.send(json!({ "text": "a", "clientId": "k" })).await.expect(201)["id"].clone(),
    ];
    for (index, id) in ids.iter().enumerate() {
        assert!(id.is_string() && !ids[..index].contains(id), "{ids:?}");
    }
    let odd = "k".repeat(257);
    assert_eq!(form(&agent, "a").send_with_key(&agent, "store", &odd).await.expect_invalid(), ["Idempotency-Key"]);
    let foreign = world.person().await.agent().await;
    form(&agent, "a").send_with_key(&foreign, "store", "k").await.expect_error(403, "not_your_agent");
}

#[tokio::test]
async fn store_text_and_presign_are_idempotent() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let text = json!({ "channelId": agent.channel, "content": "# A", "filename": "a.md" });
    let first = post_with_key(&agent, "/api/v1/files/store-text", "k", &text).await.expect(201);
    let reordered = json!({ "filename": "a.md", "content": "# A", "channelId": agent.channel });
    assert_eq!(post_with_key(&agent, "/api/v1/files/store-text", "k", &reordered).await.expect(201), first);
    let changed = json!({ "channelId": agent.channel, "content": "# B", "filename": "a.md" });
    post_with_key(&agent, "/api/v1/files/store-text", "k", &changed).await.expect_error(409, "idempotency_conflict");

    let body = json!({ "channelId": agent.channel, "filename": "f.bin", "mimeType": "image/png", "size": 3 });
    let announced = post_with_key(&agent, "/api/v1/files/presign", "k", &body).await.expect(201);
    let again = post_with_key(&agent, "/api/v1/files/presign", "k", &body).await.expect(201);
    assert_eq!(again["attachment"], announced["attachment"]);
    assert_eq!(again["upload"]["expiresAt"], announced["upload"]["expiresAt"]);
    assert_eq!(crate::files::direct_uploads::put(&again, b"abc".to_vec()).await.status, 200);
    assert_eq!(
        post_with_key(&agent, "/api/v1/files/presign", "k", &body).await.expect(201)["attachment"]["id"],
        announced["attachment"]["id"]
    );
    let other = json!({ "channelId": agent.channel, "filename": "f.bin", "mimeType": "image/png", "size": 4 });
    post_with_key(&agent, "/api/v1/files/presign", "k", &other).await.expect_error(409, "idempotency_conflict");
    assert_eq!(count(&agent, "/api/v1/files").await, 2);
}

#[tokio::test]
async fn equal_concurrent_calls_create_one_object() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for route in ["store", "upload"] {
        let replies = join_all((0..8).map(|_| form(&agent, route).send_with_key(&agent, route, "k"))).await;
        let first = replies[0].expect(201)["id"].clone();
        assert!(replies.iter().all(|reply| reply.expect(201)["id"] == first), "{route}");
    }
    let body = json!({ "channelId": agent.channel, "filename": "f", "mimeType": "image/png", "size": 3 });
    let replies = join_all((0..8).map(|_| post_with_key(&agent, "/api/v1/files/presign", "k", &body))).await;
    let first = replies[0].expect(201)["attachment"]["id"].clone();
    assert!(replies.iter().all(|reply| reply.expect(201)["attachment"]["id"] == first));
    let named = json!({ "name": "Twin" });
    let replies = join_all((0..8).map(|_| post_with_key(&agent, "/api/v1/agents", "k", &named))).await;
    let first = replies[0].expect(201);
    assert!(replies.iter().all(|reply| reply.expect(201) == first));
    assert_eq!((count(&agent, "/api/v1/files").await, count(&agent, "/api/v1/messages").await), (2, 1));
    assert_eq!(agent.get("/api/v1/agents").await.expect(200).as_array().unwrap().len(), 2);
    // The objects of the losing calls are deleted.
    let objects =
        world.clients.s3.list_objects_v2().bucket(world.bucket()).prefix(upload_prefix(&agent)).send().await.unwrap();
    assert_eq!(objects.contents().len(), 2);
}

fn upload_prefix(agent: &Agent) -> String {
    let id: shared::ids::AgentId = agent.channel.parse().unwrap();
    format!("uploads/{}/", id.ulid())
}

#[tokio::test]
async fn a_repeated_agent_creation_returns_the_same_secret() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let body = json!({ "name": "Deployer", "webhookUrl": "https://93.184.215.14/hook" });
    let first = post_with_key(&agent, "/api/v1/agents", "k", &body).await.expect(201);
    assert!(first["webhookSecret"].as_str().unwrap().starts_with("whsec_"));
    assert_eq!(post_with_key(&agent, "/api/v1/agents", "k", &body).await.expect(201), first);
    let other = json!({ "name": "Another" });
    post_with_key(&agent, "/api/v1/agents", "k", &other).await.expect_error(409, "idempotency_conflict");
    let stranger = world.person().await.agent().await;
    assert_ne!(post_with_key(&stranger, "/api/v1/agents", "k", &body).await.expect(201)["id"], first["id"]);
    person.delete_fully(&format!("/api/agents/{}", first["id"].as_str().unwrap())).await.expect(200);
    let recreated = post_with_key(&agent, "/api/v1/agents", "k", &body).await.expect(201);
    assert_ne!(recreated["id"], first["id"]);
    assert_eq!(post_with_key(&agent, "/api/v1/agents", "k", &body).await.expect(201), recreated);
}

#[tokio::test]
async fn a_status_event_is_appended_once_before_and_after_its_stream_begins() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let path = "/api/v1/messages/streams/s/status";
    let event = |text: &str| json!({ "channelId": agent.channel, "text": text });
    let first = post_with_key(&agent, path, "k1", &event("Reading")).await.expect(201);
    assert_eq!(post_with_key(&agent, path, "k1", &event("Reading")).await.expect(201), first);
    post_with_key(&agent, path, "k1", &event("Writing")).await.expect_error(409, "idempotency_conflict");
    let draft = agent.create_message(json!({ "text": "", "streamId": "s", "streamState": "streaming" })).await;
    assert_eq!(post_with_key(&agent, path, "k1", &event("Reading")).await.expect(201), first);
    let second = post_with_key(&agent, path, "k2", &event("Reading")).await.expect(201);
    assert_eq!((&first["index"], &second["index"]), (&json!(0), &json!(1)));
    let done = event("Done");
    let replies = join_all((0..6).map(|_| post_with_key(&agent, path, "k3", &done))).await;
    assert!(replies.iter().all(|reply| reply.expect(201)["index"] == 2));
    let message = agent.get_in_channel(&format!("/api/v1/messages/{draft}")).await.expect(200);
    assert_eq!(message["statusEvents"].as_array().unwrap().len(), 3, "{message}");
}

async fn upload_as_person(person: &Person, agent: &Agent, key: &str) -> Reply {
    let request = person.request(Method::POST, "/api/files/upload").header("Idempotency-Key", key);
    Reply::fetch(form(agent, "mine").request(request)).await
}

#[tokio::test]
async fn a_persons_upload_is_safe_to_repeat_too() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let first = upload_as_person(&person, &agent, "k").await.expect(201);
    assert_eq!(upload_as_person(&person, &agent, "k").await.expect(201), first);
    assert_eq!(count(&agent, "/api/v1/messages").await, 1);
}

#[tokio::test]
async fn an_idempotency_key_costs_an_extra_call_only_on_a_repeat() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (route, repeat_calls) in [("store", 2), ("upload", 2)] {
        let first = form(&agent, route).send_with_key(&agent, route, "k").await;
        assert_eq!(first.calls_and_round_trips(), (3, 3));
        let repeat = form(&agent, route).send_with_key(&agent, route, "k").await;
        assert_eq!((repeat.cost().calls, repeat.cost().blob_calls), (repeat_calls, 0));
    }
}
