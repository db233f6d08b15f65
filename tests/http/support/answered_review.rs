//! Where most stories of webhooks begin: a person has answered an agent's review, and the delivery
//! is queued.

use aws_lambda_events::event::sqs::SqsMessage;
use serde_json::{Value, json};
use test_support::{Agent, Person, World};

use crate::support::delivery_driver::{Courier, hook_agent};
use crate::support::receiver::{Answer, Received, Receiver};

pub const HOOK: &str = "https://hooks.example/placet";

pub fn approve() -> Value {
    json!({ "selectedOption": "approve" })
}

/// An agent with a webhook at this receiver, and its secret.
pub async fn hooked(world: &World, person: &Person, receiver: &Receiver) -> (Agent, String) {
    let agent = person.agent().await;
    let set = json!({
        "channelId": agent.channel, "url": HOOK, "headers": { "X-Route": "blue-route-17" },
        "auth": { "username": "placet", "password": "correct horse" },
    });
    let answer = agent.post("/api/v1/agents/setWebhook", set).await.expect(200);
    hook_agent(world, &agent.channel, &receiver.url).await;
    (agent, answer["webhookSecret"].as_str().unwrap().to_owned())
}

/// How a message's delivery went so far.
pub async fn status(agent: &Agent, message: &str) -> Value {
    agent.get_here(&format!("/api/v1/messages/{message}")).await.expect(200)["deliveryStatus"].clone()
}

pub struct Answered {
    pub world: World,
    pub courier: Courier,
    pub receiver: Receiver,
    pub person: Person,
    pub agent: Agent,
    pub secret: String,
    /// The review's id.
    pub asked: String,
    /// The delivery, as the queue has it.
    pub message: SqsMessage,
}

impl Answered {
    /// With a receiver that answers like this, and 200 from then on.
    pub async fn to(answers: impl IntoIterator<Item = Answer>) -> Self {
        let world = World::isolated().await;
        let (courier, receiver) = (Courier::start(&world).await, Receiver::start(answers).await);
        let person = world.person().await;
        let (agent, secret) = hooked(&world, &person, &receiver).await;
        let asked = agent.asked().await;
        person.answer(&asked, approve()).await.expect(201);
        let message = courier.next().await;
        Self { world, courier, receiver, person, agent, secret, asked, message }
    }

    /// Brings the delivery to its function; whether it is done.
    pub async fn bring(&self) -> bool {
        self.courier.bring(&self.message).await
    }

    pub async fn status(&self) -> Value {
        status(&self.agent, &self.asked).await
    }

    /// A person asks for it to be sent again.
    pub async fn retry(&self) {
        self.person.post(&format!("/api/messages/{}/retry", self.asked), json!({})).await.expect(200);
    }

    /// Brings what is queued until the receiver has had this many requests.
    pub async fn sent(&self, times: usize) -> Vec<Received> {
        for _ in 0..10 {
            self.courier.bring(&self.courier.next().await).await;
            if self.receiver.received().len() >= times {
                return self.receiver.received();
            }
        }
        panic!("it is not sent again")
    }

    /// The status codes of the webhook's tries that the log shows, newest first.
    pub async fn logged(&self) -> Vec<Value> {
        let logs = self.person.get("/api/logs").await.expect(200);
        let rows = logs["data"].as_array().unwrap().iter().filter(|row| row["direction"] == "outbound");
        rows.map(|row| row["statusCode"].clone()).collect()
    }
}
