//! A service that sends e-mails through a real SMTP server, and what is read of them.

use placet_local::runner::smtp;
use reqwest::Method;
use serde_json::{Value, json};
use shared::http::App;
use shared::mail::Mailer;
use test_support::functions::Function;
use test_support::{Agent, Person, Reply, World};

use super::driver::NotifyDriver;
use super::mail_server::MailServer;

pub const FROM: &str = "Placet <placet@placet.example>";

/// A person who gets e-mails, and their agent.
pub struct Setup {
    pub world: World,
    pub driver: NotifyDriver,
    pub server: MailServer,
    /// At the address of functions that send e-mails.
    pub person: Person,
    pub agent: Agent,
}

impl Setup {
    pub async fn start() -> Self {
        let (world, server) = (World::isolated().await, MailServer::start().await);
        let person = world.person().await;
        Self::of(world, server, person).await
    }

    pub async fn of(world: World, server: MailServer, person: Person) -> Self {
        let mailer = smtp::mailer(&server.url, FROM).unwrap_or_else(|_| panic!("a mailer"));
        let driver = NotifyDriver::start(&world).await.with_mailer(mailer.clone());
        let agent = person.agent().await;
        let person = person.at(&with_mailer(&world, mailer).await);
        prefer(&person, json!({ "email": { "enabled": true } })).await.expect(200);
        Self { world, driver, server, person, agent }
    }

    /// The last e-mail, after the next notification was delivered.
    pub async fn received(&self) -> Value {
        let before = self.server.received().len();
        self.driver.deliver_next().await;
        self.server.wait_for(before + 1).await.pop().unwrap()
    }

    pub async fn email(&self) -> Value {
        self.person.get("/api/preferences").await.expect(200)["notifications"].clone()
    }

    /// A browser without a session.
    pub fn visitor(&self) -> Person {
        Person::signed_out(&self.world.url, "", "")
    }
}

/// The URL of the routes of `accounts`, with a mailer.
pub async fn with_mailer(world: &World, mailer: Mailer) -> String {
    world
        .serve_also(
            accounts::router(),
            App { mailer: Function::named("accounts").with_its_mail(mailer), ..world.function("accounts") },
        )
        .await
}

pub async fn prefer(person: &Person, notifications: Value) -> Reply {
    let request = person.request(Method::PATCH, "/api/preferences");
    Reply::fetch(request.json(&json!({ "notifications": notifications }))).await
}

/// The path of the first link in a text that begins so.
pub fn path<'a>(text: &'a Value, start: &str) -> &'a str {
    let text = text.as_str().unwrap();
    let from = text.find(&format!("http://localhost{start}")).unwrap_or_else(|| panic!("no {start} in {text}"));
    let link = &text[from + "http://localhost".len()..];
    &link[..link.find(|letter: char| letter.is_whitespace() || letter == '"' || letter == '>').unwrap_or(link.len())]
}
