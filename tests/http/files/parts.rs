//! The multipart fields of an upload: which are accepted, and the errors for the others.

use reqwest::Method;
use serde_json::json;
use test_support::{RawForm, Reply, World};

#[tokio::test]
async fn several_files_in_one_upload_are_refused_and_nothing_is_stored() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    for route in ["store", "upload"] {
        let two = RawForm::for_agent(&agent).file("1.txt", None, b"1").file("2.txt", None, b"2");
        let refused = two.clone().send(&agent, route).await;
        assert_eq!(refused.expect_invalid(), ["file"]);
        assert_eq!(refused.json()["errors"][0]["code"], "repeated");
        assert!(refused.json()["message"].as_str().unwrap().contains("one file"), "{}", refused.text());
        let by_person = Reply::fetch(two.request(person.request(Method::POST, &format!("/api/files/{route}")))).await;
        assert_eq!(by_person.expect_invalid(), ["file"]);
        // A file in another field is refused rather than silently dropped.
        for field in ["files", "file[]", "attachment"] {
            let disposition = format!("form-data; name=\"{field}\"; filename=\"2.txt\"");
            let stray = RawForm::for_agent(&agent).file("1.txt", None, b"1").part(disposition.as_bytes(), None, b"2");
            let refused = stray.send(&agent, route).await;
            assert_eq!(refused.expect_invalid(), [field]);
            assert_eq!(refused.json()["errors"][0]["code"], "unexpected_file");
        }
    }
    assert_eq!(agent.get_in_channel("/api/v1/files").await.expect(200), json!([]));
    assert_eq!(agent.get_in_channel("/api/v1/messages").await.expect(200)["data"], json!([]));
    // Browsers send such a field when no file is chosen.
    let unused = RawForm::for_agent(&agent).file("1.txt", None, b"1").part(
        b"form-data; name=\"other\"; filename=\"\"",
        None,
        b"",
    );
    unused.send(&agent, "store").await.expect(201);
}

#[tokio::test]
async fn an_avatar_upload_takes_one_file_too() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let gif = b"GIF89a\x01\0\x01\0\0\0\0;";
    let path = format!("/api/agents/{}/avatar", agent.channel);
    let two = RawForm::default().file("a.gif", None, gif).file("b.gif", None, gif);
    let refused = Reply::fetch(two.request(person.request(Method::POST, &path))).await;
    assert_eq!(refused.expect_invalid(), ["file"]);
    assert_eq!(refused.json()["errors"][0]["code"], "repeated");
    let one = RawForm::default().file("a.gif", None, gif);
    Reply::fetch(one.request(person.request(Method::POST, &path))).await.expect(201);
}

#[tokio::test]
async fn forms_accept_channel_as_an_alias_of_channel_id() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (person.agent().await, person.agent().await);
    for route in ["store", "upload"] {
        let form = RawForm::default().field("channel", &agent.channel).file("a.txt", None, b"a");
        assert_eq!(form.send(&agent, route).await.expect(201)["channelId"], agent.channel);
        let both = RawForm::for_agent(&agent).field("channel", &agent.channel).file("a.txt", None, b"a");
        both.send(&agent, route).await.expect(201);
        let empty = RawForm::for_agent(&agent).field("channel", "").file("a.txt", None, b"a");
        empty.send(&agent, route).await.expect(201);
        let contradictory = RawForm::for_agent(&agent).field("channel", &other.channel).file("a.txt", None, b"a");
        assert_eq!(contradictory.send(&agent, route).await.expect_invalid(), ["channelId"]);
        let none = RawForm::default().field("channel", "").file("a.txt", None, b"a");
        assert_eq!(none.send(&agent, route).await.expect_invalid(), ["channelId"]);
    }
    let foreign = world.person().await.agent().await;
    let form = RawForm::default().field("channel", &foreign.channel).file("a.txt", None, b"a");
    form.send(&agent, "upload").await.expect_error(403, "not_your_agent");
}
