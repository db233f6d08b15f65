//! `/api/auth/login`, `/logout` and `/me`: sessions, cookies and lockout

use std::time::Duration;

use axum::Extension;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use shared::models::SourceAddress;
use shared::models::account::Email;
use shared::storage::keys;
use test_support::{Person, Reply, World, random_email, raw_http};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

#[tokio::test]
async fn login_sets_the_session_cookie_and_logout_clears_it() {
    let world = World::start().await;
    let person = world.person().await;
    let signed_in = person.sign_in().await;
    let cookie = signed_in.header("set-cookie").to_owned();
    for part in ["access_token=", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Secure"));
    insta::assert_json_snapshot!(signed_in.expect(200), {
        ".user.id" => "[id]", ".user.email" => "[email]", ".user.createdAt" => "[time]",
    }, @r#"
    {
      "user": {
        "createdAt": "[time]",
        "displayName": "A person",
        "email": "[email]",
        "id": "[id]",
        "mustChangePassword": false,
        "role": "owner"
      }
    }
    "#);
    let token = cookie.split(['=', ';']).nth(1).unwrap().to_owned();
    assert_eq!(person.get("/api/auth/me").await.expect(200)["user"]["email"], json!(person.email));
    assert_eq!(person.post("/api/auth/logout", json!({})).await.expect(200), json!({ "message": "Logged out" }));
    person.get("/api/auth/me").await.expect_error(401, "unauthorized");
    // The session itself has ended: its token is rejected without the cookie, too.
    let with_token = Person::signed_out(&world.url, "", "").request(Method::GET, "/api/auth/me").bearer_auth(token);
    Reply::fetch(with_token).await.expect_error(401, "unauthorized");
}

/// A response's session cookies, without their tokens.
fn cookies_of(reply: &Reply) -> Vec<String> {
    let values = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let values = values.filter(|value| !value.contains("device_"));
    let plain = |value: &str| {
        let (pair, attributes) = value.split_once(';').unwrap();
        let (name, token) = pair.split_once('=').unwrap();
        format!("{name}={};{attributes}", if token.is_empty() { "" } else { "hs" })
    };
    values.map(plain).collect()
}

const SET: &str = "=hs; Max-Age=604800; Path=/; HttpOnly; SameSite=Lax; Secure";
const CLEARED: &str = "=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure";

#[tokio::test]
async fn over_https_the_session_cookie_is_host_only() {
    let world = World::start().await;
    let person = world.person().await;
    let body = json!({ "email": person.email, "password": person.password });
    for (name, value) in [("X-Forwarded-Proto", "HTTPS, http"), ("Forwarded", "for=192.0.2.1;proto=https")] {
        let over_https = |path: &str| {
            let visitor = Person::signed_out(&world.url, "", "");
            visitor.request(Method::POST, path).header(name, value)
        };
        let signed_in = Reply::fetch(over_https("/api/auth/login").json(&body)).await;
        let expected = [format!("__Host-access_token{SET}"), format!("access_token{SET}")];
        assert_eq!(cookies_of(&signed_in), expected, "{name}");
        let out = Reply::fetch(over_https("/api/auth/logout")).await;
        out.expect(200);
        assert_eq!(
            cookies_of(&out),
            [format!("__Host-access_token{CLEARED}"), format!("access_token{CLEARED}")],
            "{name}"
        );
        let form = [("email", &person.email), ("password", &person.password)];
        let signed_in = Reply::fetch(over_https("/login").header("Sec-Fetch-Site", "same-origin").form(&form)).await;
        assert_eq!(cookies_of(&signed_in), [format!("__Host-access_token{SET}"), format!("access_token{CLEARED}")]);
        let out = Reply::fetch(over_https("/logout").header("Sec-Fetch-Site", "same-origin")).await;
        assert_eq!(
            cookies_of(&out),
            [format!("__Host-access_token{CLEARED}"), format!("access_token{CLEARED}")],
            "{name}"
        );
    }
}

#[tokio::test]
async fn over_https_only_the_host_prefixed_cookie_is_read() {
    let world = World::start().await;
    let person = world.person().await;
    let token = person.sign_in().await.session_token().to_owned();
    let me = |proto: &str, name: &str, value: String| {
        let visitor = Person::signed_out(&world.url, "", "");
        Reply::fetch(
            visitor.request(Method::GET, "/api/auth/me").header("X-Forwarded-Proto", proto).header(name, value),
        )
    };
    let (host, plain) = (format!("__Host-access_token={token}"), format!("access_token={token}"));
    me("https", "Cookie", host.clone()).await.expect(200);
    me("https", "Cookie", format!("a=b; {plain}; {host}")).await.expect(200);
    me("https", "Authorization", format!("Bearer {token}")).await.expect(200);
    me("https", "Cookie", plain.clone()).await.expect_error(401, "unauthorized");
    me("https", "Cookie", format!("__host-access_token={token}")).await.expect_error(401, "unauthorized");
    me("http", "Cookie", plain).await.expect(200);
    me("http", "Cookie", host).await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn the_token_works_as_a_bearer_too_and_an_api_key_does_not() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let cookie = person.sign_in().await.header("set-cookie").to_owned();
    let token = cookie.split(['=', ';']).nth(1).unwrap();
    let me = |token: &str| {
        Reply::fetch(Person::signed_out(&world.url, "", "").request(Method::GET, "/api/auth/me").bearer_auth(token))
    };
    me(token).await.expect(200);
    me(&agent.key).await.expect_error(401, "unauthorized");
    agent.with_key(token).get("/api/v1/agents").await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn logging_out_without_a_session_is_fine() {
    let world = World::start().await;
    let visitor = Person::signed_out(&world.url, "", "");
    visitor.post("/api/auth/logout", json!({})).await.expect(200);
}

#[tokio::test]
async fn wrong_passwords_and_unknown_emails_get_the_same_error() {
    let world = World::start().await;
    let person = world.person().await;
    let wrong = Person::signed_out(&world.url, &person.email, "not it").sign_in().await;
    let unknown = Person::signed_out(&world.url, "unknown@people.example", "not it").sign_in().await;
    let message = wrong.expect_error(401, "wrong_credentials")["message"].clone();
    assert_eq!(unknown.expect_error(401, "wrong_credentials")["message"], message);
    let shouted = Person::signed_out(&world.url, &person.email.to_uppercase(), &person.password);
    shouted.sign_in().await.expect(200);
}

#[tokio::test]
async fn ten_failed_logins_lock_the_address_for_15_minutes() {
    let world = World::start().await;
    let person = world.person().await;
    let guess = Person::signed_out(&world.url, &person.email, "not it");
    let replies = join_all((0..15).map(|_| guess.sign_in())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
    for locked in replies.iter().filter(|reply| reply.status != 401) {
        locked.expect_error(429, "too_many_tries");
        let seconds: u64 = locked.header("retry-after").parse().unwrap();
        assert!((1..=900).contains(&seconds), "{seconds}");
    }
    let stranger = || Person::signed_out(&world.url, &person.email, &person.password);
    stranger().sign_in().await.expect_error(429, "too_many_tries");
    world.advance_clock(Duration::from_secs(15 * 60));
    stranger().sign_in().await.expect(200);
}

#[tokio::test]
async fn one_source_cannot_try_a_password_at_many_addresses() {
    let world = World::start().await;
    let source = SourceAddress([192, 0, 2, 7].into());
    let from_there = world.serve_also(placet_local::routes().layer(Extension(source)), world.app.clone()).await;
    let person = world.person().await;
    let sign_in = async |url: &str| Person::signed_out(url, &person.email, &person.password).sign_in().await;
    for attempt in 0..50 {
        // A right password in between, as of an account that is the attacker's own, gives back no other attempt.
        if attempt == 25 {
            sign_in(&from_there).await.expect(200);
        }
        let guess = Person::signed_out(&from_there, &format!("nobody{attempt}@example.com"), "not it");
        guess.sign_in().await.expect_error(401, "wrong_credentials");
    }
    sign_in(&from_there).await.expect_error(429, "too_many_tries");
    sign_in(&world.url).await.expect(200);
    world.advance_clock(Duration::from_secs(15 * 60));
    sign_in(&from_there).await.expect(200);
}

#[tokio::test]
async fn of_a_burst_of_guesses_ten_are_checked() {
    let world = World::start().await;
    let person = world.person().await;
    let guess = Person::signed_out(&world.url, &person.email, "not it");
    let replies = join_all((0..100).map(|_| guess.sign_in())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
    replies.iter().filter(|it| it.status != 401).for_each(|it| drop(it.expect_error(429, "too_many_tries")));
}

#[tokio::test]
async fn concurrent_correct_logins_all_succeed() {
    let world = World::start().await;
    let person = world.person().await;
    let stranger = || async { Person::signed_out(&world.url, &person.email, &person.password).sign_in().await };
    let replies = join_all((0..12).map(|_| stranger())).await;
    replies.iter().for_each(|reply| drop(reply.expect(200)));
    let replies = join_all((0..12).map(|_| person.sign_in())).await;
    replies.iter().for_each(|reply| drop(reply.expect(200)));
    // Successful logins do not count: exactly ten failed attempts remain.
    let guess = Person::signed_out(&world.url, &person.email, "not it");
    let replies = join_all((0..12).map(|_| guess.sign_in())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
}

#[tokio::test]
async fn a_success_among_guesses_clears_only_the_failures_before_it() {
    let world = World::start().await;
    let person = world.person().await;
    let guess = Person::signed_out(&world.url, &person.email, "not it");
    let guesses = async { join_all((0..60).map(|_| guess.sign_in())).await };
    let stranger = Person::signed_out(&world.url, &person.email, &person.password);
    let (replies, right) = tokio::join!(guesses, stranger.sign_in());
    let checked = replies.iter().filter(|reply| reply.status == 401).count();
    let max_checked = if right.status == 200 { 20 } else { 10 };
    assert!((10..=max_checked).contains(&checked), "{checked}");
}

#[tokio::test]
async fn a_successful_login_clears_the_failures() {
    let world = World::start().await;
    let person = world.person().await;
    let guess = Person::signed_out(&world.url, &person.email, "not it");
    for _ in 0..2 {
        for _ in 0..9 {
            guess.sign_in().await.expect_error(401, "wrong_credentials");
        }
        Person::signed_out(&world.url, &person.email, &person.password).sign_in().await.expect(200);
    }
}

#[tokio::test]
async fn a_session_lasts_seven_days() {
    let world = World::start().await;
    let person = world.person().await;
    world.advance_clock(Duration::from_secs(7 * 24 * 3600 - 60));
    person.get("/api/auth/me").await.expect(200);
    world.advance_clock(Duration::from_secs(60));
    person.get("/api/auth/me").await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn a_login_with_missing_fields_names_them() {
    let world = World::start().await;
    let visitor = Person::signed_out(&world.url, "", "");
    assert_eq!(visitor.post("/api/auth/login", json!({ "email": 1 })).await.expect_invalid(), ["email", "password"]);
}

/// A lock that was set by a clock a day ahead ends with that clock, and `Retry-After` is never longer than the lock.
#[tokio::test]
async fn a_lock_ends_when_its_clock_was_set_back() {
    const DAY_MS: i64 = 24 * 3_600_000;
    let world = World::start().await;
    let person = world.person().await;
    let guess = Person::signed_out(&world.url, &person.email, "not it");
    let jump_to_stay = async |millis| {
        world.jump_clock(millis);
        person.get("/api/auth/me").await.expect(200);
        world.advance_clock(Duration::from_secs(15 * 60));
    };
    jump_to_stay(DAY_MS).await;
    for _ in 0..10 {
        guess.sign_in().await.expect_error(401, "wrong_credentials");
    }
    let locked = guess.sign_in().await;
    locked.expect_error(429, "too_many_tries");
    assert!((600..=900).contains(&locked.header("retry-after").parse::<u64>().unwrap()));
    jump_to_stay(-DAY_MS).await;
    Person::signed_out(&world.url, &person.email, &person.password).sign_in().await.expect(200);
}

/// Strangers fill no table: what counts their attempts expires.
#[tokio::test]
async fn attempts_at_unknown_addresses_expire_soon_after_their_window() {
    let world = World::start().await;
    let email = random_email();
    let stranger = Person::signed_out(&world.url, &email, "a wrong password");
    stranger.sign_in().await.expect_error(401, "wrong_credentials");
    let items = world.items(keys::email_partition(&Email::checked(&email).unwrap()), "").await;
    assert_eq!(items.len(), 1, "{items:?}");
    let ttl: i64 = items[0]["ttl"].as_n().unwrap().parse().unwrap();
    let left = ttl - world.app.clock.now().epoch_seconds();
    assert!((600..=3600).contains(&left), "{left} s");
}

#[tokio::test]
async fn an_attempt_whose_caller_hangs_up_is_counted_to_its_end() {
    let world = World::start().await;
    let person = world.person().await;
    let body = json!({ "email": person.email, "password": "not the password" }).to_string();
    let headers: [(&str, &[u8]); 1] = [("Content-Type", b"application/json")];
    let request = raw_http::request("POST", b"/api/auth/login", &headers, body.as_bytes());
    let email = Email::checked(&person.email).unwrap();
    // Waits until an attribute of the window is this number.
    let counted = async |name: &str, number: &str| loop {
        let windows = world.items(keys::email_partition(&email), keys::LOGINS).await;
        if windows.iter().any(|window| window[name].as_n().unwrap() == number) {
            break;
        }
    };
    for number in ["1", "2", "3"] {
        let mut caller = TcpStream::connect(world.url.trim_start_matches("http://")).await.unwrap();
        caller.write_all(&request).await.unwrap();
        let judged = async {
            counted("tries", number).await;
            drop(caller);
            counted("failures", number).await;
        };
        tokio::time::timeout(Duration::from_secs(60), judged).await.expect("the attempt ends");
    }
}
