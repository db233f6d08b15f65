//! The service under test: all routers in this process, on real engines. `PLACET_TEST_ENGINE`
//! says which: `embedded` (a fresh one per test), or the URL of a LocalStack.

use std::time::Duration;

use axum::response::Response;
use placet_local::engines::{Engines, TABLE};
use placet_local::server;
use shared::app::{App, Waits};
use shared::clock::Clock;
use shared::config::MAX_WAIT;
use shared::models::Role;
use shared::models::account::Email;
use shared::secrets::{Password, hex, random};
use shared::server_secret::ServerSecret;
use shared::storage::{Clients, Endpoints, schema};
use tempfile::TempDir;
use tokio::sync::watch;

use crate::actors::Person;
use crate::reply;

const NAME: &str = "placet-test";

/// One test's service; it ends with the test's runtime.
pub struct World {
    pub url: String,
    pub app: App,
    /// The engines' own interface, past the service, and the table in it.
    pub clients: Clients,
    pub table: &'static str,
    /// Ends every wait early, as a stopping runner does.
    pub close: watch::Sender<bool>,
    _engines: Option<(Engines, TempDir)>,
}

impl World {
    /// On the engine that the environment names.
    pub async fn start() -> Self {
        match std::env::var("PLACET_TEST_ENGINE").as_deref() {
            Ok("embedded") | Err(_) => Self::embedded().await,
            Ok(url) => Self::on_localstack(url).await,
        }
    }

    pub async fn embedded() -> Self {
        let dir = TempDir::with_prefix("placet-test-").expect("a temporary directory");
        let engines = Engines::start(dir.path()).await.expect("the embedded engines start");
        let (close, closing) = watch::channel(false);
        let app = engines.app(Clock::adjustable(), Waits::new(MAX_WAIT, closing), secret()).await.expect("a table");
        let clients = Clients::at(&engines.endpoints).await;
        Self::serve(app, close, clients, TABLE, Some((engines, dir))).await
    }

    async fn on_localstack(url: &str) -> Self {
        let endpoints = Endpoints {
            dynamodb: url.to_owned(),
            s3: url.to_owned(),
            access_key: "test".to_owned(),
            secret_key: "test".to_owned(),
        };
        let clients = Clients::at(&endpoints).await;
        schema::create(&clients.dynamodb, NAME).await.expect("a table on LocalStack");
        // There already when another test was first: then it is the same bucket.
        let made = clients.s3.create_bucket().bucket(NAME).send().await;
        if let Err(err) = &made {
            let owned = err.as_service_error().is_some_and(|it| it.is_bucket_already_owned_by_you());
            assert!(owned, "a bucket on LocalStack: {err:?}");
        }
        let (close, closing) = watch::channel(false);
        let app = App::new(&clients, NAME, NAME, Clock::adjustable(), Waits::new(MAX_WAIT, closing), secret());
        Self::serve(app, close, clients, NAME, None).await
    }

    async fn serve(
        app: App,
        close: watch::Sender<bool>,
        clients: Clients,
        table: &'static str,
        engines: Option<(Engines, TempDir)>,
    ) -> Self {
        let listener = server::bind([127, 0, 0, 1].into(), 0).await.expect("a free port");
        let url = server::url(&listener).expect("the port's address");
        // What the service knows of its cost becomes a header, in tests only.
        let service = server::service(app.clone())
            .layer(axum::middleware::map_response(async |response: Response| reply::with_cost_header(response)));
        let never = watch::channel(false);
        tokio::spawn(async move {
            let _open = never.0;
            server::serve(listener, service, never.1).await
        });
        Self { url, app, clients, table, close, _engines: engines }
    }

    /// Moves the service's clock.
    pub fn later(&self, span: Duration) {
        self.app.clock.advance(span);
    }

    /// A person with a fresh account, signed in.
    pub async fn person(&self) -> Person {
        let email = format!("{}@people.example", hex(&random::<8>()));
        let password = hex(&random::<8>());
        self.account(&email, &password).await;
        let person = Person::nobody(&self.url, &email, &password);
        person.sign_in().await.expect(200);
        person
    }

    /// Makes an account.
    pub async fn account(&self, email: &str, password: &str) {
        let email = Email::checked(email).expect("an address");
        let made =
            self.app.store.create_user(&email, Password::new(password.to_owned()), "A person", Role::Owner).await;
        made.expect("storage works").expect("the address is free");
    }
}

/// The secret of every world.
pub fn secret() -> ServerSecret {
    ServerSecret::new("the secret of the services under test").expect("long enough")
}
