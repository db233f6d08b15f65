//! The pages of files, status, logs and settings.

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Agent, Person, Reply, World};

const PAGES: [&str; 9] = [
    "/files",
    "/status",
    "/logs",
    "/settings",
    "/settings/notifications",
    "/settings/keys",
    "/settings/agents",
    "/settings/users",
    "/settings/plugins",
];

/// Asserts that a page contains all texts.
#[track_caller]
fn assert_shows<'a>(page: &'a str, texts: &[&'a str]) {
    for text in texts {
        assert!(page.contains(text), "{text} is missing: {page}");
    }
}

async fn page(person: &Person, path: &str) -> String {
    let reply = person.get(path).await;
    assert_eq!(reply.status, 200, "{path}: {}", reply.text());
    assert!(reply.header("content-type").starts_with("text/html"), "{path}");
    reply.markup()
}

/// Creates an agent whose name contains HTML.
async fn agent_with_html_name(person: &Person) -> Agent {
    let agent = person.agent().await;
    let body = json!({ "name": "Deployer <b>", "description": "Puts <i>things</i> out", "tag": "ci" });
    let request = person.request(Method::PATCH, &format!("/api/agents/{}", agent.channel)).json(&body);
    Reply::fetch(request).await.expect(200);
    agent
}

async fn ping(agent: &Agent, status: &str, message: &str) {
    let body = json!({ "agentId": agent.channel, "status": status, "message": message });
    agent.post("/api/v1/status/ping", body).await.expect(201);
}

async fn store_file(agent: &Agent, name: &str, mime: &str) -> String {
    agent.upload("store", name, mime, "some bytes").await.expect(201)["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn every_page_works_for_a_new_user_and_redirects_strangers_to_sign_in() {
    let world = World::start().await;
    let person = world.person().await;
    let visitor = Person::signed_out(&world.url, "", "");
    for path in PAGES {
        let shown = page(&person, path).await;
        assert_shows(&shown, &["<main class=\"page", "id=\"main\"", "<h1>", "aria-current=\"page\""]);
        assert!(!shown.contains(" style=") && !shown.contains(" onclick="), "{path}: {shown}");
        let redirected = visitor.get(path).await;
        let back = format!("/login?next={}", path.replace('/', "%2F"));
        assert_eq!((redirected.status, redirected.header("location")), (303, back.as_str()), "{path}");
    }
    for asset in ["pages.css", "app.js"] {
        assert_eq!(person.get(&format!("/assets/{asset}")).await.status, 200, "{asset}");
    }
}

#[tokio::test]
async fn files_are_listed_filtered_and_read_page_by_page() {
    let world = World::start().await;
    let person = world.person().await;
    let (agent, other) = (agent_with_html_name(&person).await, person.agent().await);
    let picture = store_file(&agent, "a <b>.png", "image/png").await;
    let film = store_file(&other, "holiday.mp4", "video/mp4").await;

    let all = page(&person, "/files").await;
    assert_shows(
        &all,
        &["a &#60;b&#62;.png", "holiday.mp4", "Deployer &#60;b&#62;", "class=\"files grid\"", "10 bytes", "MP4"],
    );
    assert_shows(&all, &[&format!("<img src=\"/api/files/{picture}/download\""), &format!("href=\"/files/{film}\"")]);
    assert!(!all.contains("a <b>.png"), "{all}");
    assert_shows(
        &page(&person, "/files?view=list").await,
        &["class=\"files list\"", "href=\"/files?type=image&#38;view=list\""],
    );

    let lists = async |path: &str| {
        let shown = page(&person, path).await;
        (shown.contains(&picture), shown.contains(&film))
    };
    assert_eq!(lists("/files?type=image").await, (true, false));
    assert_eq!(lists("/files?type=video&q=HOLI").await, (false, true));
    assert_eq!(lists("/files?type=nothing").await, (true, true), "an unknown filter is ignored");
    assert_eq!(lists(&format!("/files?agent={}", other.channel)).await, (false, true));
    assert_eq!(lists("/files?q=holiday").await, (false, true));
    assert_shows(
        &page(&person, "/files?q=%22%3E%3Cb%3E").await,
        &["No file matches.", "value=\"&#34;&#62;&#60;b&#62;\""],
    );

    for n in 0..47 {
        store_file(&agent, &format!("note-{n}.txt"), "text/plain").await;
    }
    let newest = page(&person, "/files").await;
    assert!(!newest.contains(&picture) && newest.contains(&film));
    let more = newest.split("href=\"/files?cursor=").nth(1).expect("a next page").split('"').next().unwrap();
    let older = page(&person, &format!("/files?cursor={more}")).await;
    assert!(older.contains(&picture) && !older.contains(&film) && !older.contains("rel=\"next\""), "{older}");
}

#[tokio::test]
async fn a_file_is_shown_in_place_to_its_person_alone() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = agent_with_html_name(&person).await;
    let note = agent.upload("store", "note.md", "text/markdown", "# Plan\n<script>alert(1)</script>").await.expect(201);
    let path = format!("/files/{}", note["id"].as_str().unwrap());
    let shown = page(&person, &path).await;
    assert_shows(
        &shown,
        &["note.md", "Plan</h", "Deployer &#60;b&#62;", "text/markdown", "data-share=", "download=\"note.md\""],
    );
    assert!(!shown.contains("<script>alert"), "{shown}");
    let unknown = store_file(&agent, "model.bin", "application/octet-stream").await;
    assert_shows(&page(&person, &format!("/files/{unknown}")).await, &["There is no preview"]);

    for path in [path.as_str(), "/files/nothing", &format!("/files?agent={}", agent.channel), "/files?agent=nothing"] {
        let reply = stranger.get(path).await;
        assert_eq!(reply.status, 404, "{path}");
        assert_shows(&reply.text(), &["This page does not exist, or you may not see it."]);
    }
    assert_eq!(Person::signed_out(&world.url, "", "").get(&path).await.status, 303);
}

