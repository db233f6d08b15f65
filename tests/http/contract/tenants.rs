//! Tenant isolation: one user can neither see, change, attach nor answer anything of another user.
//! An id of another user gets the same response as an unknown id, to the byte and to the storage call.
//!
//! The test covers every route that takes ids, with every combination of the owner's ids and the
//! stranger's own. Tenants, ids and order are random: `PLACET_TEST_SEED` repeats a run.

use std::collections::HashMap;

use serde_json::Value;
use shared::clock::Timestamp;
use shared::ids::{AgentId, ApiKeyId, FileId, MessageId, UserId, new_ulid};
use test_support::contract::{Call, Placeholder, Route, routes};
use test_support::openapi;
use test_support::rng;
use test_support::tenant::{SAME_CLIENT, SAME_STREAM, Tenant};
use test_support::{Reply, World};

/// Pairs of tenants in one run.
const PAIRS: usize = 1;
/// Calls of each route and combination, each with other ids.
const CALLS_PER_COMBINATION: usize = 2;

#[tokio::test]
async fn another_tenants_id_is_answered_like_an_unknown_one() {
    let mut random = rng::from_env();
    let world = World::start().await;
    for _ in 0..PAIRS {
        let (anna, ben) = (Tenant::random(&world, &mut random).await, Tenant::random(&world, &mut random).await);
        call_all_routes(&world, &mut random, &anna, &ben).await;
        call_all_routes(&world, &mut random, &ben, &anna).await;
    }
}

/// Calls every route as `stranger` with ids of `owner`, in random order.
async fn call_all_routes(world: &World, random: &mut fastrand::Rng, owner: &Tenant, stranger: &Tenant) {
    let (visible, strangers) = (owner.visible_responses().await, stranger.visible_responses().await);
    let stored = owner.stored_items(world).await;
    let mut calls: Vec<Attempt> = routes()
        .into_iter()
        .flat_map(|route| {
            let combinations = foreign_combinations(&route.kinds());
            let all = combinations.into_iter().flat_map(|it| std::iter::repeat_n(it, CALLS_PER_COMBINATION));
            all.map(|way| Attempt::new(&route, &way, random, owner, stranger)).collect::<Vec<_>>()
        })
        .collect();
    random.shuffle(&mut calls);
    for attempt in &calls {
        attempt.make(world, owner, stranger).await;
    }
    assert_eq!(owner.stored_items(world).await, stored, "the owner's stored items");
    assert_eq!(stranger.visible_responses().await, strangers, "what the stranger sees");
    use_same_client_and_stream_ids(owner, stranger).await;
    assert_eq!(owner.stored_items(world).await, stored, "the owner's stored items");
    assert_eq!(owner.visible_responses().await, visible, "what the owner sees");
}

/// Every combination of the owner's and the stranger's ids for a route, with at least one of the
/// owner's.
fn foreign_combinations(kinds: &[Placeholder]) -> Vec<Vec<bool>> {
    let mut choices = vec![vec![]];
    for kind in kinds {
        let whose = if kind.is_id() { vec![false, true] } else { vec![false] };
        choices = choices.iter().flat_map(|some| whose.iter().map(|it| [&some[..], &[*it]].concat())).collect();
    }
    choices.retain(|foreign| foreign.contains(&true));
    choices
}

/// One call with ids of another tenant, and the same call with unknown ids.
struct Attempt {
    foreign: Call,
    /// Unknown ids in unknown channels.
    absent: Call,
    /// Unknown ids in the owner's channels.
    missing: Call,
    /// The ids of all three calls, which are masked when responses are compared.
    sent: Vec<String>,
}

impl Attempt {
    fn new(route: &Route, way: &[bool], random: &mut fastrand::Rng, owner: &Tenant, stranger: &Tenant) -> Self {
        let kinds = route.kinds();
        // Each tenant's ids are of one channel: a mixture would be refused for that reason alone.
        let [theirs, mine] =
            [owner, stranger].map(|it| (*random.choice(&it.ids_of(Placeholder::Agent)).unwrap()).to_owned());
        let mut foreign = vec![];
        for (kind, is_foreign) in kinds.iter().zip(way) {
            let id = match kind {
                Placeholder::Client => SAME_CLIENT,
                Placeholder::Stream => SAME_STREAM,
                // Sometimes any of them: of another agent, or of a state that the call refuses.
                kind if *is_foreign && random.usize(..3) == 0 => *random.choice(&owner.ids_of(kind.general())).unwrap(),
                kind if *is_foreign => *random.choice(&owner.ids_in(&theirs, *kind)).unwrap(),
                kind => *random.choice(&stranger.ids_in(&mine, *kind)).unwrap(),
            };
            foreign.push((*is_foreign, id.to_owned()));
        }
        let mut channels = HashMap::new();
        let absent = replace_foreign(&kinds, &foreign, |kind, id| absent(kind, id, &mut channels));
        let missing = replace_foreign(&kinds, &foreign, missing);
        let foreign: Vec<String> = foreign.into_iter().map(|(_, id)| id).collect();
        Self {
            foreign: fill_route(route, &foreign),
            absent: fill_route(route, &absent),
            missing: fill_route(route, &missing),
            sent: [foreign, absent, missing].concat(),
        }
    }

