//! `POST /mcp`: revisions, headers and errors

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Reply, World};

use super::{STATELESS, TASKS, meta, request};

/// Sends a body under headers.
async fn post(agent: &Agent, headers: &[(&str, &str)], body: &Value) -> Reply {
    let mut request = agent.request(Method::POST, "/mcp");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Reply::fetch(request.json(body)).await
}

fn rpc(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": "a-1", "method": method, "params": params })
}

#[tokio::test]
async fn a_client_discovers_the_server() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let answer = request(&agent, "server/discover", json!({}), json!({})).await.expect(200);
    let result = &answer["result"];
    assert_eq!((&answer["id"], &result["resultType"]), (&json!(7), &json!("complete")));
    assert_eq!(result["supportedVersions"][0], STATELESS);
    assert_eq!(result["capabilities"], json!({ "tools": {}, "extensions": { TASKS: {} } }));
    assert_eq!(result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"], "placet");
    assert!(result["ttlMs"].is_u64() && result["cacheScope"] == "private");
}

#[tokio::test]
async fn older_clients_begin_with_initialize() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (asked, agreed) in
        [("2025-11-25", "2025-11-25"), ("2025-06-18", "2025-06-18"), ("2024-11-05", "2025-11-25"), ("x", "2025-11-25")]
    {
        let params =
            json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": { "name": "x", "version": "1" } });
        let result = post(&agent, &[], &rpc("initialize", params)).await.expect(200)["result"].clone();
        assert_eq!((&result["protocolVersion"], &result["serverInfo"]["name"]), (&json!(agreed), &json!("placet")));
        assert_eq!(result["capabilities"], json!({ "tools": {} }));
    }
    let version = [("MCP-Protocol-Version", "2025-06-18")];
    let begun = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(post(&agent, &version, &begun).await.status, 202);
    assert_eq!(post(&agent, &version, &rpc("ping", json!({}))).await.expect(200)["result"], json!({}));
    let tools = post(&agent, &version, &rpc("tools/list", json!({}))).await.expect(200)["result"].clone();
    assert!(tools["tools"].as_array().unwrap().len() > 16 && tools.get("resultType").is_none());
    // A response to a request of the server, of which there are none, is accepted.
    assert_eq!(post(&agent, &version, &json!({ "jsonrpc": "2.0", "id": 1, "result": {} })).await.status, 202);
    for method in ["server/discover", "tasks/get", "prompts/list", "logging/setLevel"] {
        let refused = post(&agent, &version, &rpc(method, json!({}))).await.expect(200);
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(-32601), &json!("a-1")), "{method}");
    }
}

#[tokio::test]
async fn the_headers_must_say_what_the_body_says() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let version = ("MCP-Protocol-Version", STATELESS);
    let list = rpc("tools/list", json!({ "_meta": meta(json!({})) }));
    let get = rpc("tools/call", json!({ "name": "list_channels", "_meta": meta(json!({})) }));
    let encoded = "=?base64?bGlzdF9jaGFubmVscw==?=";
    for headers in [&[version, ("mcp-method", "tools/list")][..], &[version, ("MCP-METHOD", " tools/list ")]] {
        post(&agent, headers, &list).await.expect(200);
    }
    for name in ["list_channels", encoded] {
        post(&agent, &[version, ("Mcp-Method", "tools/call"), ("Mcp-Name", name)], &get).await.expect(200);
    }
    for (headers, body) in [
        (&[version][..], &list),
        (&[version, ("Mcp-Method", "TOOLS/LIST")], &list),
        (&[version, ("Mcp-Method", "tools/list"), ("Mcp-Method", "tools/call")], &list),
        (&[version, ("Mcp-Method", "tools/call")], &get),
        (&[version, ("Mcp-Method", "tools/call"), ("Mcp-Name", "get_message")], &get),
        (&[version, ("Mcp-Method", "tools/call"), ("Mcp-Name", "=?base64?!?=")], &get),
        (&[("MCP-Protocol-Version", "v9"), ("Mcp-Method", "tools/list")], &list),
    ] {
        let refused = post(&agent, headers, body).await.expect(400);
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(-32020), &json!("a-1")), "{headers:?}");
    }
    let mut unknown = list.clone();
    unknown["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = json!("v9");
    let headers = [("MCP-Protocol-Version", "v9"), ("Mcp-Method", "tools/list")];
    let refused = post(&agent, &headers, &unknown).await.expect(400)["error"].clone();
    assert_eq!(refused["code"], -32022);
    assert_eq!(refused["data"], json!({ "supported": ["2026-07-28", "2025-11-25", "2025-06-18"], "requested": "v9" }));
}

#[tokio::test]
async fn malformed_messages_are_refused_in_json_rpcs_terms() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    let version = [("MCP-Protocol-Version", STATELESS), ("Mcp-Method", "tools/list")];
    let text = |body: &'static str| {
        let request = agent.request(Method::POST, "/mcp").header("Content-Type", "application/json").body(body);
        async { Reply::fetch(request).await.expect(400)["error"]["code"].clone() }
    };
    assert_eq!(text("{").await, -32700);
    assert_eq!(text(r#"{"jsonrpc":"2.0","id":1,"method":"\ud800"}"#).await, -32700);
    for body in ["[]", "1", "{}", r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, r#"{"jsonrpc":"2.0","id":1}"#] {
        assert_eq!(text(body).await, -32600, "{body}");
    }
    assert_eq!(text(r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#).await, -32600);
    assert_eq!(text(r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#).await, -32602);
    for params in [
        json!({}),
        json!({ "_meta": {} }),
        json!({ "_meta": { "io.modelcontextprotocol/protocolVersion": STATELESS } }),
    ] {
        assert_eq!(post(&agent, &version, &rpc("tools/list", params)).await.expect(400)["error"]["code"], -32602);
    }
    for method in ["initialize", "ping", "logging/setLevel", "resources/list", "subscriptions/listen", "x/y"] {
        let refused = request(&agent, method, json!({}), json!({})).await.expect(404);
        assert_eq!((&refused["error"]["code"], &refused["id"]), (&json!(-32601), &json!(7)), "{method}");
    }
    let refused = request(&agent, "tools/call", json!({ "name": "respond" }), json!({})).await.expect(400);
    assert_eq!(refused["error"]["code"], -32602);
}

#[tokio::test]
async fn only_posts_with_a_key_from_no_other_site_are_answered() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for method in [Method::GET, Method::DELETE] {
        let refused = Reply::fetch(agent.request(method, "/mcp")).await;
        refused.expect_error(405, "method_not_allowed");
        assert_eq!(refused.header("allow"), "POST");
    }
    let list = rpc("tools/list", json!({}));
    let stranger = agent.with_key("hp_0000000000000000000000000000000000000000000");
    for body in [list.clone(), rpc("x", json!({})), json!([]), json!({ "jsonrpc": "2.0", "method": "notifications/x" })]
    {
        post(&stranger, &[], &body).await.expect_error(401, "unauthorized");
    }
    post(&agent, &[("Origin", "https://evil.example")], &list).await.expect_error(403, "foreign_page");
    post(&stranger, &[("Origin", "https://evil.example")], &list).await.expect_error(401, "unauthorized");
    let keyed = Reply::fetch(
        reqwest::Client::new().post(format!("{}/mcp", world.url)).header("x-api-key", &agent.key).json(&list),
    );
    assert!(keyed.await.expect(200)["result"]["tools"].is_array());
}
