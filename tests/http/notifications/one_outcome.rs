//! Devices end on what was stored, however many people, agents and clocks race.

use std::time::{Duration, Instant};

use serde_json::json;
use test_support::World;

use super::push_service::PushService;

/// A tenth of the full series, which `make soak` runs.
fn rounds() -> usize {
    std::env::var("PLACET_TEST_ROUNDS").map_or(20, |text| text.parse().expect("a number"))
}

/// How soon a device shows what was decided, in half of the rounds at least.
const WITHIN: Duration = Duration::from_secs(2);

#[tokio::test]
async fn every_device_ends_on_the_one_outcome_that_was_stored() {
    let (world, service) = (World::delivering().await, PushService::start(2, []).await);
    let person = world.person().await;
    for browser in &service.browsers {
        browser.subscribe(&person).await;
    }
    let agent = person.agent().await;
    let mut took = vec![];
    for round in 0..rounds() {
        let review = agent.request_approval().await;
        service.wait_for(4 * round + 2).await;
        let (approve, reject) = (json!({ "selectedOption": "approve" }), json!({ "selectedOption": "reject" }));
        // In half of the rounds two decide at once.
        if round % 2 == 0 {
            let (one, two) = tokio::join!(person.answer(&review, approve), person.answer(&review, reject));
            assert_eq!([one.status, two.status].iter().filter(|status| **status == 201).count(), 1);
        } else {
            person.answer(&review, approve).await.expect(201);
        }
        let decided = Instant::now();
        let pushed = service.wait_for(4 * round + 4).await;
        took.push(decided.elapsed());
        let stored = person.get(&format!("/api/messages/{review}")).await.expect(200);
        let label = if stored["review"]["response"]["selectedOption"] == "approve" { "Approve" } else { "Reject" };
        let mut of_this: Vec<_> = pushed[4 * round..].to_vec();
        of_this.sort_by_key(|pushed| pushed.to);
        for (number, payload) in service.payloads(&of_this).await.iter().enumerate() {
            assert_eq!(payload["messageId"], json!(review));
            let expected = if number % 2 == 0 { "pending" } else { "completed" };
            assert_eq!(payload["status"], expected);
            assert!(number % 2 == 0 || payload["body"] == json!(format!("Answered “{label}”: May I?")), "{payload}");
        }
    }
    took.sort();
    assert!(took[took.len() / 2] < WITHIN || !is_embedded(), "{took:?}");
    assert_eq!(service.pushed().len(), 4 * rounds(), "one notification and one outcome for each device and round");
}

fn is_embedded() -> bool {
    std::env::var("PLACET_TEST_ENGINE").is_ok_and(|engine| engine == "embedded")
}
