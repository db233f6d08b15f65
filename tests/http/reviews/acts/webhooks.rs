//! What the agent's webhook receives about an act

use serde_json::{Value, json};
use test_support::World;

use super::{ask, payment};
use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::Receiver;

#[tokio::test]
async fn the_answer_event_has_the_decision_and_its_receipt() {
    let world = World::isolated().await;
    let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start([]).await);
    let person = world.person().await;
    let agent = person.agent().await;
    set_agent_webhook(&world, &agent.channel, &receiver.url).await;
    let id = ask(&agent, payment()).await;
    let edited = json!({ "amount": 5, "to": "Ada", "note": null });
    let answer = json!({ "selectedOption": "approve", "editedArgs": edited });
    let review = person.answer(&id, answer).await.expect(201)["review"].clone();
    assert!(driver.deliver(&driver.next_delivery().await).await);
    let event = receiver.wait_for(1).await[0].json();
    assert_eq!((&event["event"], &event["message_id"]), (&json!("review:responded"), &json!(id)));
    assert_eq!(event["decision"], review["decision"]);
    assert_eq!(event["decision"]["action"]["args"], edited);
    assert_eq!(event["receipt"], review["receipt"]);

    // Consuming it is no event.
    let digest: &Value = &review["decision"]["actionDigest"];
    agent.post(&format!("/api/v1/reviews/{id}/consume"), json!({ "actionDigest": digest })).await.expect(200);
    let other = ask(&agent, payment()).await;
    person.answer(&other, json!({ "selectedOption": "reject" })).await.expect(201);
    assert!(driver.deliver(&driver.next_delivery().await).await);
    let events: Vec<Value> = receiver.wait_for(2).await.iter().map(|it| it.json()["message_id"].clone()).collect();
    assert_eq!(events, [json!(id), json!(other)]);
}
