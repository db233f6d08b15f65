//! `GET /api/messages/reviews/history` and `/?tab=decided`: decided reviews by the time of their decision.

use std::slice;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use shared::storage::keys;
use test_support::{Agent, Person, World, bulk_data};

const HISTORY: &str = "/api/messages/reviews/history";

async fn page(person: &Person, query: &str) -> Value {
    person.get(&format!("{HISTORY}?{query}")).await.expect(200)
}

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().unwrap().iter().map(|it| it["message"]["id"].as_str().unwrap()).collect()
}

async fn ids_of(person: &Person, query: &str) -> Vec<String> {
    ids(&page(person, query).await).into_iter().map(str::to_owned).collect()
}

async fn approve(person: &Person, id: &str) {
    person.answer(id, json!({ "selectedOption": "approve" })).await.expect(201);
}

fn second() -> Duration {
    Duration::from_secs(1)
}

#[tokio::test]
async fn reviews_stand_in_the_order_in_which_they_ended_with_who_and_when_and_through_what() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let expiring = json!({ "text": "Late?", "review": { "type": "approval", "expiresInSeconds": 60 } });
    let expired = agent.create_message(expiring).await;
    let (cancelled, by_page) = (agent.request_approval().await, agent.request_approval().await);
    let (by_api, _pending) = (agent.request_approval().await, agent.request_approval().await);
    approve(&person, &by_api).await;
    world.advance_clock(30 * second());
    agent.cancel(&cancelled, json!({ "reason": "Not needed." })).await.expect(200);
    // It ends when it expires, not when that is stored.
    world.advance_clock(90 * second());
    assert_eq!(person.submit_form(&format!("/reviews/{by_page}"), &[("option", "reject")]).await.status, 303);
    agent.get_in_channel(&format!("/api/v1/reviews/{expired}")).await.expect(200);

    let found = page(&person, "").await;
    assert_eq!(ids(&found), [&by_page, &expired, &cancelled, &by_api]);
    assert_eq!((&found["nextCursor"], &found["searchedBackTo"]), (&Value::Null, &Value::Null));
    let user = person.user_id().await;
    let outcome = |index: usize| {
        let it = &found["data"][index]["outcome"];
        [&it["event"], &it["actorType"], &it["actorId"], &it["surface"], &it["reason"]].map(Value::clone)
    };
    assert_eq!(outcome(0), [json!("decided"), json!("user"), json!(user), json!("page"), Value::Null]);
    assert_eq!(outcome(1), [json!("expired"), Value::Null, Value::Null, Value::Null, Value::Null]);
    assert_eq!(outcome(2)[..3], [json!("cancelled"), json!("agent"), json!(agent.channel)]);
    assert_eq!(outcome(2)[4], "Not needed.");
    assert_eq!(outcome(3), [json!("decided"), json!("user"), json!(user), json!("api"), Value::Null]);
    let review = |index: usize| &found["data"][index]["message"]["review"];
    assert_eq!(found["data"][1]["outcome"]["at"], review(1)["expiresAt"]);
    assert_eq!(found["data"][0]["outcome"]["at"], review(0)["completedAt"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_go_on_to_the_first_decision_and_each_costs_the_same() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let oldest = agent.request_approval().await;
    approve(&person, &oldest).await;
    world.advance_clock(60 * second());
    let answered = agent.request_approval().await;
    approve(&person, &answered).await;
    bulk_data::copy_messages(&world, &[&answered], 230).await;

    for filter in ["", &format!("&channel={}", agent.channel)] {
        let (mut all, mut cursor, mut pages) = (vec![], String::new(), 0);
        loop {
            let reply = person.get(&format!("{HISTORY}?limit=100{filter}&cursor={cursor}")).await;
            // On a slow engine the reads of both steps overlap.
            let most = if filter.is_empty() { 1 } else { 2 };
            assert!((1..=most).contains(&reply.cost().round_trips), "{:?}", reply.cost());
            assert!(reply.cost().calls <= 5, "{:?}", reply.cost());
            let found = reply.expect(200);
            all.extend(ids(&found).into_iter().map(str::to_owned));
            pages += 1;
            let Some(next) = found["nextCursor"].as_str() else { break };
            cursor = next.to_owned();
        }
        assert_eq!((all.len(), pages, all.last()), (232, 3, Some(&oldest)));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 232, "no review is on two pages");
    }
    person.get(&format!("{HISTORY}?cursor=x")).await.expect_error(400, "validation_failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agent_outcome_and_days_are_read_through_an_index() {
    let world = World::start().await;
    let person = world.person().await;
    let (quiet, busy) = (person.agent().await, person.agent().await);
    let (answered, withdrawn) = (quiet.request_approval().await, quiet.request_approval().await);
    approve(&person, &answered).await;
    world.advance_clock(2 * second());
    let between = world.app.clock.now();
    world.advance_clock(2 * second());
    quiet.cancel(&withdrawn, json!({})).await.expect(200);
    let others = busy.request_approval().await;
    approve(&person, &others).await;

    let (user, channel) = (person.user_id().await, &quiet.channel);
    let expected = [
        (format!("channel={channel}"), vec![&withdrawn, &answered]),
        (format!("channel={channel}&status=completed"), vec![&answered]),
        (format!("channel={channel}&to={between}"), vec![&answered]),
        (format!("channel={channel}&from={between}"), vec![&withdrawn]),
        ("status=cancelled".to_owned(), vec![&withdrawn]),
        ("status=expired".to_owned(), vec![]),
        (format!("from={between}"), vec![&others, &withdrawn]),
        (format!("to={between}"), vec![&answered]),
        (format!("person={user}"), vec![&others, &answered]),
        (format!("person={user}&channel={channel}"), vec![&answered]),
        (format!("person={user}&status=cancelled"), vec![]),
        ("person=user_nobody".to_owned(), vec![]),
    ];
    for (query, found) in &expected {
        assert_eq!(&ids_of(&person, query).await.iter().collect::<Vec<_>>(), found, "{query}");
    }
    let units = async || {
        let mut units = vec![];
        for query in [format!("channel={channel}"), "status=cancelled".to_owned(), format!("to={between}")] {
            units.push(person.get(&format!("{HISTORY}?{query}")).await.cost().read_units);
        }
        units
    };
    let before = units().await;
    bulk_data::copy_messages(&world, &[&others], 500).await;
    assert_eq!(units().await, before, "other decisions are not read");
    for query in ["from=yesterday", "to=x", "status=pending", "limit=0"] {
        person.get(&format!("{HISTORY}?{query}")).await.expect_error(400, "validation_failed");
    }
}

#[tokio::test]
async fn a_search_finds_text_metadata_act_response_and_comment_and_no_password() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let action = json!({ "name": "stripe.refunds", "args": { "charge": "ch_31" } });
    let approval = json!({ "text": "Größe?", "metadata": { "ticket": { "key": "T-1000" } },
        "review": { "type": "approval", "action": action, "payload": { "allowComment": true } } });
    let refund = agent.create_message(approval).await;
    let rejected =
        json!({ "response": { "selectedOption": "reject", "comment": "Too \"much\"" }, "feedback": "Ask again." });
    person.post(&format!("/api/messages/{refund}/respond"), rejected).await.expect(201);
    let fields = json!([{ "name": "pin", "type": "password" }, { "name": "who", "type": "text" }]);
    let form = agent
        .create_message(json!({ "text": "Pin?", "review": { "type": "form", "payload": { "fields": fields } } }))
        .await;
    person.answer(&form, json!({ "pin": "S3CRET-PIN", "who": "Ada" })).await.expect(201);
    let withdrawn = agent.request_approval().await;
    agent.cancel(&withdrawn, json!({ "reason": "Superseded by hand." })).await.expect(200);

    for query in ["GRÖSSE", "t-1000", "ticket", "stripe.refunds", "ch_31", "reject", "too %22much", "ask again"] {
        assert_eq!(ids_of(&person, &format!("search={query}")).await, slice::from_ref(&refund), "{query}");
    }
    assert_eq!(ids_of(&person, "search=ada").await, [form]);
    assert_eq!(ids_of(&person, "search=by+hand").await, [withdrawn]);
    assert!(ids_of(&person, "search=s3cret").await.is_empty());
    assert!(!person.get(HISTORY).await.text().contains("S3CRET"));
    assert!(!person.get(&format!("{HISTORY}.csv")).await.text().contains("S3CRET"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_reads_a_bounded_number_of_reviews_says_how_far_and_goes_on() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let needle = agent.create_message(json!({ "text": "The needle", "review": { "type": "approval" } })).await;
    approve(&person, &needle).await;
    world.advance_clock(60 * second());
    let hay = agent.request_approval().await;
    approve(&person, &hay).await;
    bulk_data::copy_messages(&world, &[&hay], 450).await;

    for filter in ["", &format!("&channel={}", agent.channel)] {
        let (mut cursor, mut found, mut calls) = (String::new(), vec![], 0);
        while calls < 10 {
            calls += 1;
            let reply = person.get(&format!("{HISTORY}?search=needle{filter}&cursor={cursor}")).await;
            assert!(reply.cost().calls <= 7, "{:?}", reply.cost());
            let page = reply.expect(200);
            found.extend(ids(&page).into_iter().map(str::to_owned));
            let Some(next) = page["nextCursor"].as_str() else {
                assert_eq!(page["searchedBackTo"], Value::Null);
                break;
            };
            assert!(page["searchedBackTo"].is_string() && ids(&page).is_empty(), "{page}");
            cursor = next.to_owned();
        }
        assert_eq!((calls, &found), (3, &vec![needle.clone()]));
    }
    let html = person.get("/?tab=decided&q=needle").await.text();
    assert!(html.contains("Searched back to") && html.contains("Search older"), "{html}");
}

#[tokio::test]
async fn a_history_is_one_persons_and_leaves_out_deleted_agents_and_messages() {
    let world = World::start().await;
    let (person, other) = (world.person().await, world.person().await);
    let (agent, leaving, others) = (person.agent().await, person.agent().await, other.agent().await);
    let (kept, deleted) = (agent.request_approval().await, agent.request_approval().await);
    let (gone, foreign) = (leaving.request_approval().await, others.request_approval().await);
    for id in [&kept, &deleted, &gone] {
        approve(&person, id).await;
    }
    approve(&other, &foreign).await;
    agent.delete_in_channel(&format!("/api/v1/messages/{deleted}")).await.expect(200);
    person.delete_fully(&format!("/api/agents/{}", leaving.channel)).await.expect(200);
    assert_eq!(ids_of(&person, "").await, slice::from_ref(&kept));
    assert_eq!(ids_of(&person, &format!("channel={}", agent.channel)).await, [kept]);
    for channel in [&others.channel, &leaving.channel] {
        person.get(&format!("{HISTORY}?channel={channel}")).await.expect_error(403, "not_your_agent");
        person.get(&format!("{HISTORY}.csv?channel={channel}")).await.expect_error(403, "not_your_agent");
    }
    let stranger = Person::signed_out(&world.url, &person.email, &person.password);
    for query in ["", "?cursor=x", "?limit=0"] {
        stranger.get(&format!("{HISTORY}{query}")).await.expect_error(401, "unauthorized");
    }
    agent.get(HISTORY).await.expect_error(401, "unauthorized");
}

#[tokio::test]
async fn a_csv_file_has_the_same_reviews_quoted_and_without_formulas() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let text = "=HYPERLINK(\"https://evil.example\")\nsecond, line";
    let id = agent.create_message(json!({ "text": text, "review": { "type": "approval" } })).await;
    let answer = json!({ "response": { "selectedOption": "approve" }, "feedback": "+1, \"yes\"" });
    person.post(&format!("/api/messages/{id}/respond"), answer).await.expect(201);
    let other = agent.request_approval().await;
    agent.cancel(&other, json!({})).await.expect(200);

    let file = person.get(&format!("{HISTORY}.csv?status=completed")).await;
    assert_eq!(file.status, 200, "{}", file.text());
    assert!(
        file.header("content-type").starts_with("text/csv")
            && file.header("content-disposition").starts_with("attachment")
    );
    let lines: Vec<String> = file.text().split("\r\n").map(str::to_owned).collect();
    assert_eq!((lines.len(), lines[2].as_str()), (3, ""), "{lines:?}");
    assert!(lines[0].starts_with("ended at,outcome,by,"));
    assert!(lines[1].contains(",answered,person,") && lines[1].contains(",api,"), "{}", lines[1]);
    assert!(lines[1].contains("\"'=HYPERLINK(\"\"https://evil.example\"\")\nsecond, line\""), "{}", lines[1]);
    assert!(lines[1].contains("\"'+1, \"\"yes\"\"\"") && lines[1].ends_with(&id), "{}", lines[1]);
    let all = person.get(&format!("{HISTORY}.csv")).await.text();
    assert!(all.contains(&id) && all.contains(&other), "{all}");
    // The page links to the file of what it shows.
    let html = person.get(&format!("/?tab=completed&agent={}&from=2026-01-01&zone=60", agent.channel)).await.text();
    let link =
        format!("{HISTORY}.csv?status=completed&#38;channel={}&#38;from=2025-12-31T23:00:00.000Z", agent.channel);
    assert!(html.contains(&link), "{html}");
}

/// Gives a decided review the place that code of schema version 2 gave it.
async fn place_as_version_2(world: &World, id: &str, status: &str) {
    let message: shared::ids::MessageId = id.parse().unwrap();
    let update = world.clients.dynamodb.update_item().table_name(&world.table);
    let update = update.set_key(Some(keys::message(message).attributes()));
    let update = update.update_expression("SET ownerSort = :place, v = :two REMOVE dueShard, dueSort");
    let place = AttributeValue::S(format!("REVIEW#{status}#{}", message.ulid()));
    let update = update.expression_attribute_values(":place", place);
    update.expression_attribute_values(":two", AttributeValue::N("2".into())).send().await.unwrap();
}

#[tokio::test]
async fn reviews_of_schema_version_2_come_last_until_they_are_migrated() {
    let world = World::isolated().await;
    let person = world.person().await;
    let agent: Agent = person.agent().await;
    let (first, second_asked, cancelled) =
        (agent.request_approval().await, agent.request_approval().await, agent.request_approval().await);
    approve(&person, &second_asked).await;
    world.advance_clock(second());
    approve(&person, &first).await;
    world.advance_clock(second());
    agent.cancel(&cancelled, json!({})).await.expect(200);
    place_as_version_2(&world, &first, "completed").await;
    place_as_version_2(&world, &second_asked, "completed").await;
    place_as_version_2(&world, &cancelled, "cancelled").await;
    let newest = agent.request_approval().await;
    approve(&person, &newest).await;

    let unmigrated = [&newest, &cancelled, &second_asked, &first];
    assert_eq!(ids_of(&person, "").await.iter().collect::<Vec<_>>(), unmigrated);
    let (mut paged, mut cursor) = (vec![], String::new());
    for _ in 0..4 {
        let found = page(&person, &format!("limit=1&cursor={cursor}")).await;
        paged.extend(ids(&found).into_iter().map(str::to_owned));
        cursor = found["nextCursor"].as_str().unwrap_or_default().to_owned();
    }
    assert_eq!((paged.iter().collect::<Vec<_>>(), cursor.as_str()), (unmigrated.to_vec(), ""));

    let schema = world.clients.dynamodb.delete_item().table_name(&world.table);
    schema.set_key(Some(keys::schema().attributes())).send().await.unwrap();
    assert_eq!(world.app.store.migrate(|_| {}).await.unwrap(), 3);
    let migrated = [&newest, &cancelled, &first, &second_asked];
    for query in ["", &format!("channel={}", agent.channel), "from=2020-01-01T00:00:00Z"] {
        assert_eq!(ids_of(&person, query).await.iter().collect::<Vec<_>>(), migrated, "{query}");
    }
}

/// What a person answered counts as the text does. Lambda takes 6 MB, as a JSON string.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn csv_pages_fit_a_response_and_go_on() {
    let world = World::start().await;
    let person = world.person().await;
    let agent = person.agent().await;
    let id = agent.create_message(json!({ "text": "?", "review": { "type": "freeform" } })).await;
    person.answer(&id, json!({ "words": vec!["a"; 15_000] })).await.expect(201);
    bulk_data::copy_messages(&world, &[&id], 149).await;

    let (mut cursor, mut rows) = (String::new(), 0);
    loop {
        let file = person.get(&format!("{HISTORY}.csv?cursor={cursor}")).await;
        assert_eq!(file.status, 200, "{}", file.text());
        assert!(json!(file.text()).to_string().len() < 6_000_000, "{} bytes", file.bytes.len());
        rows += file.text().matches("\r\n").count() - 1;
        let next = file.headers.get("placet-next-cursor");
        let Some(next) = next else { break };
        cursor = next.to_str().unwrap().to_owned();
    }
    assert_eq!(rows, 150);
}