    async fn make(&self, world: &World, owner: &Tenant, stranger: &Tenant) {
        let send = |call: &Call| Reply::fetch(call.request(&stranger.person, &stranger.agents[0]));
        let (foreign, absent) = (send(&self.foreign).await, send(&self.absent).await);
        let what = format!("{:?}", self.foreign);
        assert_no_leak(&foreign, owner, &self.sent, &what);
        assert_eq!(
            self.comparable_response(&foreign),
            self.comparable_response(&absent),
            "{what}\ncompared with {:?}",
            self.absent
        );
        assert!(foreign.status < 500, "{what}: {} {}", foreign.status, foreign.text());
        if self.missing != self.foreign {
            assert_eq!(
                self.comparable_response(&send(&self.missing).await),
                self.comparable_response(&foreign),
                "{what}\ncompared with {:?}",
                self.missing
            );
        }
        if !foreign.has_cost() {
            return;
        }
        let (foreign, absent) = (foreign.cost(), absent.cost());
        // DynamoDB charges for missing keys; LocalStack does not, and how its calls overlap varies. A refusal waits only
        // for the access check, so concurrent reads may not be counted yet.
        if world.database().is_some() {
            assert_eq!((foreign.calls, foreign.round_trips), (absent.calls, absent.round_trips), "{what}");
            if foreign.calls == foreign.round_trips {
                assert_eq!(foreign.units(), absent.units(), "{what}");
            }
        }
    }

    /// A response without the parts that identify its call.
    fn comparable_response(&self, reply: &Reply) -> (u16, String, String) {
        let mut headers: Vec<String> = reply
            .headers
            .iter()
            .filter(|(name, _)| {
                !["date", "x-request-id", "content-length", "x-test-cost", "x-test-cpu-ns", "apigw-requestid"]
                    .contains(&name.as_str())
            })
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        let mut body = match serde_json::from_slice::<Value>(&reply.bytes) {
            Ok(Value::Object(mut body)) => {
                for varies in ["requestId", "timestamp", "path"] {
                    body.remove(varies);
                }
                Value::Object(body).to_string()
            }
            _ => reply.text(),
        };
        for id in self.sent.iter().filter(|id| ![SAME_CLIENT, SAME_STREAM].contains(&id.as_str())) {
            body = body.replace(id, "(an id)");
        }
        (reply.status, headers.join("\n"), body)
    }
}

fn fill_route(route: &Route, names: &[String]) -> Call {
    let mut names = names.iter();
    route.fill(|_| names.next().expect("a name for each placeholder").clone())
}

/// The ids with the owner's replaced; equal ids get equal replacements.
fn replace_foreign(
    kinds: &[Placeholder],
    ids: &[(bool, String)],
    mut other: impl FnMut(Placeholder, &str) -> String,
) -> Vec<String> {
    let mut replaced: HashMap<String, String> = HashMap::new();
    let each = kinds.iter().zip(ids);
    each.map(|(kind, (foreign, id))| match foreign {
        true => replaced.entry(id.clone()).or_insert_with(|| other(*kind, id)).clone(),
        false => id.clone(),
    })
    .collect()
}

/// A well-formed unknown id in an unknown channel; ids of one channel stay in one channel.
fn absent(kind: Placeholder, id: &str, channels: &mut HashMap<AgentId, AgentId>) -> String {
    let now = Timestamp::parse("2026-01-31T09:30:00.000Z").expect("a time");
    let mut channel = |of: AgentId| *channels.entry(of).or_insert_with(|| AgentId::new(now));
    match kind {
        Placeholder::Agent => channel(id.parse().expect("an id")).to_string(),
        Placeholder::Message | Placeholder::Pending | Placeholder::Decided => {
            MessageId::new(channel(id.parse::<MessageId>().expect("an id").channel()), now).to_string()
        }
        Placeholder::File | Placeholder::Free => {
            FileId::new(channel(id.parse::<FileId>().expect("an id").channel()), now).to_string()
        }
        Placeholder::Key => ApiKeyId::new(now).to_string(),
        Placeholder::User => UserId::new(now).to_string(),
        Placeholder::Session => format!("ses_{}", new_ulid(now)),
        Placeholder::Client | Placeholder::Stream => id.to_owned(),
    }
}