#[tokio::test]
async fn the_status_of_all_agents_and_of_one() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = agent_with_html_name(&person).await;
    let path = format!("/status/{}", agent.channel);
    assert_shows(&page(&person, "/status").await, &["Never seen", "Offline"]);
    assert_shows(&page(&person, &path).await, &["No status changes in the last 30 days."]);
    ping(&agent, "busy", "deploying <main>").await;
    ping(&agent, "error", "it broke").await;
    agent.request_approval().await;

    let all = page(&person, "/status").await;
    assert_shows(
        &all,
        &["Deployer &#60;b&#62;", "class=\"state is-error\"", "<span>Error</span>", "it broke", "Last seen"],
    );
    assert_shows(&all, &[&format!("href=\"{path}\""), "<span class=\"chip\" dir=\"auto\">ci</span>"]);
    let one = page(&person, &path).await;
    assert_shows(&one, &["deploying &#60;main&#62;", "<span>Busy</span>", "it broke", "From the agent", "Succeeded"]);
    for path in [path.as_str(), "/status/nothing"] {
        assert_eq!(stranger.get(path).await.status, 404, "{path}");
    }
    assert!(!page(&stranger, "/status").await.contains("Deployer"));
}

#[tokio::test]
async fn the_log_page_shows_calls_and_masks_secrets() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = person.agent().await;
    assert_shows(&page(&person, "/logs").await, &["There are no entries yet."]);
    agent.create_message(json!({ "text": "Deploy <b>?", "metadata": { "password": "hunter2" } })).await;
    agent.get("/api/v1/messages?channel=nothing").await.expect_error(403, "not_your_agent");

    let shown = wait_for_log_page(&person, ENTRY, 2).await;
    assert_shows(
        &shown,
        &["/api/v1/messages", "201 Created", "403 Forbidden", "Deploy &#60;b&#62;?", "Received", "***"],
    );
    assert_shows(&shown, &["class=\"code good\"", "class=\"code bad\""]);
    assert!(!shown.contains("hunter2") && !shown.contains(&agent.key), "{shown}");
    assert_shows(&page(&stranger, "/logs").await, &["There are no entries yet."]);

    for _ in 0..50 {
        agent.get("/api/v1/agents").await.expect(200);
    }
    // A page shows 50 of the 52 entries.
    let newest = wait_for_log_page(&person, "href=\"/logs?cursor=", 1).await;
    assert_eq!(newest.matches(ENTRY).count(), 50);
    let older = newest.split("href=\"/logs?cursor=").nth(1).expect("older ones").split('"').next().unwrap();
    assert_shows(&page(&person, &format!("/logs?cursor={older}")).await, &["201 Created", ">Newest</a>"]);
}

const ENTRY: &str = "<details id=\"call-";

/// Waits until the log page shows `what` at least `count` times; returns the page.
async fn wait_for_log_page(person: &Person, what: &str, count: usize) -> String {
    for _ in 0..200 {
        let shown = page(person, "/logs").await;
        if shown.matches(what).count() >= count {
            return shown;
        }
    }
    panic!("the log does not show {count} of {what}");
}

