//! Device cookies: failed sign-ins of others lock out neither known browsers nor signed-in people.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Person, Reply, World};

use crate::accounts::users::{add_user, patch};

/// How long failed sign-ins count.
const LOCKOUT: Duration = Duration::from_secs(15 * 60);

/// Uses up the attempts of an address, as a stranger with wrong passwords.
async fn lock_out(world: &World, email: &str) {
    let guess = Person::signed_out(&world.url, email, "not it");
    let replies = join_all((0..12).map(|_| guess.sign_in())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
}

/// A new browser, with these credentials.
fn new_browser(world: &World, email: &str, password: &str) -> Person {
    Person::signed_out(&world.url, email, password)
}

/// The same browser with another password.
fn with_password(person: &Person, password: &str) -> Person {
    person.with_credentials(&person.email, password)
}

fn change(current: &str, new: &str) -> Value {
    json!({ "currentPassword": current, "newPassword": new })
}

/// The whole header of the device cookie that a response sets.
fn device_cookie(reply: &Reply) -> String {
    let all = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    all.filter(|value| value.contains("device_")).collect::<Vec<_>>().join("\n")
}

async fn sign_in_with_cookie(world: &World, person: &Person, cookie: &str) -> Reply {
    let body = json!({ "email": person.email, "password": person.password });
    let request = new_browser(world, "", "").request(Method::POST, "/api/auth/login").header("Cookie", cookie);
    Reply::fetch(request.json(&body)).await
}

#[tokio::test]
async fn failed_attempts_of_strangers_do_not_lock_a_known_browser() {
    let world = World::start().await;
    let person = world.person().await;
    person.post("/api/auth/logout", json!({})).await.expect(200);
    lock_out(&world, &person.email).await;
    new_browser(&world, &person.email, &person.password).sign_in().await.expect_error(429, "too_many_tries");
    person.sign_in().await.expect(200);
    // The same on the sign-in page.
    person.post("/api/auth/logout", json!({})).await.expect(200);
    let form = [("email", person.email.as_str()), ("password", person.password.as_str())];
    assert_eq!(person.submit_form("/login", &form).await.status, 303);
    let page = new_browser(&world, &person.email, &person.password).submit_form("/login", &form).await;
    assert_eq!(page.status, 429);
    assert!(page.text().contains("a browser in which you have signed in before"));
}

#[tokio::test]
async fn a_sign_in_on_the_page_sets_the_device_cookie() {
    let world = World::start().await;
    let person = world.person().await;
    let other = new_browser(&world, &person.email, &person.password);
    let form = [("email", person.email.as_str()), ("password", person.password.as_str())];
    assert_eq!(other.submit_form("/login", &form).await.status, 303);
    lock_out(&world, &person.email).await;
    assert_eq!(other.submit_form("/login", &form).await.status, 303);
    other.sign_in().await.expect(200);
}

#[tokio::test]
async fn a_known_browser_has_ten_attempts_of_its_own() {
    let world = World::start().await;
    let person = world.person().await;
    let other = new_browser(&world, &person.email, &person.password);
    other.sign_in().await.expect(200);
    let wrong = with_password(&person, "not it");
    let replies = join_all((0..14).map(|_| wrong.sign_in())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
    person.sign_in().await.expect_error(429, "too_many_tries");
    other.sign_in().await.expect(200);
    new_browser(&world, &person.email, &person.password).sign_in().await.expect(200);
}

#[tokio::test]
async fn a_device_cookie_counts_only_for_users_who_signed_in_there() {
    let world = World::start().await;
    let (anna, ben, carla) = (world.person().await, world.person().await, world.person().await);
    // Ben signs in with Anna's browser.
    let shared = anna.with_credentials(&ben.email, &ben.password);
    shared.sign_in().await.expect(200);
    for person in [&anna, &ben, &carla] {
        lock_out(&world, &person.email).await;
    }
    anna.sign_in().await.expect(200);
    shared.sign_in().await.expect(200);
    anna.with_credentials(&carla.email, &carla.password).sign_in().await.expect_error(429, "too_many_tries");
}

#[tokio::test]
async fn a_forged_device_cookie_is_ignored() {
    let world = World::start().await;
    let person = world.person().await;
    let other = world.person().await;
    let header = device_cookie(&person.sign_in().await);
    let cookie = header.split(';').next().unwrap().to_owned();
    let (name, token) = cookie.split_once('=').unwrap();
    let foreign = device_cookie(&other.sign_in().await);
    let foreign = foreign.split(['=', ';']).nth(1).unwrap();
    lock_out(&world, &person.email).await;
    let flipped = if token.ends_with('A') { "B" } else { "A" };
    let forged = [
        format!("{name}={}{flipped}", &token[..token.len() - 1]),
        format!("{name}={foreign}"),
        format!("{name}="),
        format!("{name}=a.b.c.d.e"),
        format!("{name}={}", token.rsplit_once('.').unwrap().0),
    ];
    for cookie in forged {
        sign_in_with_cookie(&world, &person, &cookie).await.expect_error(429, "too_many_tries");
    }
    sign_in_with_cookie(&world, &person, &cookie).await.expect(200);
}

#[tokio::test]
async fn the_device_cookie_is_http_only() {
    let world = World::start().await;
    let person = world.person().await;
    let cookie = device_cookie(&person.sign_in().await);
    for part in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=15552000"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(cookie.starts_with("device_") && !cookie.contains("Secure"), "{cookie}");
    assert!(!cookie.contains(&person.email) && !cookie.contains("hs_"), "{cookie}");
    let body = json!({ "email": person.email, "password": person.password });
    let request = person.request(Method::POST, "/api/auth/login").header("X-Forwarded-Proto", "https").json(&body);
    let cookie = device_cookie(&Reply::fetch(request).await);
    assert!(cookie.starts_with("__Host-device_") && cookie.ends_with("; Secure"), "{cookie}");
    lock_out(&world, &person.email).await;
    sign_in_with_cookie(&world, &person, cookie.split(';').next().unwrap()).await.expect(200);
    // A failed sign-in sets no device cookie.
    assert_eq!(device_cookie(&with_password(&person, "not it").sign_in().await), "");
}

#[tokio::test]
async fn after_a_password_change_former_browsers_share_ten_attempts() {
    let world = World::start().await;
    let person = world.person().await;
    let mut former = vec![];
    for _ in 0..4 {
        former.push(new_browser(&world, &person.email, &person.password));
        former.last().unwrap().sign_in().await.expect(200);
    }
    person.post("/api/auth/change-password", change(&person.password, "a better one")).await.expect(200);
    lock_out(&world, &person.email).await;
    // The user signs in with another known browser.
    with_password(&former[0], "a better one").sign_in().await.expect(200);
    // All cookies from before the change share ten attempts.
    let wrong: Vec<_> = former[1..].iter().map(|it| with_password(it, "not it")).collect();
    let replies = join_all(wrong.iter().flat_map(|it| (0..10).map(|_| it.sign_in()))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 401).count(), 10);
    with_password(&former[1], "a better one").sign_in().await.expect_error(429, "too_many_tries");
    // They lock out neither the browser of the change nor one that has signed in since.
    with_password(&person, "a better one").sign_in().await.expect(200);
    with_password(&former[0], "a better one").sign_in().await.expect(200);
}

#[tokio::test]
async fn failed_logins_of_strangers_do_not_block_a_password_change() {
    let world = World::start().await;
    let person = world.person().await;
    lock_out(&world, &person.email).await;
    person.post("/api/auth/change-password", change(&person.password, "a better one")).await.expect(200);
    // The same with a session but no device cookie.
    let signed_in = with_password(&person, "a better one").sign_in().await;
    let token = signed_in.session_token();
    let request = new_browser(&world, "", "").request(Method::POST, "/api/auth/change-password").bearer_auth(token);
    Reply::fetch(request.json(&change("a better one", "a third one"))).await.expect(200);
    // The same on the page.
    let fields = [("current", "a third one"), ("new", "a fourth one"), ("again", "a fourth one")];
    with_password(&person, "a third one").sign_in().await.expect(200);
    assert_eq!(person.submit_form("/password", &fields).await.status, 303);
}

#[tokio::test]
async fn refreshing_a_session_gives_no_further_password_guesses() {
    let world = World::start().await;
    let person = world.person().await;
    let stolen = new_browser(&world, &person.email, &person.password).sign_in().await;
    let mut token = stolen.session_token().to_owned();
    let thief = new_browser(&world, "", "");
    let mut checked = 0;
    for guess in 0..14 {
        let request = thief.request(Method::POST, "/api/auth/change-password").bearer_auth(&token);
        let reply = Reply::fetch(request.json(&change(&format!("guess {guess}"), "long enough"))).await;
        checked += u32::from(reply.status == 401);
        let request = new_browser(&world, "", "").request(Method::POST, "/api/auth/refresh").bearer_auth(&token);
        token = Reply::fetch(request).await.session_token().to_owned();
    }
    assert_eq!(checked, 10);
    // The person's own browser can still change the password, which ends the thief's session.
    person.post("/api/auth/change-password", change(&person.password, "a better one")).await.expect(200);
    let request = new_browser(&world, "", "").request(Method::GET, "/api/auth/me").bearer_auth(&token);
    Reply::fetch(request).await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn a_password_reset_by_an_owner_clears_the_failures() {
    let world = World::start().await;
    let owner = world.person().await;
    let member = add_user(&world, &owner, "member").await;
    let id = member.user_id().await;
    for password in ["reset by hand", "and once again"] {
        lock_out(&world, &member.email).await;
        let wrong = with_password(&member, "not it");
        join_all((0..12).map(|_| wrong.sign_in())).await;
        new_browser(&world, &member.email, password).sign_in().await.expect_error(429, "too_many_tries");
        patch(&owner, &id, json!({ "password": password })).await.expect(200);
        new_browser(&world, &member.email, password).sign_in().await.expect(200);
        with_password(&member, password).sign_in().await.expect(200);
    }
    // Other changes do not clear the failures.
    lock_out(&world, &member.email).await;
    patch(&owner, &id, json!({ "displayName": "Another" })).await.expect(200);
    new_browser(&world, &member.email, "and once again").sign_in().await.expect_error(429, "too_many_tries");
}

#[tokio::test]
async fn a_device_cookie_lasts_180_days_and_its_failures_15_minutes() {
    let world = World::start().await;
    let person = world.person().await;
    let wrong = with_password(&person, "not it");
    join_all((0..12).map(|_| wrong.sign_in())).await;
    person.sign_in().await.expect_error(429, "too_many_tries");
    world.advance_clock(LOCKOUT);
    let cookie = device_cookie(&person.sign_in().await);
    let cookie = cookie.split(';').next().unwrap();
    world.advance_clock(Duration::from_secs(180 * 24 * 3600 - 60));
    lock_out(&world, &person.email).await;
    sign_in_with_cookie(&world, &person, cookie).await.expect(200);
    world.advance_clock(Duration::from_secs(60));
    sign_in_with_cookie(&world, &person, cookie).await.expect_error(429, "too_many_tries");
}

#[tokio::test]
async fn a_login_with_a_device_cookie_makes_no_extra_call() {
    let world = World::start().await;
    let person = world.person().await;
    let unknown_browser = || async { new_browser(&world, &person.email, &person.password).sign_in().await.cost() };
    unknown_browser().await;
    person.sign_in().await.expect(200);
    let (without, with) = (unknown_browser().await, person.sign_in().await.cost());
    assert_eq!((with.calls, with.round_trips), (without.calls, without.round_trips));
}
