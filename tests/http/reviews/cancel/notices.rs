//! Who learns that a review was cancelled: waits, the webhook, lists and pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use test_support::World;

use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::Receiver;

#[tokio::test]
async fn a_wait_ends_when_the_review_is_cancelled() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let id = agent.request_approval().await;
    let (waited, cancelled) = tokio::join!(agent.wait(&id, 20_000), async {
        agent.wait(&id, 200).await.expect(200);
        agent.cancel(&id, json!({ "reason": "never mind" })).await.expect(200)
    });
    assert_eq!(waited.expect(200), json!({ "status": "cancelled", "message": cancelled }));
    let again = agent.wait(&id, 29_000).await;
    assert_eq!((again.expect(200), again.cost().calls), (waited.expect(200), 1));
}

#[tokio::test]
async fn a_wait_finds_a_cancellation_stored_by_another_process() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let (id, other) = (agent.request_approval().await, agent.request_approval().await);
    let elsewhere = agent.at(&world.second_instance().await);
    let (waited, ()) = tokio::join!(agent.wait(&id, 20_000), async {
        agent.wait(&other, 1_000).await.expect(200);
        elsewhere.cancel(&id, json!({})).await.expect(200);
    });
    assert_eq!(waited.expect(200)["status"], "cancelled");
}

#[tokio::test]
async fn the_webhook_has_the_reason_and_the_time() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    let agent = world.person().await.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    for (number, reason) in [json!("not needed"), Value::Null].into_iter().enumerate() {
        let id = agent.request_approval().await;
        let cancelled = agent.cancel(&id, json!({ "reason": reason })).await.expect(200);
        assert!(driver.deliver(&driver.next_delivery().await).await);
        assert_eq!(
            receiver.wait_for(number + 1).await[number].json(),
            json!({
                "event": "review:cancelled", "channelId": agent.channel, "message_id": id, "review_type": "approval",
                "reason": reason, "cancelled_at": cancelled["review"]["cancelledAt"],
            })
        );
        // A repeat changes nothing, so nothing happens.
        agent.cancel(&id, json!({})).await.expect(200);
    }
    assert!(driver.next_delivery_within(1).await.is_none());
    assert_eq!(receiver.received().iter().map(|it| it.id().to_owned()).collect::<BTreeSet<_>>().len(), 2);
}

#[tokio::test]
async fn lists_have_it_among_the_cancelled_ones() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    agent.cancel(&id, json!({})).await.expect(200);
    let listed = async |path: &str| {
        let list = person.get(path).await.expect(200);
        list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for status in ["cancelled", "all"] {
        assert_eq!(
            listed(&format!("/api/messages/reviews?status={status}")).await,
            std::slice::from_ref(&id),
            "{status}"
        );
        let of_channel = format!("/api/messages/reviews?status={status}&channel={}", agent.channel);
        assert_eq!(listed(&of_channel).await, std::slice::from_ref(&id), "{status}");
    }
    for status in ["pending", "completed", "expired"] {
        assert!(listed(&format!("/api/messages/reviews?status={status}")).await.is_empty(), "{status}");
    }
    assert_eq!(agent.get_in_channel("/api/v1/reviews/pending").await.expect(200), json!([]));
    let refused = person.get("/api/messages/reviews?status=withdrawn").await.expect_error(400, "validation_failed");
    assert!(refused["message"].as_str().unwrap().contains("pending, completed, expired, cancelled, all"), "{refused}");
}

#[tokio::test]
async fn pages_say_who_withdrew_it_and_why() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.request_approval().await;
    let page = format!("/reviews/{id}");
    assert!(person.get("/").await.text().contains(&page));
    agent.cancel(&id, json!({ "reason": "<b>twice</b> as much" })).await.expect(200);
    assert!(!person.get("/").await.text().contains(&page));
    assert!(person.get("/?tab=cancelled").await.text().contains(&page));

    let shown = person.get(&page).await.text();
    for expected in ["Withdrawn by", "&#60;b&#62;twice&#60;/b&#62; as much"] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert!(!shown.contains("data-answer"), "there is no form: {shown}");
    // A form that was opened before leads to the outcome.
    let late = person.submit_form(&page, &[("option", "approve"), ("comment", ""), ("feedback", "")]).await;
    assert_eq!((late.status, late.header("location")), (303, page.as_str()));
    let channel = person.get(&format!("/channels/{}", agent.channel)).await.text();
    assert!(channel.contains("withdrawn"), "{channel}");
}