#[tokio::test]
async fn a_profile_and_a_theme() {
    let world = World::start().await;
    let (owner, member) = (world.person().await, world.member().await);
    let shown = page(&owner, "/settings").await;
    assert_shows(
        &shown,
        &[&owner.email, "name=\"displayName\" value=\"A person\"", "href=\"/password\"", "action=\"/logout\""],
    );
    assert_shows(&shown, &["value=\"system\" checked", "href=\"/settings/users\""]);
    let dark = owner.request(Method::PATCH, "/api/preferences").json(&json!({ "theme": "dark" }));
    Reply::fetch(dark).await.expect(200);
    assert_shows(&page(&owner, "/settings").await, &["data-theme=\"dark\"", "value=\"dark\" checked"]);

    let shown = page(&member, "/settings").await;
    assert_shows(&shown, &[&member.email, "Member"]);
    assert!(!shown.contains("/settings/users") && !shown.contains("name=\"displayName\""), "{shown}");
}

#[tokio::test]
async fn keys_are_listed_without_their_secrets() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    assert_shows(&page(&person, "/settings/keys").await, &["There are no keys yet."]);
    let created = person.post("/api/api-keys", json!({ "label": "CI <b>" })).await.expect(201);
    let text = |name: &str| created[name].as_str().unwrap().to_owned();
    let shown = page(&person, "/settings/keys").await;
    assert_shows(&shown, &["CI &#60;b&#62;", &text("keyPrefix"), "never used"]);
    assert_shows(
        &shown,
        &[&format!("POST /api/api-keys/{}/rotate", text("id")), &format!("DELETE /api/api-keys/{}", text("id"))],
    );
    assert!(!shown.contains(&text("key")), "{shown}");
    assert!(!page(&stranger, "/settings/keys").await.contains("CI "));
}

#[tokio::test]
async fn agent_settings_never_show_write_only_fields() {
    let world = World::start().await;
    let (person, stranger) = (world.person().await, world.person().await);
    let agent = agent_with_html_name(&person).await;
    let path = format!("/settings/agents/{}", agent.channel);
    assert_shows(
        &page(&person, "/settings/agents").await,
        &["Deployer &#60;b&#62;", &format!("href=\"{path}\""), "No webhook"],
    );
    let shown = page(&person, &path).await;
    assert_shows(&shown, &["Puts &#60;i&#62;things&#60;/i&#62; out</textarea>", "value=\"ci\"", &agent.channel]);
    assert!(!shown.contains("webhook-test") && !shown.contains("Remove the picture?"), "{shown}");

    let body = json!({ "channelId": agent.channel, "url": "https://93.184.215.14/hook", "headers": { "X-Team": "blue-route-17" },
        "auth": { "username": "anna", "password": "correct horse" } });
    let set = agent.post("/api/v1/agents/setWebhook", body).await.expect(200);
    let shown = page(&person, &path).await;
    assert_shows(&shown, &["value=\"https://93.184.215.14/hook\"", "1 is set", ">set</span>", "Remove the webhook"]);
    assert_shows(&shown, &[&format!("POST /api/agents/{}/webhook-test", agent.channel)]);
    for secret in ["blue-route-17", "anna", "correct horse", set["webhookSecret"].as_str().unwrap(), "whsec_"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
    for path in [path.as_str(), "/settings/agents/nothing"] {
        assert_eq!(stranger.get(path).await.status, 404, "{path}");
    }
    assert!(!page(&stranger, "/settings/agents").await.contains(&agent.channel));
}

#[tokio::test]
async fn users_are_for_owners() {
    let world = World::start().await;
    let (owner, member) = (world.person().await, world.member().await);
    let shown = page(&owner, "/settings/users").await;
    assert_shows(&shown, &[&owner.email, &member.email, ">You</span>", "data-make-password"]);
    let id = |email: &str| {
        let before = shown.split(email).next().unwrap();
        before.rsplit("id=\"user-").next().unwrap().split('"').next().unwrap().to_owned()
    };
    let deletes = |id: &str| shown.contains(&format!("DELETE /api/users/{id}"));
    assert_eq!((deletes(&id(&owner.email)), deletes(&id(&member.email))), (false, true));

    let refused = member.get("/settings/users").await;
    assert_eq!(refused.status, 403);
    assert!(!refused.text().contains(&owner.email), "{}", refused.text());
    assert!(!page(&member, "/settings/plugins").await.contains("/settings/users"));
    assert_shows(&page(&member, "/settings/plugins").await, &["data-owner=\"false\"", "An owner manages the settings"]);
}

/// The page is filled from the API by its script.
#[tokio::test]
async fn plugins_are_listed_for_their_page() {
    let world = World::start().await;
    let person = world.person().await;
    assert_shows(&page(&person, "/settings/plugins").await, &["id=\"plugins\"", "data-owner=\"true\"", "app.js"]);
    let plugins = person.get("/api/plugins").await.expect(200);
    let first: &Value = &plugins[0];
    assert!(first["name"].is_string() && first["displayName"].is_string() && first["env"].is_array(), "{first}");
}
