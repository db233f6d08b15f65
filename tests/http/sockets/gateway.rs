//! A WebSocket API on this machine: its management endpoint over HTTP, and the function `sockets` behind it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ::sockets::Incoming;
use aws_lambda_events::event::dynamodb::Event;
use aws_lambda_events::event::streams::DynamoDbEventResponse;
use axum::Router;
use axum::extract::{Path, State};
use axum::routing::post;
use http::StatusCode;
use placet_local::event_sources::Workers;
use serde_json::{Value, json};
use shared::aws::{Connection, SocketGateway};
use shared::http::App;
use shared::telemetry::cost::{self, CostTotals, RequestCost};
use test_support::functions::Function;
use test_support::{Agent, Person, World};
use tokio::sync::{Notify, watch};

use crate::webhooks::event_stream::{sort_key, stream_source};

/// The frames of each open connection.
#[derive(Default)]
struct Connections {
    frames: Mutex<BTreeMap<String, Vec<String>>>,
    /// Connections whose frames arrive, although the caller gets an error.
    failing: Mutex<BTreeSet<String>>,
    /// The unread frames of connections that the service has ended.
    ended: Mutex<BTreeMap<String, Vec<String>>>,
    changed: Notify,
}

/// The API. Its stream is read until it is dropped.
pub struct Gateway {
    pub app: App,
    /// The state of the function `expiry`.
    pub expiry: App,
    connections: Arc<Connections>,
    batches: Arc<Mutex<Vec<Event>>>,
    /// The sort keys of each batch that was handled, and its cost.
    costs: watch::Sender<Vec<(Vec<String>, CostTotals)>>,
    _workers: Workers,
}

impl Gateway {
    pub async fn start(world: &World) -> Self {
        let connections = Arc::new(Connections::default());
        let routes = Router::new()
            .route("/sockets/@connections/{id}", post(receive).delete(disconnect))
            .with_state(connections.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}/sockets", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        let gateway = SocketGateway::new(Connection::with_keys("us-east-1", "a", "b"), "us-east-1", &endpoint);
        let with_sockets =
            |name| App { sockets: Function::named(name).with_its_sockets(gateway.clone()), ..world.function(name) };
        let (app, expiry) = (with_sockets("sockets"), with_sockets("expiry"));
        let (mut workers, batches) = (Workers::default(), Arc::<Mutex<Vec<Event>>>::default());
        let (source, _) = stream_source(world).await;
        let (on_stream, keep, costs) = (app.clone(), batches.clone(), watch::Sender::new(vec![]));
        let spent = costs.clone();
        workers.start(|stop| {
            source.consume(stop, move |batch: Event| {
                let (app, spent) = (on_stream.clone(), spent.clone());
                keep.lock().unwrap().push(batch.clone());
                let sorts: Vec<String> = batch.records.iter().map(sort_key).collect();
                async move {
                    let (_, cost) = with_cost(::sockets::handle(&app, Incoming::Stream(batch))).await;
                    spent.send_modify(|all| all.push((sorts, cost)));
                    DynamoDbEventResponse::default()
                }
            })
        });
        Self { app, expiry, connections, batches, costs, _workers: workers }
    }

    /// The cost of the batches since the last call, the last of which has an item with this sort key.
    pub async fn stream_cost(&self, sort: &str) -> CostTotals {
        let is_last = |all: &Vec<(Vec<String>, CostTotals)>| {
            all.iter().any(|(sorts, _)| sorts.iter().any(|it| it.starts_with(sort)))
        };
        let mut handled = self.costs.subscribe();
        let enough = tokio::time::timeout(Duration::from_secs(30), handled.wait_for(is_last)).await;
        drop(enough.expect("the stream is read").unwrap());
        let mut sum = CostTotals::default();
        for (_, cost) in self.costs.send_replace(vec![]) {
            sum.read_units += cost.read_units;
            sum.write_units += cost.write_units;
        }
        sum
    }

    /// Passes an event as API Gateway writes it; returns the status.
    async fn pass(&self, kind: &str, id: &str, body: Option<&str>) -> Value {
        self.pass_with_cost(kind, id, body).await.0
    }

    /// The same, and the cost.
    pub async fn pass_with_cost(&self, kind: &str, id: &str, body: Option<&str>) -> (Value, CostTotals) {
        let query = (kind == "CONNECT").then(|| json!({ "EIO": "4", "transport": "websocket" }));
        let event = json!({
            "requestContext": { "routeKey": format!("${}", kind.to_lowercase()), "eventType": kind, "connectionId": id,
                "stage": "sockets", "apiId": "a1", "domainName": "a1.execute-api.us-east-1.amazonaws.com" },
            "queryStringParameters": query, "body": body, "isBase64Encoded": false,
        });
        let incoming: Incoming = serde_json::from_value(event).expect("an event of the gateway");
        let (answer, cost) = with_cost(::sockets::handle(&self.app, incoming)).await;
        (answer["statusCode"].clone(), cost)
    }

    /// A client is there before the function is called.
    pub fn establish(&self, id: &str) {
        self.connections.frames.lock().unwrap().insert(id.to_owned(), vec![]);
    }

    /// Opens a connection and reads the first frame.
    pub async fn connect(&self, id: &str) {
        assert_eq!(self.pass("CONNECT", id, None).await, 200);
        self.establish(id);
        let open = self.next(id).await;
        assert!(open.starts_with("0{") && open.contains("\"upgrades\":[]"), "{open}");
    }

