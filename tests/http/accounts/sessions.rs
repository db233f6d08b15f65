//! `/api/auth/refresh`, `/api/auth/sessions` and `/api/auth/change-password`

use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use axum::Extension;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::{UserId, parse_ulid};
use shared::models::SourceAddress;
use shared::secrets::SecretHash;
use shared::storage::keys;
use test_support::{Person, Reply, World};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// The token that an answer's cookie carries.
fn token_in(reply: &Reply) -> String {
    reply.session_token().to_owned()
}

/// A request with this token and no cookies.
async fn with_token(world: &World, method: Method, path: &str, token: &str) -> Reply {
    Reply::fetch(Person::signed_out(&world.url, "", "").request(method, path).bearer_auth(token)).await
}

async fn refresh(world: &World, token: &str) -> Reply {
    with_token(world, Method::POST, "/api/auth/refresh", token).await
}

async fn is_valid(world: &World, token: &str) -> bool {
    with_token(world, Method::GET, "/api/auth/me", token).await.status == 200
}

fn change(current: &str, new: &str) -> Value {
    json!({ "currentPassword": current, "newPassword": new })
}

#[tokio::test]
async fn a_refresh_gives_seven_more_days_and_ends_the_old_token() {
    let world = World::start().await;
    let person = world.person().await;
    let old = token_in(&person.sign_in().await);
    world.advance_clock(6 * DAY);
    let refreshed = person.post("/api/auth/refresh", json!({})).await;
    assert_eq!(refreshed.expect(200)["user"]["email"], json!(person.email));
    for part in ["access_token=hs_", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=604800"] {
        assert!(refreshed.header("set-cookie").contains(part), "{part}");
    }
    assert!(!is_valid(&world, &old).await);
    refresh(&world, &old).await.expect_error(401, "unauthorized");
    world.advance_clock(6 * DAY);
    person.get("/api/auth/me").await.expect(200);
    world.advance_clock(DAY);
    person.post("/api/auth/refresh", json!({})).await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn of_concurrent_refreshes_one_succeeds() {
    let world = World::start().await;
    let person = world.person().await;
    let token = token_in(&person.sign_in().await);
    let replies = join_all((0..6).map(|_| refresh(&world, &token))).await;
    let (winners, losers): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 200);
    assert_eq!(winners.len(), 1);
    losers.iter().for_each(|reply| drop(reply.expect_error(401, "unauthorized")));
    assert!(is_valid(&world, &token_in(winners[0])).await);
    assert!(!is_valid(&world, &token).await);
}

#[tokio::test]
async fn a_refresh_needs_a_session() {
    let world = World::start().await;
    let visitor = Person::signed_out(&world.url, "", "");
    visitor.post("/api/auth/refresh", json!({})).await.expect_error(401, "unauthorized");
    visitor.post("/api/auth/change-password", json!({ "newPassword": 1 })).await.expect_error(401, "unauthorized");
    let forged = format!("hs_{}01KB0000000000000000000000", "a".repeat(43));
    refresh(&world, &forged).await.expect_error(401, "unauthorized");
    // An API key is not a session.
    let agent = world.person().await.agent().await;
    agent.post("/api/auth/refresh", json!({})).await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn a_new_password_ends_all_other_sessions_and_keeps_this_one_and_the_keys() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let mut others = vec![];
    for _ in 0..3 {
        others.push(token_in(&Person::signed_out(&world.url, &person.email, &person.password).sign_in().await));
    }
    others[0] = token_in(&refresh(&world, &others[0]).await);
    let changed = person.post("/api/auth/change-password", change(&person.password, "a better one")).await;
    assert_eq!(changed.expect(200), json!({ "message": "Password changed" }));
    person.get("/api/auth/me").await.expect(200);
    for other in &others {
        assert!(!is_valid(&world, other).await);
    }
    agent.get("/api/v1/agents").await.expect(200);
    person.sign_in().await.expect_error(401, "wrong_credentials");
    let mut renewed = Person::signed_out(&world.url, &person.email, "a better one");
    renewed.sign_in().await.expect(200);
    // The kept session is like any other: it can be refreshed, and the next change ends it.
    let refreshed = token_in(&person.post("/api/auth/refresh", json!({})).await);
    renewed.post("/api/auth/change-password", change("a better one", "a third one")).await.expect(200);
    assert!(!is_valid(&world, &refreshed).await);
    renewed.password = "a third one".to_owned();
    renewed.sign_in().await.expect(200);
}