/// A well-formed unknown id in the same channel.
fn missing(kind: Placeholder, id: &str) -> String {
    let now = Timestamp::parse("2026-01-31T09:30:00.000Z").expect("a time");
    match kind.general() {
        Placeholder::Message => MessageId::new(id.parse::<MessageId>().expect("an id").channel(), now).to_string(),
        Placeholder::File => FileId::new(id.parse::<FileId>().expect("an id").channel(), now).to_string(),
        _ => id.to_owned(),
    }
}

/// Asserts that a response has nothing of the owner's except ids that the call itself contained.
#[track_caller]
fn assert_no_leak(reply: &Reply, owner: &Tenant, sent: &[String], what: &str) {
    let answer = format!("{:?}\n{}", reply.headers, reply.text());
    assert!(!answer.contains(&owner.marker), "{what} shows {answer}");
    for id in owner.ids.iter().map(|it| &it.id).filter(|id| !sent.contains(id)) {
        assert!(!answer.contains(id.as_str()), "{what} shows {id}: {answer}");
    }
}

/// Client ids and stream ids are scoped to a tenant: the owner's are not affected by the stranger's.
async fn use_same_client_and_stream_ids(owner: &Tenant, stranger: &Tenant) {
    let chosen = |route: &Route| route.kinds().iter().any(|kind| !kind.is_id());
    for route in routes().into_iter().filter(chosen) {
        let call = route.fill(|kind| match kind {
            Placeholder::Client => SAME_CLIENT.to_owned(),
            Placeholder::Stream => SAME_STREAM.to_owned(),
            kind => stranger.ids_of(kind)[0].to_owned(),
        });
        let reply = Reply::fetch(call.request(&stranger.person, &stranger.agents[0])).await;
        // The stranger's own earlier use of the client id may conflict.
        assert!(reply.status < 500, "{call:?}: {}", reply.text());
        assert_no_leak(&reply, owner, &[], &format!("{call:?}"));
    }
}

/// So the tests of tenants and of what a key may reach cover every route.
#[test]
fn every_operation_of_the_document_is_in_the_table_of_routes() {
    // The tools of /mcp call other routes; the others need no credentials.
    let apart = ["/mcp", "/api/openapi.json", "/api/docs"];
    let document: Value = serde_json::from_str(&openapi::text()).unwrap();
    let is_row_of = |route: &Route, path: &str| {
        let (row, path) = (route.path_without_query().split('/'), path.split('/'));
        row.clone().count() == path.clone().count() && row.zip(path).all(|(one, it)| one == it || it.starts_with('{'))
    };
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|_| !apart.contains(&path.as_str())) {
            let mut rows = routes().into_iter();
            let is_there = rows.any(|route| route.method.eq_ignore_ascii_case(method) && is_row_of(&route, path));
            assert!(is_there, "{method} {path}: tests/support/src/contract.rs");
        }
    }
}

#[tokio::test]
async fn every_route_of_the_contract_exists() {
    let world = World::start().await;
    let mut random = rng::from_env();
    let tenant = Tenant::random(&world, &mut random).await;
    let mut absent = vec![];
    for route in routes() {
        let call = route.fill(|kind| match kind {
            Placeholder::Client => "a client id".to_owned(),
            Placeholder::Stream => "a-stream".to_owned(),
            kind => tenant.ids_of(kind)[0].to_owned(),
        });
        let reply = Reply::fetch(call.request(&tenant.person, &tenant.agents[0])).await;
        let unsupported = reply.status == 400 && reply.text().contains("not_supported");
        if reply.status == 405 || reply.text().contains("There is no such path.") || unsupported {
            absent.push(format!("{} {} {:?}", route.method, route.path, route.body));
        }
    }
    absent.dedup();
    assert!(absent.is_empty(), "{} routes do not exist:\n{}", absent.len(), absent.join("\n"));
}

#[tokio::test]
async fn another_tenants_pages_are_not_found() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.person().await);
    let message = anna.agent().await.request_approval().await;
    assert_eq!(ben.get(&format!("/reviews/{message}")).await.status, 403);
    assert_eq!(ben.submit_form(&format!("/reviews/{message}"), &[("option", "approve")]).await.status, 403);
}

#[tokio::test]
async fn a_key_that_names_another_user_is_refused() {
    let world = World::start().await;
    let (mine, stranger) = (world.person().await.agent().await, world.person().await.agent().await);
    let forged = format!("{}{}", &stranger.key[..46], &mine.key[46..]);
    mine.with_key(&forged).get("/api/v1/agents").await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn agents_of_one_person_share_keys_but_not_channels() {
    let world = World::start().await;
    let person = world.person().await;
    let (one, two) = (person.agent().await, person.agent().await);
    let message = one.request_approval().await;
    two.with_channel(&one.channel).get_in_channel(&format!("/api/v1/messages/{message}")).await.expect(200);
    two.get_in_channel(&format!("/api/v1/messages/{message}")).await.expect_error(404, "not_found");
}
