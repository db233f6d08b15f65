//! All surfaces of one person at once: one outcome, one notification each, whatever fails, is repeated or is killed.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use aws_lambda_events::event::sqs::SqsMessage;
use placet_local::runner::smtp;
use reqwest::Method;
use serde_json::{Value, json};
use shared::http::App;
use shared::outbound::Outbound;
use test_support::functions::Function;
use test_support::{Agent, Person, Reply, World, rng};

use super::driver::NotifyDriver;
use super::mail_server::MailServer;
use super::push_messages::loopback_device;
use super::push_service::{Plan, PushService};
use crate::support::receiver::{Receiver, ResponsePlan};

/// A tenth of the full series, which `make soak` runs; on an emulator, where a round takes seconds, a few.
fn rounds() -> usize {
    let some = if is_embedded() { 20 } else { 3 };
    std::env::var("PLACET_TEST_ROUNDS").map_or(some, |text| text.parse().expect("a number"))
}

/// How soon every surface shows what was decided, in half of the rounds at least.
const WITHIN: Duration = Duration::from_secs(2);

struct Setup {
    world: World,
    driver: NotifyDriver,
    browser: PushService,
    mail: MailServer,
    chat: Receiver,
    person: Person,
    agent: Agent,
}

impl Setup {
    async fn start(plans: impl IntoIterator<Item = Plan>, chat: impl IntoIterator<Item = ResponsePlan>) -> Self {
        let world = World::isolated().await;
        let person = world.person().await;
        Self::of(world, person, plans, chat).await
    }

    async fn of(
        world: World,
        person: Person,
        plans: impl IntoIterator<Item = Plan>,
        chat: impl IntoIterator<Item = ResponsePlan>,
    ) -> Self {
        let (browser, mail, chat) =
            (PushService::start(1, plans).await, MailServer::start().await, Receiver::start(chat).await);
        let mailer = smtp::mailer(&mail.url, "placet@placet.example").unwrap_or_else(|_| panic!("a mailer"));
        let driver = NotifyDriver::start(&world).await.with_mailer(mailer.clone());
        loopback_device(&world, &browser, &person).await;
        let app = App {
            outbound: Outbound::new(true),
            mailer: Function::named("accounts").with_its_mail(mailer),
            ..world.function("accounts")
        };
        let settings = person.at(&world.serve_also(accounts::router(), app).await);
        let set = settings.request(Method::PUT, "/api/notifications/webhook").json(&json!({ "url": chat.url }));
        Reply::fetch(set).await.expect(200);
        let on = json!({ "notifications": { "email": { "enabled": true } } });
        Reply::fetch(settings.request(Method::PATCH, "/api/preferences").json(&on)).await.expect(200);
        let agent = person.agent().await;
        Self { world, driver, browser, mail, chat, person, agent }
    }

    /// The notifications of one request on all three surfaces.
    async fn queued(&self) -> Vec<SqsMessage> {
        vec![self.driver.next().await, self.driver.next().await, self.driver.next().await]
    }

    /// Delivers everything that is in the queue.
    async fn deliver_all(&self) {
        while let Some(message) = self.driver.next_within(0).await {
            self.driver.deliver(&message).await;
        }
    }

    fn counts(&self) -> (usize, usize, usize) {
        (self.browser.pushed().len(), self.mail.received().len(), self.chat.received().len())
    }
}

fn path<'a>(text: &'a str, start: &str) -> &'a str {
    let at = text.find(&format!("http://localhost{start}")).unwrap_or_else(|| panic!("no {start} in {text}"));
    text["http://localhost".len() + at..].split_whitespace().next().unwrap()
}