#[tokio::test]
async fn ten_wrong_current_passwords_lock_the_change_for_15_minutes() {
    let world = World::start().await;
    let person = world.person().await;
    let guesses = (0..12).map(|_| person.post("/api/auth/change-password", change("not it", "long enough")));
    let replies = join_all(guesses).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
    for locked in replies.iter().filter(|reply| reply.status != 401) {
        locked.expect_error(429, "too_many_tries");
        assert!(locked.header("retry-after").parse::<u64>().is_ok());
    }
    // While locked, the right password gets the same error; the session stays valid.
    let right = change(&person.password, "long enough");
    person.post("/api/auth/change-password", right.clone()).await.expect_error(429, "too_many_tries");
    person.post("/api/auth/refresh", json!({})).await.expect(200);
    person.post("/api/auth/change-password", right.clone()).await.expect_error(429, "too_many_tries");
    // Sign-ins have their own attempts and are not locked.
    Person::signed_out(&world.url, &person.email, &person.password).sign_in().await.expect(200);
    world.advance_clock(Duration::from_secs(15 * 60));
    person.post("/api/auth/change-password", right).await.expect(200);
}

#[tokio::test]
async fn a_change_names_what_is_wrong_with_it() {
    let world = World::start().await;
    let person = world.person().await;
    let path = "/api/auth/change-password";
    assert_eq!(person.post(path, json!({})).await.expect_invalid(), ["currentPassword", "newPassword"]);
    for new in [json!("1234567"), json!("x".repeat(1025)), json!(7)] {
        let body = json!({ "currentPassword": person.password, "newPassword": new });
        assert_eq!(person.post(path, body).await.expect_invalid(), ["newPassword"]);
    }
    person.post(path, change("wrong", "\u{0}💥é\u{fffd}long enough")).await.expect_error(401, "wrong_credentials");
    person.post(path, change(&person.password, "\u{0}💥é\u{fffd}long enough")).await.expect(200);
    Person::signed_out(&world.url, &person.email, "\u{0}💥é\u{fffd}long enough").sign_in().await.expect(200);
}

#[tokio::test]
async fn a_password_change_whose_response_was_lost_can_be_repeated() {
    let world = World::start().await;
    let person = world.person().await;
    let other = token_in(&Person::signed_out(&world.url, &person.email, &person.password).sign_in().await);
    let to_better = change(&person.password, "a better one");
    person.post("/api/auth/change-password", to_better.clone()).await.expect(200);
    assert!(!is_valid(&world, &other).await);
    // The repeated call, and a session that a crash before the end of the change would have left.
    let renewed = Person::signed_out(&world.url, &person.email, "a better one");
    let outdated = token_in(&renewed.sign_in().await);
    mark_outdated(&world, &outdated).await;
    person.post("/api/auth/change-password", to_better.clone()).await.expect(200);
    assert!(!is_valid(&world, &outdated).await);
    person.get("/api/auth/me").await.expect(200);
    renewed.sign_in().await.expect(200);
    // The repeat needs the new password and a session: a wrong password is a failed attempt.
    person
        .post("/api/auth/change-password", change("not it", "neither this"))
        .await
        .expect_error(401, "wrong_credentials");
    person.post("/api/auth/logout", json!({})).await.expect(200);
    person.post("/api/auth/change-password", to_better).await.expect_error(401, "unauthorized");
}

/// Marks a session as begun with an earlier password.
async fn mark_outdated(world: &World, token: &str) {
    let user = UserId::from_ulid(parse_ulid(&token[token.len() - 26..]).unwrap());
    let key = keys::user_session(user, &SecretHash::of(token));
    let update = world.clients.dynamodb.update_item().table_name(&world.table);
    let update = update
        .set_key(Some(key.attributes()))
        .update_expression("SET passwordId = :old")
        .condition_expression("attribute_exists(pk)")
        .expression_attribute_values(":old", AttributeValue::S("an old one".to_owned()));
    update.send().await.unwrap();
}

