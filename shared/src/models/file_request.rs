//! What clients send about files, and the lists and announcements they get.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use ulid::Ulid;
use utoipa::{IntoParams, ToSchema};

use crate::clock::Timestamp;
use crate::ids::{AgentId, FileId, Nil, NotAnId, parse_ulid};
use crate::models::file::{FileLabel, PluginType};
use crate::models::{Attachment, NewFile};
use crate::search;
use crate::storage::{MAX_ANNOUNCED, UploadTarget};
use crate::validation::{FromObject, FromParams, JsonObject, Params};

/// How many files one bulk call takes.
const MAX_IDS: usize = 100;

/// `POST /api/v1/files/store-text`.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct StoreText {
    /// The agent's id.
    pub channel_id: String,
    #[schema(value_type = String, example = "# A report")]
    pub content: Bytes,
    /// `content.md` when absent.
    #[schema(value_type = Option<String>, max_length = 1024, example = "report.md")]
    pub filename: String,
    /// The type of the name's extension when absent, else `text/markdown`.
    #[schema(value_type = Option<String>, example = "text/markdown")]
    pub mime_type: String,
}

impl FromObject for StoreText {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let NewFile { label, bytes } = NewFile::from_object(object)?;
        let FileLabel { filename, mime_type } = label;
        Some(Self { channel_id: channel_id?, content: bytes, filename, mime_type })
    }
}

impl From<StoreText> for NewFile {
    fn from(text: StoreText) -> Self {
        let StoreText { content, filename, mime_type, .. } = text;
        Self { label: FileLabel { filename, mime_type }, bytes: content }
    }
}

/// A file that the client will PUT to storage itself.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
pub struct AnnounceFile {
    /// The agent's id.
    pub channel_id: String,
    #[schema(max_length = 1024, example = "film.mp4")]
    pub filename: String,
    /// One that says nothing (`application/octet-stream`) gives way to the type of the name's extension.
    #[schema(example = "video/mp4")]
    pub mime_type: String,
    /// Exactly how many bytes will be PUT.
    #[schema(minimum = 0, maximum = 5_000_000_000_u64, example = 104857600)]
    pub size: u64,
}

impl FromObject for AnnounceFile {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let channel_id = object.require("channelId", |o| o.string("channelId"));
        let filename = object.require("filename", |o| o.string("filename"));
        let mime_type = object.require("mimeType", |o| o.string("mimeType"));
        let size = object.require("size", |o| o.integer("size", 0));
        if size.is_some_and(|size| size > MAX_ANNOUNCED) {
            object.too_large("A file may have at most 5,000,000,000 bytes: split a larger one.");
        }
        let at = object.path_to("filename");
        let label = FileLabel::checked(filename?, mime_type.as_deref(), None, at, object.problems());
        let FileLabel { filename, mime_type: kept } = label?;
        Some(Self { channel_id: channel_id?, filename, mime_type: mime_type.and(Some(kept))?, size: size? })
    }
}

/// A file that is announced, and where its bytes go.
#[derive(Serialize, ToSchema)]
pub struct Announced {
    /// Usable once the bytes are there.
    pub attachment: Attachment,
    pub upload: Upload,
}

/// The one request that uploads the bytes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    #[schema(example = "PUT")]
    pub method: &'static str,
    pub url: String,
    /// To be sent exactly so: they are part of the signature.
    pub headers: BTreeMap<String, String>,
    /// Until when the upload may begin.
    pub expires_at: Timestamp,
}

impl Announced {
    pub fn new(attachment: Attachment, target: UploadTarget) -> Self {
        let UploadTarget { url, headers, expires_at } = target;
        Self { attachment, upload: Upload { method: "PUT", url, headers, expires_at } }
    }
}

/// The files that a bulk call is about.
#[derive(ToSchema)]
pub struct FileIds {
    /// 1 to 100 of them, each once.
    #[schema(value_type = Vec<FileId>, min_items = 1, max_items = 100)]
    pub ids: Vec<FileId>,
}

impl FromObject for FileIds {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let ids = object.require("ids", |o| o.strings("ids", MAX_IDS))?;
        if ids.is_empty() {
            object.problem("ids", "empty", "ids must name at least one file");
            return None;
        }
        Some(Self { ids: ids.iter().map(|text| FileId::parse_or_nil(text)).collect() })
    }
}

/// A page of files.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileList {
    pub data: Vec<Attachment>,
    /// What asks for the next page; null at the end.
    pub next_cursor: Option<String>,
}

/// What kind of files a list is about, by their media types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum FileKind {
    Image,
    Video,
    Audio,
    /// PDF, office documents and text.
    Document,
    /// All but images: what `pluginType` calls a file.
    File,
}

impl FileKind {
    pub const WORDS: [(&str, Option<Self>); 5] = [
        ("image", Some(Self::Image)),
        ("video", Some(Self::Video)),
        ("audio", Some(Self::Audio)),
        ("document", Some(Self::Document)),
        ("file", Some(Self::File)),
    ];

    fn takes(self, file: &Attachment) -> bool {
        let mime = file.mime_type.to_ascii_lowercase();
        let is_one_of = |prefixes: &[&str]| prefixes.iter().any(|prefix| mime.starts_with(prefix));
        match self {
            Self::Image => file.plugin_type == PluginType::Image,
            Self::File => file.plugin_type == PluginType::File,
            Self::Video => is_one_of(&["video/"]),
            Self::Audio => is_one_of(&["audio/"]),
            Self::Document => is_one_of(&DOCUMENTS),
        }
    }
}

/// How the media types of documents start.
const DOCUMENTS: [&str; 10] = [
    "text/",
    "application/pdf",
    "application/rtf",
    "application/json",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.",
    "application/vnd.oasis.opendocument.",
    "application/epub+zip",
];

/// The query of a list of files.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ListFiles {
    /// Only this agent's files.
    #[param(rename = "agentId", value_type = Option<String>)]
    pub agent: Option<AgentId>,
    /// `image`, `video`, `audio`, `document` (PDF, office, text) or `file` (all but images).
    #[param(rename = "type", inline)]
    pub kind: Option<FileKind>,
    // Kept in the form that searches compare, see [`search::folded`].
    /// A part of the file's name, in any case and however its characters are composed.
    pub search: Option<String>,
    /// How many at most; 30 when absent.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 100)]
    pub limit: usize,
    /// The `nextCursor` of the page before.
    #[param(rename = "cursor", value_type = Option<String>)]
    pub before: Option<Ulid>,
}

impl ListFiles {
    pub fn matches(&self, file: &Attachment) -> bool {
        let named = |search: &String| search::folded(&file.filename).contains(search.as_str());
        self.kind.is_none_or(|kind| kind.takes(file)) && self.search.as_ref().is_none_or(named)
    }

    pub fn is_filtered(&self) -> bool {
        self.kind.is_some() || self.search.is_some()
    }
}

impl FromParams for ListFiles {
    fn from_params(params: &mut Params) -> Option<Self> {
        let limit = params.limit(30);
        let before = params.text("cursor").map(|cursor| parse_ulid(&cursor));
        if before == Some(Err(NotAnId)) {
            params.problem("cursor", "not_a_cursor", "cursor must be a nextCursor of an earlier page");
        }
        let kind = params.one_of("type", &FileKind::WORDS, None);
        let search = params.text("search").map(|search| search::folded(&search));
        let agent = params.text("agentId").map(|text| AgentId::parse_or_nil(&text));
        Some(Self { agent, kind: kind?, search, limit: limit?, before: before.transpose().ok()? })
    }
}
