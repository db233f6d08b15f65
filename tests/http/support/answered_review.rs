//! The setup of most webhook tests: a person has answered an agent's review, and its delivery is queued.

use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::{Value, json};
use test_support::{Agent, Person, World};

use crate::support::delivery_driver::{DeliveryDriver, set_agent_webhook};
use crate::support::receiver::{ReceivedRequest, Receiver, ResponsePlan};

pub const WEBHOOK_URL: &str = "https://hooks.example/placet";

pub fn approve() -> Value {
    json!({ "selectedOption": "approve" })
}

/// Creates an agent with a webhook at this receiver; returns the agent and the webhook secret.
pub async fn agent_with_webhook(world: &World, person: &Person, receiver: &Receiver) -> (Agent, String) {
    let agent = person.agent().await;
    let set = json!({
        "channelId": agent.channel, "url": WEBHOOK_URL, "headers": { "X-Route": "blue-route-17" },
        "auth": { "username": "placet", "password": "correct horse" },
    });
    let answer = agent.post("/api/v1/agents/setWebhook", set).await.expect(200);
    set_agent_webhook(world, &agent.channel, &receiver.url).await;
    (agent, answer["webhookSecret"].as_str().unwrap().to_owned())
}

/// The delivery status of a message.
pub async fn status(agent: &Agent, message: &str) -> Value {
    agent.get_in_channel(&format!("/api/v1/messages/{message}")).await.expect(200)["deliveryStatus"].clone()
}

pub struct AnsweredReview {
    pub world: World,
    pub driver: DeliveryDriver,
    pub receiver: Receiver,
    pub person: Person,
    pub agent: Agent,
    pub secret: String,
    /// The id of the review.
    pub review: String,
    /// The queued delivery.
    pub delivery: SqsMessage,
}

impl AnsweredReview {
    /// The setup with a receiver that follows these plans, then responds 200.
    pub async fn with_receiver(plans: impl IntoIterator<Item = ResponsePlan>) -> Self {
        let world = World::isolated().await;
        let (driver, receiver) = (DeliveryDriver::start(&world).await, Receiver::start(plans).await);
        let person = world.person().await;
        let (agent, secret) = agent_with_webhook(&world, &person, &receiver).await;
        let review = agent.request_approval().await;
        person.answer(&review, approve()).await.expect(201);
        let delivery = driver.next_delivery().await;
        Self { world, driver, receiver, person, agent, secret, review, delivery }
    }

    /// Passes the delivery to its function; returns whether it succeeded.
    pub async fn deliver(&self) -> bool {
        self.driver.deliver(&self.delivery).await
    }

    pub async fn status(&self) -> Value {
        status(&self.agent, &self.review).await
    }

    /// Requests a retry as a person.
    pub async fn retry(&self) {
        self.person.post(&format!("/api/messages/{}/retry", self.review), json!({})).await.expect(200);
    }

    /// Passes queued deliveries to the function until the receiver has `times` requests; returns them.
    pub async fn deliver_until_received(&self, times: usize) -> Vec<ReceivedRequest> {
        for _ in 0..10 {
            self.driver.deliver(&self.driver.next_delivery().await).await;
            if self.receiver.received().len() >= times {
                return self.receiver.received();
            }
        }
        panic!("the delivery was not sent again")
    }

    /// The status codes of the delivery attempts in the request log, newest first.
    pub async fn logged_statuses(&self) -> Vec<Value> {
        let logs = self.person.get("/api/logs").await.expect(200);
        let rows = logs["data"].as_array().unwrap().iter().filter(|row| row["direction"] == "outbound");
        rows.map(|row| row["statusCode"].clone()).collect()
    }
}