#[tokio::test]
async fn every_surface_ends_on_the_one_outcome_that_was_stored() {
    let setup = Setup::start([], []).await;
    let visitor = Person::signed_out(&setup.world.url, "", "");
    let mut took = vec![];
    for round in 0..rounds() {
        let review = setup.agent.request_approval().await;
        // A record that comes again queues a message again, which sends nothing.
        while setup.counts() != (2 * round + 1, round + 1, round + 1) {
            setup.driver.deliver_next().await;
        }
        let mail = setup.mail.wait_for(round + 1).await.pop().unwrap();
        let (link, chat) = (mail["plain"].as_str().unwrap(), setup.chat.received().pop().unwrap().json());
        let (approve, reject) = (json!({ "selectedOption": "approve" }), json!({ "selectedOption": "reject" }));
        // In half of the rounds two decide at once.
        if round % 2 == 0 {
            let (one, two) = tokio::join!(setup.person.answer(&review, approve), setup.person.answer(&review, reject));
            assert_eq!([one.status, two.status].iter().filter(|status| **status == 201).count(), 1);
        } else {
            setup.person.answer(&review, reject).await.expect(201);
        }
        let decided = Instant::now();
        while setup.browser.pushed().len() < 2 * round + 2 {
            setup.driver.deliver_next().await;
        }
        let stored = setup.person.get(&format!("/api/messages/{review}")).await.expect(200);
        let label = if stored["review"]["response"]["selectedOption"] == "approve" { "Approve" } else { "Reject" };
        let other = if label == "Approve" { "Reject" } else { "Approve" };
        let pushed = setup.browser.payloads(&setup.browser.pushed()[2 * round + 1..]).await;
        assert_eq!(pushed[0]["body"], json!(format!("Answered “{label}”: May I?")));
        let page = visitor.get(path(link, "/d/")).await;
        assert!(page.text().contains(label) && !page.text().contains(other), "{}", page.text());
        let url = chat["url"].as_str().unwrap();
        let page = setup.person.get(path(url, "/reviews/")).await;
        assert!(page.text().contains("outcome done") && page.text().contains(label), "{}", page.text());
        took.push(decided.elapsed());
        assert_eq!(setup.counts(), (2 * round + 2, round + 1, round + 1), "one each, and the outcome in its place");
    }
    took.sort();
    assert!(took[took.len() / 2] < WITHIN || !is_embedded(), "{took:?}");
}

#[tokio::test]
async fn kills_and_repeated_records_make_no_second_notification_but_one_of_the_same_id() {
    let setup = Setup::start([], []).await;
    let rng = &mut rng::from_env();
    for round in 0..rounds() {
        let before = setup.counts();
        // What is repeated below are the records of this round.
        setup.driver.stream_events.lock().unwrap().clear();
        setup.agent.request_approval().await;
        let messages = setup.queued().await;
        // In a tenth of the rounds a sender is killed, at a moment that follows from the seed.
        let is_killed = round % 10 == 0;
        if is_killed {
            let (victim, polls) = (rng.usize(..messages.len()), rng.usize(1..60));
            killed_after(polls, setup.driver.deliver(&messages[victim])).await;
            // A killed sender's lease ends.
            setup.world.advance_clock(Duration::from_secs(31));
        }
        for message in &messages {
            assert!(setup.driver.deliver(message).await);
        }
        setup.driver.replay_stream().await;
        setup.deliver_all().await;
        let (pushes, mails, calls) = setup.counts();
        let news = [pushes - before.0, mails - before.1, calls - before.2];
        let most = if is_killed { 4 } else { 3 };
        assert!(news.iter().all(|new| *new >= 1) && news.iter().sum::<usize>() <= most, "round {round}: {news:?}");
        let tags: Vec<String> =
            setup.browser.pushed()[before.0..].iter().map(|it| it.header("topic").to_owned()).collect();
        let ids: Vec<Value> =
            setup.mail.received()[before.1..].iter().map(|it| it["headers"]["message-id"].clone()).collect();
        let hooks: Vec<String> = setup.chat.received()[before.2..].iter().map(|it| it.id().to_owned()).collect();
        assert!(tags.iter().all(|it| *it == tags[0]) && ids.iter().all(|it| *it == ids[0]), "{tags:?} {ids:?}");
        assert!(hooks.iter().all(|it| *it == hooks[0]), "{hooks:?}");
    }
}

#[tokio::test]
async fn a_surface_that_fails_stops_no_other() {
    // The push service refuses, the mail server is busy, the chat is gone; in turn only one of them works.
    let failing_push = || vec![(403, None)];
    let failing_chat = || vec![ResponsePlan::status(404)];
    for (push, mailbox, chat, expected) in [
        (vec![], "busy", failing_chat(), (1, 0, 1)),
        (failing_push(), "works", failing_chat(), (1, 1, 1)),
        (failing_push(), "busy", vec![], (1, 0, 1)),
    ] {
        let world = World::isolated().await;
        let address = format!("{mailbox}+{}", test_support::random_email());
        world.create_account(&address, "a long password").await;
        let person = Person::signed_out(&world.url, &address, "a long password");
        person.sign_in().await.expect(200);
        let setup = Setup::of(world, person, push, chat).await;
        setup.agent.request_approval().await;
        for message in setup.queued().await {
            setup.driver.deliver(&message).await;
        }
        assert_eq!(setup.counts(), expected, "{mailbox}");
    }
}

/// Polls a future so often at most, and then drops it, as a kill does.
async fn killed_after(polls: usize, work: impl Future) {
    let (mut work, mut left) = (pin!(work), polls);
    poll_fn(|context| {
        left -= 1;
        match work.as_mut().poll(context) {
            Poll::Pending if left > 0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}

fn is_embedded() -> bool {
    std::env::var("PLACET_TEST_ENGINE").is_ok_and(|engine| engine == "embedded")
}
