//! What a key may reach holds on every route: a key of one agent reaches no other, a key that may only read changes
//! nothing, and a key that has ended is refused.

use std::time::Duration;

use serde_json::{Value, json};
use test_support::contract::{CallBody, CallerKind, Placeholder, Route, routes};
use test_support::rng;
use test_support::tenant::{SAME_CLIENT, SAME_STREAM, Tenant};
use test_support::{Agent, Reply, World};

/// What a key of one agent may not do.
const FOR_ALL_AGENTS: [(&str, &str); 2] = [("POST", "/api/v1/agents"), ("DELETE", "/api/v1/agents/{agent}")];

/// A new key of a tenant, for calls in the channel of `agent`.
async fn key(tenant: &Tenant, agent: &Agent, scope: Value) -> Agent {
    let made = tenant.person.post("/api/api-keys", scope).await.expect(201);
    agent.with_key(made["key"].as_str().unwrap())
}

/// The routes that a key calls, without `/mcp`: its tools are held to what a key may reach by the routes that they call.
fn scoped_routes() -> impl Iterator<Item = Route> {
    agent_routes().filter(|route| !route.path.starts_with("/mcp"))
}

fn agent_routes() -> impl Iterator<Item = Route> {
    routes().into_iter().filter(|route| route.by == CallerKind::Agent)
}

/// Calls a route with ids in the channel of `there`, with the key of `caller`.
async fn call(tenant: &Tenant, route: &Route, there: &Agent, caller: &Agent) -> Reply {
    let call = route.fill(|kind| match kind {
        Placeholder::Client => SAME_CLIENT.to_owned(),
        Placeholder::Stream => SAME_STREAM.to_owned(),
        kind => tenant.ids_in(&there.channel, kind)[0].to_owned(),
    });
    Reply::fetch(call.request(&tenant.person, caller)).await
}

/// A response without what varies from call to call.
fn comparable(reply: &Reply) -> (u16, Value) {
    let mut body = serde_json::from_slice(&reply.bytes).unwrap_or_else(|_| json!(reply.text()));
    for varies in ["requestId", "timestamp"] {
        body.as_object_mut().map(|members| members.remove(varies));
    }
    (reply.status, body)
}

/// Asserts that two keys get the same from a route, at the same cost.
async fn assert_same(tenant: &Tenant, route: &Route, there: &Agent, [one, other]: [&Agent; 2]) {
    let (full, limited) = (call(tenant, route, there, one).await, call(tenant, route, there, other).await);
    if route.path != "/api/v1/agents" {
        assert_eq!(comparable(&full), comparable(&limited), "{route:?}");
    }
    // How often a wait looks depends on the time.
    if full.has_cost() && !route.path.contains("/wait") {
        let cost = |reply: &Reply| (reply.cost().calls, reply.cost().round_trips, reply.cost().units());
        assert_eq!(cost(&full), cost(&limited), "{route:?}");
    }
}

#[tokio::test]
async fn a_key_that_may_only_read_changes_nothing_on_any_route() {
    let world = World::start().await;
    let tenant = Tenant::with_agents(&world, &mut rng::from_env(), 1).await;
    let full = &tenant.agents[0];
    let reader = key(&tenant, full, json!({ "readOnly": true })).await;
    let before = tenant.visible_responses().await;
    for route in scoped_routes() {
        if route.method == "GET" {
            assert_same(&tenant, &route, full, [full, &reader]).await;
        } else {
            call(&tenant, &route, full, &reader).await.expect_error(403, "read_only_key");
        }
    }
    assert_eq!(tenant.visible_responses().await, before);
    // Input that is refused before the call is made tells no more.
    reader.post("/api/v1/messages", json!({ "text": 7 })).await.expect_error(403, "read_only_key");
}