    pub async fn send(&self, id: &str, frame: &str) {
        assert_eq!(self.pass("MESSAGE", id, Some(frame)).await, 200, "{frame}");
    }

    /// Opens a connection with this credential; returns the answer to CONNECT.
    pub async fn sign_in(&self, id: &str, auth: &Value) -> String {
        self.connect(id).await;
        self.send(id, &format!("40/ws,{auth}")).await;
        self.next(id).await
    }

    /// A connection with this credential in a channel.
    pub async fn watch(&self, id: &str, auth: &Value, channel: &str) {
        let answer = self.sign_in(id, auth).await;
        assert!(answer.starts_with("40/ws,{\"sid\":"), "{answer}");
        self.send(id, &format!("42/ws,{}", json!(["subscribe:channel", channel]))).await;
        self.send(id, "42/ws,[\"ping\"]").await;
        assert_eq!(self.next(id).await, "42/ws,[\"pong\"]");
    }

    /// The client ends the connection.
    pub async fn close(&self, id: &str) {
        self.vanish(id);
        assert_eq!(self.pass("DISCONNECT", id, None).await, 200);
    }

    /// The client is gone without an event.
    pub fn vanish(&self, id: &str) {
        self.connections.frames.lock().unwrap().remove(id);
    }

    /// From now on calls for this connection fail after its client has got the frame.
    pub fn fail(&self, id: &str) {
        self.connections.failing.lock().unwrap().insert(id.to_owned());
    }

    /// How many frames a connection got before it was ended and that nothing has read.
    pub fn received(&self, id: &str) -> usize {
        self.connections.ended.lock().unwrap().get(id).map_or(0, Vec::len)
    }

    /// Passes all batches of the stream so far again.
    pub async fn repeat_stream(&self) {
        let batches = self.batches.lock().unwrap().clone();
        for batch in batches {
            ::sockets::handle(&self.app, Incoming::Stream(batch)).await;
        }
    }

    pub fn is_open(&self, id: &str) -> bool {
        self.connections.frames.lock().unwrap().contains_key(id)
    }

    /// The next frame of a connection; the test fails if there is none.
    pub async fn next(&self, id: &str) -> String {
        let next = async {
            loop {
                let changed = self.connections.changed.notified();
                let first = self
                    .connections
                    .frames
                    .lock()
                    .unwrap()
                    .get_mut(id)
                    .and_then(|frames| (!frames.is_empty()).then(|| frames.remove(0)));
                match first {
                    Some(frame) => return frame,
                    None => changed.await,
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(30), next).await.unwrap_or_else(|_| panic!("{id} gets a frame"))
    }

    /// The next event of a connection: its name and its data.
    pub async fn event(&self, id: &str) -> (String, Value) {
        let frame = self.next(id).await;
        let mut event: Value = serde_json::from_str(frame.trim_start_matches("42/ws,")).expect("an event");
        (event[0].as_str().expect("a name").to_owned(), event[1].take())
    }

    /// Waits until a connection is ended by the service.
    pub async fn ended(&self, id: &str) {
        let ended = async {
            loop {
                let changed = self.connections.changed.notified();
                if !self.is_open(id) {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap_or_else(|_| panic!("{id} is ended"));
    }
}

/// A world, its gateway, a person and an agent of theirs.
pub async fn start() -> (World, Gateway, Person, Agent) {
    let world = World::isolated().await;
    let gateway = Gateway::start(&world).await;
    let person = world.person().await;
    let agent = person.agent().await;
    (world, gateway, person, agent)
}

/// What an agent presents.
pub fn key(agent: &Agent) -> Value {
    json!({ "apiKey": agent.key })
}

/// What a page presents.
pub async fn ticket(person: &Person) -> Value {
    json!({ "token": person.post("/api/auth/ws-ticket", json!({})).await.expect(200)["ticket"] })
}

/// All that is stored of a user's connections.
pub async fn rooms(world: &World, person: &Person) -> Vec<String> {
    let user = person.user_id().await;
    let sorts = world.sort_keys(format!("SOCKETS#{}", user.trim_start_matches("usr_"))).await;
    sorts.into_iter().filter(|sort| !sort.starts_with("SENT#")).collect()
}

/// Runs work, and counts what it costs.
pub async fn with_cost<T>(work: impl Future<Output = T>) -> (T, CostTotals) {
    let bill = Arc::new(RequestCost::default());
    let done = cost::with_cost(bill.clone(), work).await;
    (done, bill.spent())
}

async fn receive(State(connections): State<Arc<Connections>>, Path(id): Path<String>, frame: String) -> StatusCode {
    let mut all = connections.frames.lock().unwrap();
    let Some(frames) = all.get_mut(&id) else { return StatusCode::GONE };
    frames.push(frame);
    connections.changed.notify_waiters();
    match connections.failing.lock().unwrap().contains(&id) {
        true => StatusCode::INTERNAL_SERVER_ERROR,
        false => StatusCode::OK,
    }
}

async fn disconnect(State(connections): State<Arc<Connections>>, Path(id): Path<String>) -> StatusCode {
    let Some(frames) = connections.frames.lock().unwrap().remove(&id) else { return StatusCode::GONE };
    connections.ended.lock().unwrap().insert(id, frames);
    connections.changed.notify_waiters();
    StatusCode::NO_CONTENT
}