#[tokio::test]
async fn two_equal_concurrent_changes_are_one_change() {
    let world = World::start().await;
    let person = world.person().await;
    let to_better = change(&person.password, "a better one");
    let twice = join_all((0..2).map(|_| person.post("/api/auth/change-password", to_better.clone()))).await;
    twice.iter().for_each(|reply| drop(reply.expect(200)));
    person.get("/api/auth/me").await.expect(200);
}

#[tokio::test]
async fn of_two_concurrent_changes_one_succeeds() {
    let world = World::start().await;
    let person = world.person().await;
    let news = ["first choice", "second choice", "third choice"];
    let replies =
        join_all(news.map(|new| person.post("/api/auth/change-password", change(&person.password, new)))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 1);
    for (reply, new) in replies.iter().zip(news) {
        let signed_in = Person::signed_out(&world.url, &person.email, new).sign_in().await;
        assert_eq!(signed_in.status, reply.status, "{}", signed_in.text());
    }
}

#[tokio::test]
async fn sessions_begun_or_refreshed_during_the_change_end_too() {
    let world = World::start().await;
    let person = world.person().await;
    let mut tokens = vec![token_in(&Person::signed_out(&world.url, &person.email, &person.password).sign_in().await)];
    let begin = async {
        let again = || async { Person::signed_out(&world.url, &person.email, &person.password).sign_in().await };
        join_all((0..4).map(|_| again())).await
    };
    let mut current = tokens[0].clone();
    // Ends when a refresh is refused; the bound only keeps a failing test from running for ever.
    let keep_refreshing = async {
        let mut created = vec![];
        for _ in 0..1_000 {
            let reply = refresh(&world, &current).await;
            if reply.status != 200 {
                assert_eq!(reply.status, 401, "{}", reply.text());
                return created;
            }
            current = token_in(&reply);
            created.push(current.clone());
        }
        panic!("a session that the change should have ended was refreshed for ever");
    };
    let changed = person.post("/api/auth/change-password", change(&person.password, "a better one"));
    let (changed, begun, refreshed) = tokio::join!(changed, begin, keep_refreshing);
    changed.expect(200);
    tokens.extend(begun.iter().filter(|reply| reply.status == 200).map(token_in));
    tokens.extend(refreshed);
    for token in &tokens {
        assert!(!is_valid(&world, token).await);
    }
    person.get("/api/auth/me").await.expect(200);
}

#[tokio::test]
async fn a_refresh_is_two_calls() {
    let world = World::start().await;
    let cost = world.person().await.post("/api/auth/refresh", json!({})).await.cost();
    assert_eq!((cost.calls, cost.round_trips), (2, 2));
}

#[tokio::test]
async fn a_person_sees_where_they_are_signed_in_and_ends_one_session() {
    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0";
    let world = World::start().await;
    let source = SourceAddress([192, 0, 2, 9].into());
    let from_there = world.serve_also(placet_local::routes().layer(Extension(source)), world.app.clone()).await;
    let person = world.person().await;
    let thief = Person::signed_out(&from_there, &person.email, &person.password);
    let credentials = json!({ "email": person.email, "password": person.password });
    let sign_in = thief.request(Method::POST, "/api/auth/login").header("user-agent", FIREFOX).json(&credentials);
    let stolen = token_in(&Reply::fetch(sign_in).await);
    let list = async || person.get("/api/auth/sessions").await.expect(200).as_array().unwrap().clone();
    let before = list().await;
    assert_eq!((before.len(), &before[0]["current"], &before[1]["current"]), (2, &json!(true), &json!(false)));
    assert_eq!((&before[1]["device"], &before[1]["address"]), (&json!("Firefox on Linux"), &json!("192.0.2.9")));
    let page = person.get("/settings").await.text();
    assert!(page.contains("Firefox on Linux") && page.contains("192.0.2.9"), "{page}");

    // A refresh keeps the id, so that it can be ended meanwhile.
    world.advance_clock(Duration::from_secs(60));
    let refreshed = token_in(&refresh(&world, &stolen).await);
    let after = list().await;
    assert_eq!((&after[1]["id"], &after[1]["signedInAt"]), (&before[1]["id"], &before[1]["signedInAt"]));
    assert!(after[1]["refreshedAt"].as_str() > before[1]["refreshedAt"].as_str());
    let id = after[1]["id"].as_str().unwrap();
    let other = world.person().await;
    other.delete(&format!("/api/auth/sessions/{id}")).await.expect_error(404, "not_found");
    assert!(is_valid(&world, &refreshed).await);
    assert_eq!(person.delete(&format!("/api/auth/sessions/{id}")).await.expect(200), json!({ "deleted": true }));
    assert!(!is_valid(&world, &refreshed).await);
    assert_eq!(list().await.len(), 1);
    person.delete(&format!("/api/auth/sessions/{id}")).await.expect_error(404, "not_found");
}

