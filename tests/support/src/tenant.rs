//! A person with random agents, messages, reviews and files, whose texts all contain one marker.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::AttributeValue;
use reqwest::Method;
use serde_json::{Value, json};
use shared::storage::keys;
use shared::{hex, random};

use crate::actors::{Agent, Person};
use crate::contract::Placeholder;
use crate::reply::Reply;
use crate::world::World;

/// Client and stream ids that all tenants use.
pub const SAME_CLIENT: &str = "the same client id";
pub const SAME_STREAM: &str = "the-same-stream";

pub struct Tenant {
    pub person: Person,
    pub agents: Vec<Agent>,
    /// A text that all texts of this tenant contain, and no others.
    pub marker: String,
    pub ids: Vec<Resource>,
}

/// A resource of a tenant.
pub struct Resource {
    pub kind: Placeholder,
    pub id: String,
    /// Set for resources in a channel.
    channel: Option<String>,
}

impl Tenant {
    /// A tenant with one agent or two.
    pub async fn random(world: &World, random: &mut fastrand::Rng) -> Self {
        let agents = 1 + random.usize(..2);
        Self::with_agents(world, random, agents).await
    }

    /// A tenant with this number of agents.
    pub async fn with_agents(world: &World, random: &mut fastrand::Rng, agents: usize) -> Self {
        let person = world.member().await;
        let marker = format!("MARK{}", hex::encode(&random::bytes::<8>()));
        let user = person.user_id().await;
        let key = person.post("/api/api-keys", json!({ "label": marker })).await.expect(201);
        let session = person.sign_in_elsewhere().await;
        let ids =
            vec![(Placeholder::User, user), (Placeholder::Key, text(&key["id"])), (Placeholder::Session, session)];
        let ids = ids.into_iter().map(|(kind, id)| Resource { kind, id, channel: None }).collect();
        let mut tenant = Self { person, agents: vec![], marker, ids };
        for _ in 0..agents {
            tenant.add_agent(world, &text(&key["key"]), random).await;
        }
        tenant
    }

    pub fn ids_of(&self, kind: Placeholder) -> Vec<&str> {
        self.resources(kind).map(|it| it.id.as_str()).collect()
    }

    /// The ids in one channel, and those of resources that are in no channel.
    pub fn ids_in(&self, channel: &str, kind: Placeholder) -> Vec<&str> {
        let is_there = |it: &&Resource| it.channel.as_deref().is_none_or(|it| it == channel);
        self.resources(kind).filter(is_there).map(|it| it.id.as_str()).collect()
    }

    fn resources(&self, kind: Placeholder) -> impl Iterator<Item = &Resource> {
        self.ids.iter().filter(move |it| it.kind == kind || it.kind.general() == kind)
    }

    async fn add_agent(&mut self, world: &World, key: &str, random: &mut fastrand::Rng) {
        let agent = json!({ "name": self.marker, "description": self.marker, "tag": self.marker });
        let channel = text(&self.person.post("/api/agents", agent).await.expect(201)["id"]);
        let agent = Agent::new(&world.url, key, &channel);
        self.add(&agent, Placeholder::Agent, &agent.channel);
        let mut kinds: Vec<usize> = (0..8).chain((0..random.usize(..4)).map(|_| random.usize(..8))).collect();
        random.shuffle(&mut kinds);
        for number in kinds {
            let created = self.create_resource(&agent, number).await;
            for attachment in created["attachments"].as_array().into_iter().flatten() {
                self.add(&agent, Placeholder::File, &text(&attachment["id"]));
            }
            let kind = match number {
                0 => Placeholder::Free,
                3 | 5 => Placeholder::Pending,
                6 => Placeholder::Decided,
                7 => Placeholder::File,
                _ => Placeholder::Message,
            };
            self.add(&agent, kind, &text(&created["id"]));
        }
        self.add_stream(&agent).await;
        self.agents.push(agent);
    }

    fn add(&mut self, agent: &Agent, kind: Placeholder, id: &str) {
        self.ids.push(Resource { kind, id: id.to_owned(), channel: Some(agent.channel.clone()) });
    }

    /// Creates a file, a message or a review: each number is another kind.
    async fn create_resource(&self, agent: &Agent, which: usize) -> Value {
        let mark = &self.marker;
        let review = json!({ "type": "approval", "payload": { "note": mark } });
        match which {
            0 => agent.upload("store", &format!("{mark}.txt"), "text/plain", mark.clone()).await.expect(201),
            1 => agent.send(json!({ "text": mark, "metadata": { mark: mark } })).await.expect(201),
            2 => agent.send(json!({ "text": mark, "clientId": SAME_CLIENT })).await.expect(201),
            3 => agent.send(json!({ "text": mark, "review": review })).await.expect(201),
            4 => {
                let file = agent.upload("store", &format!("{mark}.png"), "image/png", mark.clone()).await.expect(201);
                agent.send(json!({ "attachmentIds": [file["id"]] })).await.expect(201)
            }
            5 => {
                let text = json!([{ "content": mark, "filename": format!("{mark}.md") }]);
                agent.send(json!({ "textAttachments": text, "review": review })).await.expect(201)
            }
            7 => {
                let file = json!({ "channelId": agent.channel, "filename": mark, "mimeType": "text/plain", "size": 3 });
                agent.post("/api/v1/files/presign", file).await.expect(201)["attachment"].clone()
            }
            _ => {
                let review = agent.send(json!({ "review": { "type": "freeform" } })).await.expect(201);
                let answer = json!({ "response": { "said": mark }, "feedback": mark });
                let path = format!("/api/messages/{}/respond", review["id"].as_str().unwrap());
                self.person.post(&path, answer).await.expect(201)
            }
        }
    }

