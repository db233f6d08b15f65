//! The digest of an act: SHA-256 over its RFC 8785 form

use serde_json::Value;
use sha2::{Digest, Sha256};
use shared::hex;
use test_support::{Agent, Reply, World};

/// Asks for an act with these arguments; returns its digest.
async fn digest(agent: &Agent, name: &str, args: &str) -> String {
    let action = format!(r#"{{"args":{args},"name":{}}}"#, Value::from(name));
    let body = format!(r#"{{"channelId":"{}","review":{{"type":"approval","action":{action}}}}}"#, agent.channel);
    let request = agent.request(reqwest::Method::POST, "/api/v1/messages");
    let sent = Reply::fetch(request.header("content-type", "application/json").body(body)).await.expect(201);
    sent["review"]["actionDigest"].as_str().unwrap().to_owned()
}

/// The digest of a canonical form that is written out here.
fn sha256(canonical: &str) -> String {
    format!("sha256:{}", hex::encode(&Sha256::digest(canonical.as_bytes())))
}

#[tokio::test]
async fn a_digest_is_that_of_the_canonical_form() {
    let world = World::start().await;
    let agent = world.person().await.agent().await;
    for (args, canonical) in [
        // The examples of RFC 8785: 3.2.2, 3.2.3 and appendix B.
        (
            r#"{"numbers":[333333333.3333332,1E30,4.50,2e-3,0.000000000000000000000000001],
                "string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#,
            "{\"literals\":[null,true,false],\"numbers\":[333333333.3333332,1e+30,4.5,0.002,1e-27],\
             \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}",
        ),
        (
            r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
                "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#,
            "{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u{80}\":\"Control\",\
             \"\u{f6}\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\
             \"😀\":\"Emoji: Grinning Face\",\"\u{fb33}\":\"Hebrew Letter Dalet With Dagesh\"}",
        ),
        (
            r#"{"n":[0,-0,5e-324,-5e-324,1.7976931348623157e308,9007199254740992,-9007199254740992,295147905179352830000,
                9.999999999999997e22,1e23,1.0000000000000001e23,999999999999999700000,1e21,9.999999999999997e-7,1e-6,1424953923781206.2]}"#,
            "{\"n\":[0,0,5e-324,-5e-324,1.7976931348623157e+308,9007199254740992,-9007199254740992,295147905179352830000,\
             9.999999999999997e+22,1e+23,1.0000000000000001e+23,999999999999999700000,1e+21,9.999999999999997e-7,0.000001,1424953923781206.2]}",
        ),
        // Our own.
        (r#"{ "to": "Ada", "amount": 8.2e4 }"#, r#"{"amount":82000,"to":"Ada"}"#),
        (r#"{"b":{"b":1.0,"a":[]},"a":{}}"#, r#"{"a":{},"b":{"a":[],"b":1}}"#),
        ("{\"e\u{301}\":1,\"\u{e9}\":2}", "{\"e\u{301}\":1,\"\u{e9}\":2}"),
        (r#"{"__proto__":1,"A":2,"a":3,"":4}"#, r#"{"":4,"A":2,"__proto__":1,"a":3}"#),
    ] {
        let expected = sha256(&format!(r#"{{"args":{canonical},"name":"pay"}}"#));
        assert_eq!(digest(&agent, "pay", args).await, expected, "{args}");
    }
    let named = sha256("{\"args\":{},\"name\":\" \\u0001€\\\"/\"}");
    assert_eq!(digest(&agent, " \u{1}€\"/", "{}").await, named);
}
