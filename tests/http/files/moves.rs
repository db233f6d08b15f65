//! Attaching an uploaded file to another message, which replaces the message of the upload.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, RawForm, Reply, World};

async fn uploaded(agent: &Agent, name: &str) -> Value {
    RawForm::for_agent(agent).file(name, None, b"x").send(agent, "upload").await.expect(201)
}

fn messages(agent: &Agent) -> impl Future<Output = Reply> {
    agent.get_in_channel("/api/v1/messages")
}

#[tokio::test]
async fn an_uploaded_file_moves_to_the_message_that_attaches_it() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (one, two) = (uploaded(&agent, "1.txt").await, uploaded(&agent, "2.txt").await);
    let stored = agent.store_file().await;
    let with_files = json!({ "text": "with files", "attachmentIds": [one["id"], stored, two["id"]], "clientId": "c" });
    let sent = agent.send(with_files.clone()).await.expect(201);
    let names: Vec<&Value> = sent["attachments"].as_array().unwrap().iter().map(|it| &it["filename"]).collect();
    assert_eq!(names, ["1.txt", "note.txt", "2.txt"]);
    assert!(sent["attachments"].as_array().unwrap().iter().all(|file| file["messageId"] == sent["id"]), "{sent}");
    // The uploads' messages are gone; the files remain.
    let left = messages(&agent).await.expect(200);
    assert_eq!((left["data"].as_array().unwrap().len(), &left["data"][0]["id"]), (1, &sent["id"]));
    for bare in [&one, &two] {
        let path = format!("/api/v1/messages/{}", bare["messageId"].as_str().unwrap());
        agent.get_in_channel(&path).await.expect_error(404, "not_found");
        let path = format!("/api/v1/files/{}/download", bare["id"].as_str().unwrap());
        assert_eq!(agent.get(&path).await.text(), "x");
    }
    assert_eq!(agent.send(with_files).await.expect(201), sent);
    let again = agent.send(json!({ "text": "once more", "attachmentIds": [one["id"]] })).await;
    assert_eq!(again.expect_invalid(), ["attachmentIds.0"]);
    assert_eq!(again.json()["errors"][0]["code"], "already_attached");
    agent.delete_in_channel(&format!("/api/v1/messages/{}", sent["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200), json!([]));
}

#[tokio::test]
async fn only_the_bare_message_of_an_upload_by_the_same_sender_gives_its_file() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    let refused = async |file: &Value| {
        let reply = agent.send(json!({ "text": "t", "attachmentIds": [file] })).await;
        assert_eq!(reply.expect_invalid(), ["attachmentIds.0"], "{file}");
    };
    // A message that was sent with only a file is not the message of an upload.
    let stored = json!(agent.store_file().await);
    agent.create_message(json!({ "attachmentIds": [stored] })).await;
    refused(&stored).await;
    // A person's upload keeps its message.
    let request = person.request(Method::POST, "/api/files/upload");
    let theirs = Reply::fetch(RawForm::for_agent(&agent).file("a", None, b"x").request(request)).await.expect(201);
    refused(&theirs["id"]).await;
    refused(&uploaded(&other, "elsewhere").await["id"]).await;
    let by_person = json!({ "channelId": agent.channel, "text": "mine", "attachmentIds": [theirs["id"]] });
    person.post("/api/messages", by_person).await.expect(201);
    let mine = uploaded(&agent, "mine").await;
    let by_person = json!({ "channelId": agent.channel, "text": "not mine", "attachmentIds": [mine["id"]] });
    assert_eq!(person.post("/api/messages", by_person).await.expect_invalid(), ["attachmentIds.0"]);
    // If one file is refused, no file moves.
    let both = agent.send(json!({ "text": "t", "attachmentIds": [mine["id"], stored] })).await;
    assert_eq!(both.expect_invalid(), ["attachmentIds.1"]);
    let path = format!("/api/v1/messages/{}", mine["messageId"].as_str().unwrap());
    assert_eq!(agent.get_in_channel(&path).await.expect(200)["attachments"][0]["id"], mine["id"]);
}

#[tokio::test]
async fn of_concurrent_messages_one_gets_an_uploaded_file() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for _ in 0..3 {
        let file = uploaded(&agent, "a").await;
        let sends = (0..6).map(|n| agent.send(json!({ "text": n.to_string(), "attachmentIds": [file["id"]] })));
        let statuses: Vec<u16> = join_all(sends).await.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| [201, 400].contains(status)), "{statuses:?}");
    }
    let left = messages(&agent).await.expect(200)["data"].clone();
    assert!(left.as_array().unwrap().len() == 3 && left[0]["attachments"].as_array().unwrap().len() == 1, "{left}");
}

#[tokio::test]
async fn as_many_files_move_as_fit_one_transaction() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let mut files: Vec<Value> = vec![];
    for number in 0..44 {
        files.push(uploaded(&agent, &number.to_string()).await["id"].clone());
    }
    let too_many = agent.send(json!({ "text": "t", "attachmentIds": files })).await;
    assert_eq!(too_many.expect_invalid(), ["attachmentIds"]);
    files.pop();
    files.extend(join_all((0..7).map(|_| agent.store_file())).await.into_iter().map(Value::from));
    let all = json!({ "text": "t", "attachmentIds": files, "clientId": "c", "streamId": "s" });
    let sent = agent.send(all).await.expect(201);
    assert_eq!(sent["attachments"].as_array().unwrap().len(), 50);
    assert_eq!(messages(&agent).await.expect(200)["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_repeated_upload_finds_its_moved_file() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let upload = || RawForm::for_agent(&agent).file("a.txt", None, b"x").send_with_key(&agent, "upload", "k");
    let file = upload().await.expect(201);
    let message = agent.create_message(json!({ "text": "t", "attachmentIds": [file["id"]] })).await;
    let again = upload().await.expect(201);
    assert_eq!((&again["id"], &again["messageId"]), (&file["id"], &json!(message)));
}
