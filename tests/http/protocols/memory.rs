//! The memory of the function that serves the protocols: its calls are held, so it has as little as that of waits.

use placet_bench::process;
use serde_json::{Value, json};
use test_support::function_process::{FunctionProcess, http_event};
use test_support::{Agent, Runner, World, template};

/// What Lambda's own processes take of a function's memory, and room for what was not thought of.
const RESERVE_MIB: u64 = 40;

#[tokio::test]
async fn the_largest_calls_fit_into_the_memory_that_the_function_has() {
    let world = World::embedded().await;
    let agent = world.person().await.agent().await;
    let endpoints = world.endpoints_over_tcp().await;
    let (mut mcp, _) =
        FunctionProcess::start(&Runner::binary("mcp"), &world, &endpoints, "http://127.0.0.1/queue").await;
    // A page of as many bytes as a page may have, and a message of nearly as many as one may have.
    for _ in 0..100 {
        agent.create_message(json!({ "text": "\"".repeat(65_000) })).await;
    }
    let page = call(&mut mcp, &agent, "get_messages", json!({ "limit": 100 })).await;
    assert!(page.len() > 4_000_000, "{}", page.len());
    let attachment = json!({ "filename": "a.txt", "content": "x".repeat(4_400_000) });
    call(&mut mcp, &agent, "send_message", json!({ "text": "T", "textAttachments": [attachment] })).await;
    let given = template::parameters()["ReviewsMemorySize"]["Default"].as_u64().unwrap();
    let peak = process::memory(mcp.id(), "VmHWM").div_ceil(1024);
    assert!(peak + RESERVE_MIB <= given, "{peak} MiB of {given}");
}

async fn call(mcp: &mut FunctionProcess, agent: &Agent, tool: &str, arguments: Value) -> String {
    let params = json!({ "name": tool, "arguments": arguments });
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let answer = mcp.invoke(http_event("POST", "/mcp", &agent.key, Some(("application/json", body.as_bytes())))).await;
    assert_eq!(answer["statusCode"], 200, "{answer}");
    answer["body"].as_str().unwrap().to_owned()
}
