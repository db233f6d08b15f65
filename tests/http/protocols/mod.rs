//! Agents' protocols: the Model Context Protocol, and hooks of coding agents.

mod command;
mod hooks;
mod memory;
mod revisions;
mod tasks;
mod tools;

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply};

const STATELESS: &str = "2026-07-28";
const TASKS: &str = "io.modelcontextprotocol/tasks";

/// What a client of 2026-07-28 sends with each request.
fn meta(capabilities: Value) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": STATELESS,
        "io.modelcontextprotocol/clientInfo": { "name": "tests", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": capabilities
    })
}

/// A request of 2026-07-28 with its headers.
async fn request(agent: &Agent, method: &str, mut params: Value, capabilities: Value) -> Reply {
    params["_meta"] = meta(capabilities);
    let name = params["name"].as_str().or(params["taskId"].as_str()).map(str::to_owned);
    let mut request = agent.request(Method::POST, "/mcp").header("MCP-Protocol-Version", STATELESS);
    request = request.header("Mcp-Method", method);
    if let Some(name) = name {
        request = request.header("Mcp-Name", name);
    }
    Reply::fetch(request.json(&json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params }))).await
}

/// The result of a call of a tool.
async fn call(agent: &Agent, tool: &str, arguments: Value) -> Value {
    let reply = request(agent, "tools/call", json!({ "name": tool, "arguments": arguments }), json!({})).await;
    reply.expect(200)["result"].clone()
}

/// What a tool gives for programs; the text says the same.
async fn structured(agent: &Agent, tool: &str, arguments: Value) -> Value {
    let result = call(agent, tool, arguments).await;
    assert_eq!(result["isError"], false, "{result}");
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(text, result["structuredContent"]);
    text
}

/// The error that a tool gives.
async fn tool_error(agent: &Agent, tool: &str, arguments: Value) -> Value {
    let result = call(agent, tool, arguments).await;
    assert_eq!(result["isError"], true, "{result}");
    serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
}

/// Answers the next question, once it was asked.
async fn answer_next(person: &Person, response: Value) {
    loop {
        let pending = person.get("/api/messages/reviews").await.expect(200);
        if let Some(id) = pending[0]["id"].as_str() {
            person.answer(id, response).await.expect(201);
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
