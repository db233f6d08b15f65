//! `/api/preferences`: the theme of each user

use reqwest::Method;
use serde_json::{Value, json};
use test_support::{Person, Reply, World};

async fn patch(person: &Person, body: Value) -> Reply {
    Reply::fetch(person.request(Method::PATCH, "/api/preferences").json(&body)).await
}

#[tokio::test]
async fn each_user_has_a_theme() {
    let world = World::start().await;
    let (anna, ben) = (world.person().await, world.person().await);
    let theme_of = async |person: &Person| person.get("/api/preferences").await.expect(200)["theme"].clone();
    assert_eq!(theme_of(&anna).await, "system");
    for theme in ["light", "dark"] {
        assert_eq!(patch(&anna, json!({ "theme": theme })).await.expect(200)["theme"], theme);
    }
    assert_eq!(patch(&anna, json!({ "theme": null, "other": 1 })).await.expect(200)["theme"], "dark");
    assert_eq!((theme_of(&anna).await, theme_of(&ben).await), (json!("dark"), json!("system")));
    assert_eq!(patch(&anna, json!({ "theme": "system" })).await.expect(200)["theme"], "system");
}

#[tokio::test]
async fn an_unknown_theme_is_refused() {
    let world = World::start().await;
    let person = world.person().await;
    for theme in [json!("blue"), json!(""), json!(7), json!("Dark")] {
        assert_eq!(patch(&person, json!({ "theme": theme })).await.expect_invalid(), ["theme"]);
    }
    let visitor = Person::signed_out(&world.url, "", "");
    visitor.get("/api/preferences").await.expect_error(401, "unauthorized");
    patch(&visitor, json!({ "theme": "blue" })).await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn what_it_costs() {
    let world = World::start().await;
    let person = world.person().await;
    let (read, write) = (person.get("/api/preferences").await, patch(&person, json!({ "theme": "dark" })).await);
    assert_eq!(read.calls_and_round_trips(), (1, 1));
    assert_eq!(write.calls_and_round_trips(), (2, 2));
}
