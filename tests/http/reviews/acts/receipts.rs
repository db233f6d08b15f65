//! Receipts of decisions, verified by the examples, which use stock libraries of two languages

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use action::receipt::{Claims, LIFETIME_SECONDS, SigningKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared::clock::Timestamp;
use shared::secrets::{ServerSecret, ServerSecrets};
use test_support::{Agent, Person, World};

use super::{ask, payment};

/// The examples: a program and its script.
fn verifiers() -> [(String, PathBuf); 2] {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let python = std::env::var("PLACET_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    [
        (python, examples.join("python/verify_receipt.py")),
        ("node".to_owned(), examples.join("javascript/verify_receipt.mjs")),
    ]
}

/// The claims of a receipt, or why the example refuses it.
fn verify((program, script): &(String, PathBuf), url: &str, receipt: &str, action: &Value) -> Result<Value, String> {
    let mut command = Command::new(program);
    command.arg(script).env("PLACET_URL", url).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program of the example");
    let given = json!({ "receipt": receipt, "action": action }).to_string();
    child.stdin.take().unwrap().write_all(given.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() || stderr.starts_with("refused: "), "{stderr}");
    if output.status.success() { Ok(serde_json::from_slice(&output.stdout).unwrap()) } else { Err(stderr) }
}

/// Asserts that each example gives the same claims; returns them.
async fn accepted(url: &str, receipt: &str, action: &Value) -> Value {
    let (url, receipt, action) = (url.to_owned(), receipt.to_owned(), action.clone());
    let verified = tokio::task::spawn_blocking(move || {
        verifiers().map(|it| verify(&it, &url, &receipt, &action).unwrap_or_else(|err| panic!("{it:?}: {err}")))
    });
    let [python, javascript] = verified.await.unwrap();
    assert_eq!(python, javascript);
    python
}

/// Asserts that each example refuses a receipt.
async fn refused(url: &str, receipt: &str, action: &Value) {
    let (url, receipt, action) = (url.to_owned(), receipt.to_owned(), action.clone());
    let verified = tokio::task::spawn_blocking(move || {
        verifiers().map(|it| assert!(verify(&it, &url, &receipt, &action).is_err(), "{it:?} accepts {receipt}"))
    });
    verified.await.unwrap();
}

/// A decided review: its message's id and the review.
async fn decided(person: &Person, agent: &Agent, option: &str) -> (String, Value) {
    let id = ask(agent, payment()).await;
    person.answer(&id, json!({ "selectedOption": option })).await.expect(201);
    let review = agent.wait(&id, 5_000).await.expect(200)["message"]["review"].clone();
    (id, review)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stock_libraries_verify_a_receipt_offline() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (id, review) = decided(&person, &agent, "approve").await;
    let action = &review["decision"]["action"];
    let claims = accepted(&world.url, text(&review["receipt"]), action).await;
    let issued = Timestamp::parse(text(&review["completedAt"])).unwrap().epoch_seconds();
    let expected = json!({
        "sub": id, "channel": agent.channel, "effect": "allow", "action": "pay", "digest": review["actionDigest"],
        "decided_by": person.user_id().await, "iat": issued, "exp": issued + LIFETIME_SECONDS, "jti": claims["jti"],
    });
    assert_eq!(claims, expected);
    assert_eq!(LIFETIME_SECONDS, 30 * 24 * 3600);
    // Another act, and what was denied.
    let mut other = action.clone();
    other["args"]["amount"] = json!(820_000);
    refused(&world.url, text(&review["receipt"]), &other).await;
    let (_, denied) = decided(&person, &agent, "reject").await;
    assert_eq!(denied["decision"]["effect"], "deny");
    refused(&world.url, text(&denied["receipt"]), &denied["decision"]["action"]).await;
    // Each decision has a receipt of its own.
    let (_, again) = decided(&person, &agent, "approve").await;
    let again = accepted(&world.url, text(&again["receipt"]), action).await;
    assert_ne!(again["jti"], claims["jti"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_with_one_byte_changed_is_refused() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (_, review) = decided(&person, &agent, "approve").await;
    let (receipt, action) = (text(&review["receipt"]), &review["decision"]["action"]);
    let parts: Vec<&str> = receipt.split('.').collect();
    // The middle of the header, of the claims and of the signature.
    let mut at = 0;
    for part in &parts {
        let middle = at + part.len() / 2;
        let mut changed = receipt.as_bytes().to_vec();
        changed[middle] = if changed[middle] == b'A' { b'B' } else { b'A' };
        refused(&world.url, &String::from_utf8(changed).unwrap(), action).await;
        at += part.len() + 1;
    }
    // Without a signature, and with the algorithm `none`.
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"placet-receipt+jwt"}"#);
    for changed in [format!("{}.{}.", parts[0], parts[1]), format!("{none}.{}.", parts[1])] {
        refused(&world.url, &changed, action).await;
    }
}

/// A receipt for the payment with these times, signed with a key.
fn signed(key: &SigningKey, issued: i64, expires: i64) -> String {
    let action = payment();
    let args = shared::json::Json::of(&action["args"]).unwrap();
    let digest = action::digest::digest("pay", &args.value());
    let claims = Claims {
        sub: "msg_1",
        channel: "agt_1",
        effect: "allow",
        action: "pay",
        digest: &digest,
        decided_by: "usr_1",
        iat: issued,
        exp: expires,
        jti: "1",
    };
    key.sign(&claims).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_ends_and_is_of_one_deployment() {
    let world = World::start().await;
    let key = world.app.secrets.current().unwrap().receipt_key().unwrap();
    let now = world.app.clock.now().epoch_seconds();
    accepted(&world.url, &signed(&key, now - 60, now + 600), &payment()).await;
    refused(&world.url, &signed(&key, now - LIFETIME_SECONDS - 60, now - 60), &payment()).await;
    let other = ServerSecret::new("the secret of another deployment, as long").unwrap().receipt_key().unwrap();
    refused(&world.url, &signed(&other, now - 60, now + 600), &payment()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receipts_outlive_deployments_and_a_replaced_secret() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let (_, before) = decided(&person, &agent, "approve").await;
    let action = before["decision"]["action"].clone();
    // Another process with the same secret.
    let redeployed = world.second_instance().await;
    accepted(&redeployed, text(&before["receipt"]), &action).await;

    let mut rotated = world.app.clone();
    let new = ServerSecret::new("the secret that took the place of the first").unwrap();
    rotated.secrets = ServerSecrets::new(new.clone(), world.app.secrets.iter().cloned());
    let mut replaced = rotated.clone();
    replaced.secrets = ServerSecrets::new(new, []);
    let rotated = world.serve_also(placet_local::routes(), rotated).await;
    let (_, after) = decided(&person.at(&rotated), &agent.at(&rotated), "approve").await;
    accepted(&rotated, text(&before["receipt"]), &action).await;
    accepted(&rotated, text(&after["receipt"]), &action).await;
    // Before the rotation the new key is unknown; once the old secret is dropped, its receipts end.
    refused(&world.url, text(&after["receipt"]), &action).await;
    let replaced = world.serve_also(placet_local::routes(), replaced).await;
    refused(&replaced, text(&before["receipt"]), &action).await;
    accepted(&replaced, text(&after["receipt"]), &action).await;
}

#[tokio::test]
async fn the_public_keys_are_public_and_cacheable() {
    let world = World::start().await;
    let visitor = Person::signed_out(&world.url, "", "");
    let reply = visitor.get("/.well-known/jwks.json").await;
    let keys = reply.expect(200)["keys"].clone();
    assert_eq!(reply.header("cache-control"), "public, max-age=300");
    let key = &keys[0];
    assert_eq!(keys.as_array().unwrap().len(), 1, "{keys}");
    assert_eq!(
        (&key["kty"], &key["crv"], &key["alg"], &key["use"]),
        (&json!("OKP"), &json!("Ed25519"), &json!("EdDSA"), &json!("sig"))
    );
    assert_eq!(key.get("d"), None, "the private key is not published");
    let person = world.person().await;
    let agent = person.agent().await;
    let (_, review) = decided(&person, &agent, "approve").await;
    let header = URL_SAFE_NO_PAD.decode(text(&review["receipt"]).split('.').next().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header, json!({ "alg": "EdDSA", "kid": key["kid"], "typ": "placet-receipt+jwt" }));
}