#[tokio::test]
async fn a_session_ends_30_days_after_the_sign_in_however_often_it_is_refreshed() {
    let world = World::start().await;
    let mut token = token_in(&world.person().await.sign_in().await);
    for _ in 0..5 {
        world.advance_clock(5 * DAY);
        let refreshed = refresh(&world, &token).await;
        refreshed.expect(200);
        token = token_in(&refreshed);
    }
    world.advance_clock(4 * DAY);
    let last = refresh(&world, &token).await;
    last.expect(200);
    let cookie = last.header("set-cookie").to_owned();
    let max_age = cookie.split("; ").find_map(|part| part.strip_prefix("Max-Age=")).expect("a time");
    assert!((86_340..=86_400).contains(&max_age.parse::<u64>().unwrap()), "{cookie}");
    token = token_in(&last);
    world.advance_clock(DAY);
    assert!(!is_valid(&world, &token).await);
    refresh(&world, &token).await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn a_session_from_before_its_sign_in_was_stored_is_listed_refreshed_and_ended() {
    let world = World::start().await;
    let person = world.person().await;
    let other = token_in(&Person::signed_out(&world.url, &person.email, &person.password).sign_in().await);
    let user: UserId = person.user_id().await.parse().unwrap();
    let key = keys::user_session(user, &SecretHash::of(&other));
    let mut update = world.clients.dynamodb.update_item().table_name(&world.table).set_key(Some(key.attributes()));
    update = update.update_expression("REMOVE sessionId, signedInAt, refreshedAt, device, address");
    update.send().await.unwrap();
    let listed = person.get("/api/auth/sessions").await.expect(200)[1].clone();
    assert_eq!((&listed["device"], &listed["signedInAt"]), (&json!(null), &json!(null)));
    let refreshed = refresh(&world, &other).await;
    refreshed.expect(200);
    let again = person.get("/api/auth/sessions").await.expect(200)[1].clone();
    assert_eq!(again["id"], listed["id"]);
    person.delete(&format!("/api/auth/sessions/{}", listed["id"].as_str().unwrap())).await.expect(200);
    assert!(!is_valid(&world, &token_in(&refreshed)).await);
}

#[tokio::test]
async fn common_passwords_are_not_set_anywhere() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = world.member().await;
    let user = member.user_id().await;
    for weak in ["12345678", "        ", "Password1", "qwertyui", "abcdefgh"] {
        let refused = owner.post("/api/auth/change-password", change(&owner.password, weak)).await;
        assert_eq!(refused.expect_invalid(), ["newPassword"]);
        let new = json!({ "email": "weak@people.example", "displayName": "x", "password": weak });
        assert_eq!(owner.post("/api/users", new).await.expect_invalid(), ["password"]);
        let patch = owner.request(Method::PATCH, &format!("/api/users/{user}")).json(&json!({ "password": weak }));
        let refused = Reply::fetch(patch).await;
        assert_eq!(refused.json()["errors"][0]["code"], "too_common", "{weak}: {}", refused.text());
        let form = [("current", &*owner.password), ("new", weak), ("again", weak)];
        let page = owner.submit_form("/password", &form).await;
        assert!(page.status == 400 && page.text().contains("one of the most common passwords"), "{}", page.text());
    }
    owner.sign_in().await.expect(200);
    member.sign_in().await.expect(200);
}