#[tokio::test]
async fn a_key_of_one_agent_reaches_no_other_on_any_route() {
    let world = World::start().await;
    let tenant = Tenant::with_agents(&world, &mut rng::from_env(), 2).await;
    let [full, elsewhere] = &tenant.agents[..] else { panic!("two agents") };
    let own = key(&tenant, full, json!({ "agentId": full.channel })).await;
    let before = tenant.visible_responses().await;
    for route in scoped_routes().filter(|route| route.kinds().iter().any(|kind| kind.is_id())) {
        let refused = call(&tenant, &route, elsewhere, &own).await;
        if route.path.contains("ids=") {
            // A call for several reviews answers for each.
            assert!(refused.expect(200)["unknown"].as_array().is_some_and(|ids| !ids.is_empty()), "{}", refused.text());
            continue;
        }
        assert!([400, 403, 404].contains(&refused.status), "{route:?}: {} {}", refused.status, refused.text());
        assert!(!refused.text().contains(&tenant.marker), "{route:?}: {}", refused.text());
        // Ids of the other agent in the channel of its own; a hook has none but the channel.
        if route.path.contains("?channel=") && !route.path.contains("/hooks/") {
            let call = route.fill(|kind| match kind {
                Placeholder::Agent => full.channel.clone(),
                Placeholder::Client | Placeholder::Stream => "x".to_owned(),
                kind => tenant.ids_in(&elsewhere.channel, kind)[0].to_owned(),
            });
            if call.path.contains(&elsewhere.channel[4..]) || matches!(call.body, CallBody::Json(_)) {
                let refused = Reply::fetch(call.request(&tenant.person, &own)).await;
                assert!([400, 403, 404].contains(&refused.status), "{call:?}: {}", refused.text());
            }
        }
    }
    own.post("/api/v1/agents", json!({ "name": "another" })).await.expect_error(403, "key_of_one_agent");
    assert_eq!(tenant.visible_responses().await, before);

    let listed = own.get("/api/v1/agents").await.expect(200);
    assert_eq!(listed.as_array().unwrap().iter().map(|it| it["id"].clone()).collect::<Vec<_>>(), [json!(full.channel)]);
    for path in ["/api/v1/files", "/api/v1/reviews/pending"] {
        let (all, of_own) = (full.get(path).await.expect(200), own.get(path).await.expect(200));
        let of_channel = full.get_in_channel(path).await.expect(200);
        assert!(of_own == of_channel && of_own != all, "{path}: {of_own}");
    }
    let message = tenant.ids_in(&elsewhere.channel, Placeholder::Message)[0];
    own.get(&format!("/api/v1/messages/{message}/history")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_key_of_one_agent_does_for_it_what_any_key_does() {
    let world = World::start().await;
    let tenant = Tenant::with_agents(&world, &mut rng::from_env(), 2).await;
    let full = &tenant.agents[0];
    let own = key(&tenant, full, json!({ "agentId": full.channel })).await;
    // The first call of a key writes when it was used.
    own.get("/api/v1/agents").await.expect(200);
    for route in agent_routes() {
        if route.method == "GET" {
            assert_same(&tenant, &route, full, [full, &own]).await;
        } else if !FOR_ALL_AGENTS.contains(&(route.method, route.path)) {
            let reply = call(&tenant, &route, full, &own).await;
            assert!(reply.status < 500 && ![401, 403].contains(&reply.status), "{route:?}: {}", reply.text());
        }
    }
}

#[tokio::test]
async fn a_key_that_has_ended_is_refused_on_every_route() {
    let world = World::isolated().await;
    let tenant = Tenant::with_agents(&world, &mut rng::from_env(), 1).await;
    let full = &tenant.agents[0];
    let end = world.app.clock.now().plus(Duration::from_secs(3600));
    let guest = key(&tenant, full, json!({ "expiresAt": end })).await;
    guest.get("/api/v1/agents").await.expect(200);
    world.advance_clock(Duration::from_secs(3601));
    for route in agent_routes() {
        call(&tenant, &route, full, &guest).await.expect_error(401, "api_key_expired");
    }
    full.get("/api/v1/agents").await.expect(200);
}
