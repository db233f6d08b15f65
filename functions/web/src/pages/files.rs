//! `/files`: all of a person's files, page by page; `/files/{id}`: one of them.

use std::collections::HashMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use shared::clock::Timestamp;
use shared::http::App;
use shared::http::extract::PathId;
use shared::ids::{AgentId, FileId, Nil, parse_ulid};
use shared::models::file_request::FileKind;
use shared::models::{Agent, Attachment, ListFiles};
use shared::search;

use crate::components::attachment::{self, FileView};
use crate::components::layout::{Layout, NavItem};
use crate::extract::Visitor;
use crate::files::content::Extent;
use crate::files::kind;
use crate::response::{self, PageError};
use crate::text::budget;
use crate::text::format;

/// Files of one page; a multiple of two, three, four and six, so that rows are full.
const PAGE_SIZE: usize = 48;
/// The largest picture that a list loads as a thumbnail, in bytes.
const MAX_THUMBNAIL_BYTES: u64 = 4_000_000;

/// Which files are listed, and how.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct FileFilter {
    #[serde(rename = "type")]
    kind: String,
    agent: String,
    q: String,
    view: String,
    cursor: String,
}

impl FileFilter {
    fn kind(&self) -> Option<FileKind> {
        FileKind::WORDS.iter().find(|(word, _)| *word == self.kind).and_then(|(_, kind)| *kind)
    }

    fn list(&self) -> ListFiles {
        let search = search::folded(self.q.trim());
        ListFiles {
            agent: (!self.agent.is_empty()).then(|| AgentId::parse_or_nil(&self.agent)),
            kind: self.kind(),
            search: (!search.is_empty()).then_some(search),
            limit: PAGE_SIZE,
            before: parse_ulid(&self.cursor).ok(),
        }
    }

    fn view(&self) -> &'static str {
        if self.view == "list" { "list" } else { "grid" }
    }

    /// The path of the same list with one parameter changed, from its newest file on.
    fn path_with(&self, name: &str, value: &str) -> String {
        let mut parts = vec![];
        for (part, kept) in [
            ("type", &*self.kind),
            ("agent", &*self.agent),
            ("q", self.q.trim()),
            ("view", &*self.view),
            ("cursor", ""),
        ] {
            let value = if part == name { value } else { kept };
            if !value.is_empty() {
                parts.push(format!("{part}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
            }
        }
        if parts.is_empty() { "/files".to_owned() } else { format!("/files?{}", parts.join("&")) }
    }
}

/// A file in the list.
pub struct FileRow {
    pub id: String,
    pub filename: String,
    pub size: String,
    /// HTML.
    pub age: String,
    pub agent: String,
    /// Whether a thumbnail is shown.
    pub thumb: bool,
    /// The file's extension, shown where there is no thumbnail.
    pub ending: String,
}

impl FileRow {
    fn of(file: &Attachment, agents: &HashMap<AgentId, &str>, now: Timestamp) -> Self {
        let ending = file.filename.rsplit_once('.').map(|(_, ending)| ending).unwrap_or_default();
        let is_short = (1..=5).contains(&ending.len()) && ending.bytes().all(|it| it.is_ascii_alphanumeric());
        Self {
            id: file.id.to_string(),
            filename: file.filename.clone(),
            size: format::bytes(file.size),
            age: format::age(file.created_at, now),
            agent: agents.get(&file.channel_id).copied().unwrap_or("An agent").to_owned(),
            thumb: kind::is_picture(file) && file.size <= MAX_THUMBNAIL_BYTES,
            ending: if is_short { ending.to_ascii_uppercase() } else { "FILE".to_owned() },
        }
    }
}

#[derive(Template)]
#[template(path = "pages/files.html")]
struct FilesPage {
    layout: Layout,
    agents: Vec<Agent>,
    rows: Vec<FileRow>,
    wanted: FileFilter,
    view: &'static str,
    more: Option<String>,
}

impl FilesPage {
    fn kinds(&self) -> [(&'static str, &'static str); 6] {
        [
            ("", "All"),
            ("image", "Images"),
            ("video", "Video"),
            ("audio", "Audio"),
            ("document", "Documents"),
            ("file", "All but images"),
        ]
    }

    fn kind(&self) -> &str {
        if self.wanted.kind().is_some() { &self.wanted.kind } else { "" }
    }

    fn is_agent(&self, id: &AgentId) -> bool {
        self.wanted.agent == id.to_string()
    }

    fn is_filtered(&self) -> bool {
        self.wanted.list().is_filtered() || !self.wanted.agent.is_empty()
    }
}

/// `GET /files`
pub async fn page(
    State(app): State<App>,
    Visitor(human): Visitor,
    Query(wanted): Query<FileFilter>,
) -> Result<Response, PageError> {
    let list = wanted.list();
    let files = async { app.store.files().list(&human, &list).await.map_err(|err| err.or_not_found("agent").into()) };
    let agents = async { Ok(app.store.agents().list(&human).await?) };
    let (layout, agents, files) = tokio::try_join!(Layout::of(&app, &human, NavItem::Files), agents, files)?;
    let names = agents.iter().map(|agent| (agent.id, agent.name.as_str())).collect();
    let rows = files.found.iter().map(|file| FileRow::of(file, &names, app.clock.now())).collect();
    let more = files.next.map(|next| wanted.path_with("cursor", &next.to_string()));
    let view = wanted.view();
    response::page(StatusCode::OK, &FilesPage { layout, agents, rows, view, more, wanted })
}

#[derive(Template)]
#[template(path = "pages/file.html")]
struct FilePage {
    layout: Layout,
    view: FileView,
    agent: Agent,
    mime_type: String,
    /// HTML.
    made: String,
}

/// How much of a text is shown: `all` for most of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Part {
    show: String,
}

/// `GET /files/{id}`
pub async fn one(
    State(app): State<App>,
    Visitor(human): Visitor,
    PathId(id): PathId<FileId>,
    Query(wanted): Query<Part>,
) -> Result<Response, PageError> {
    let file = async { Ok(app.store.files().get(&human, id).await?) };
    let channel = async {
        let channel = app.store.agents().get(&human, id.channel()).await;
        Ok(channel.map_err(|err| err.or_not_found("file"))?)
    };
    let (layout, file, channel) = tokio::try_join!(Layout::of(&app, &human, NavItem::Files), file, channel)?;
    let (made, mime_type) = (format::moment(file.created_at), file.mime_type.clone());
    let extent = if wanted.show == "all" { Extent::Most } else { Extent::First };
    let loaded = attachment::alone(&app.blobs, &file, extent).await?;
    let view = budget::spend(loaded.len(), |budget| loaded.lay_out(&[file], budget)).await?;
    response::page(StatusCode::OK, &FilePage { layout, view, agent: channel.agent, mime_type, made })
}