    async fn add_stream(&mut self, agent: &Agent) {
        let draft = json!({ "text": self.marker, "streamId": SAME_STREAM, "streamState": "streaming" });
        let draft = agent.send(draft).await;
        let event = json!({ "channelId": agent.channel, "text": self.marker });
        agent.post(&format!("/api/v1/messages/streams/{SAME_STREAM}/status"), event).await;
        if draft.status == 201 {
            self.add(agent, Placeholder::Message, &text(&draft.json()["id"]));
        }
    }

    /// All responses that the tenant can read, without members that change with each call.
    pub async fn visible_responses(&self) -> Vec<(String, Value)> {
        let mut paths: Vec<(bool, String)> = [
            "/api/agents",
            "/api/agents/stats",
            "/api/api-keys",
            "/api/files?limit=100",
            "/api/messages/reviews?status=all",
            "/api/messages/reviews/history",
            "/api/preferences",
        ]
        .map(|path| (false, path.to_owned()))
        .into();
        for agent in &self.agents {
            let channel = &agent.channel;
            paths.push((true, format!("/api/v1/messages?limit=100&channel={channel}")));
            paths.push((true, format!("/api/v1/files?channel={channel}")));
            paths.push((true, format!("/api/v1/reviews/pending?channel={channel}")));
            paths.push((false, format!("/api/messages?limit=100&channel={channel}")));
            paths.push((false, format!("/api/agents/{channel}/stats")));
        }
        paths.extend(self.ids_of(Placeholder::File).iter().map(|id| (true, format!("/api/v1/files/{id}/download"))));
        let mut responses = vec![];
        for (as_agent, path) in paths {
            let request = match as_agent {
                true => self.agents[0].request(Method::GET, &path),
                false => self.person.request(Method::GET, &path),
            };
            let reply = Reply::fetch(request).await;
            let body = serde_json::from_slice(&reply.bytes).unwrap_or_else(|_| json!(reply.text()));
            responses.push((path, without_changing_members(body)));
        }
        responses
    }

    /// The items of this tenant's partitions, once background writes of earlier requests have ended.
    pub async fn stored_items(&self, world: &World) -> BTreeMap<String, String> {
        let mut last = self.read_items(world).await;
        let mut unchanged = 0;
        while unchanged < 3 {
            let now = self.read_items(world).await;
            unchanged = if now == last { unchanged + 1 } else { 0 };
            last = now;
        }
        last
    }

    async fn read_items(&self, world: &World) -> BTreeMap<String, String> {
        let user = self.ids_of(Placeholder::User)[0].parse().expect("an id");
        let mut partitions = vec![keys::user_partition(user)];
        for agent in self.ids_of(Placeholder::Agent) {
            let agent = agent.parse().expect("an id");
            partitions.extend([keys::agent(agent).pk, keys::channel_partition(agent)]);
        }
        let mut stored = BTreeMap::new();
        for pk in partitions {
            for item in world.items(pk, "").await {
                stored.insert(format!("{:?} {:?}", item["pk"], item["sk"]), canonical_text(&AttributeValue::M(item)));
            }
        }
        stored
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// Removes members that change with each call of the tenant.
fn without_changing_members(value: Value) -> Value {
    const CHANGING_MEMBERS: [&str; 5] = ["lastUsedAt", "successRequests", "errorRequests", "requestId", "timestamp"];
    match value {
        Value::Object(members) => members
            .into_iter()
            .filter(|(name, _)| !CHANGING_MEMBERS.contains(&name.as_str()))
            .map(|(name, it)| (name, without_changing_members(it)))
            .collect(),
        Value::Array(elements) => elements.into_iter().map(without_changing_members).collect(),
        scalar => scalar,
    }
}

/// An attribute as a text that depends only on its value.
fn canonical_text(value: &AttributeValue) -> String {
    match value {
        AttributeValue::M(map) => {
            let sorted: BTreeMap<_, _> = map.iter().map(|(name, it)| (name, canonical_text(it))).collect();
            format!("{sorted:?}")
        }
        AttributeValue::L(list) => format!("{:?}", list.iter().map(canonical_text).collect::<Vec<_>>()),
        other => format!("{other:?}"),
    }
}
