//! Files and how they are shown as attachments.

use bytes::Bytes;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::clock::Timestamp;
use crate::error::Step;
use crate::ids::{AgentId, FileId, MessageId};
use crate::media_type;
use crate::review::text::is_blank;
use crate::validation::{FromObject, JsonObject, ValidationErrors};

/// All but RFC 5987's attr-char is percent-encoded.
const ATTR_CHAR: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// The largest text that is shown inside message responses.
pub const MAX_TEXT_CONTENT: u64 = 64 * 1024;

/// The limit of a file in a request body, in bytes: Lambda accepts 6 MB, and base64 adds a third.
pub const MAX_FILE: usize = 4_500_000;
/// Names are data: any characters, kept whole up to this many.
const MAX_FILENAME: usize = 1024;

/// How a file is shown: as a picture or as a file
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PluginType {
    Image,
    File,
}

/// A file
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    pub id: FileId,
    pub message_id: Option<MessageId>,
    pub channel_id: AgentId,
    pub plugin_type: PluginType,
    pub filename: String,
    pub mime_type: String,
    pub size: u64,
    pub storage_key: String,
    pub created_at: Timestamp,
    /// Filled in message responses only, see [`Attachment::is_shown_as_text`].
    #[serde(default, deserialize_with = "not_stored")]
    pub text_content: Option<String>,
}

/// What is filled in for a response is never read back from the table. (With serde's
/// `skip_deserializing` the field would be missing from the API's description as well.)
fn not_stored<'de, D: Deserializer<'de>>(stored: D) -> Result<Option<String>, D::Error> {
    IgnoredAny::deserialize(stored).map(|_| None)
}

impl Attachment {
    /// The header that shows the file in place under its name.
    pub fn content_disposition(&self) -> String {
        self.disposition("inline")
    }

    /// The same from the bucket's own origin, where our headers cannot put a page into a sandbox:
    /// what a browser might run is saved instead of shown.
    pub fn bucket_disposition(&self) -> String {
        self.disposition(if is_inert(&self.mime_type) { "inline" } else { "attachment" })
    }

    /// RFC 6266: a plain fallback for old clients, then the whole name.
    fn disposition(&self, kind: &str) -> String {
        let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%/".contains(c) || c == ' ' { c } else { '_' };
        let fallback: String = self.filename.chars().map(plain).take(255).collect();
        // Gateways and proxies take headers of a few KB: a longer name is cut between characters.
        const MAX_ENCODED_NAME: usize = 3000;
        let mut whole = String::new();
        for c in self.filename.chars() {
            let encoded = utf8_percent_encode(c.encode_utf8(&mut [0; 4]), ATTR_CHAR).to_string();
            if whole.len() + encoded.len() > MAX_ENCODED_NAME {
                break;
            }
            whole.push_str(&encoded);
        }
        format!("{kind}; filename=\"{fallback}\"; filename*=UTF-8''{whole}")
    }

    /// Whether message responses carry the content.
    pub fn is_shown_as_text(&self) -> bool {
        let text = ["text/markdown", "text/plain", "text/html", "text/csv"];
        self.size <= MAX_TEXT_CONTENT && text.contains(&media_type::essence(&self.mime_type).as_str())
    }
}

/// A file whose bytes are here and whose name and type can be stored.
pub struct NewFile {
    pub label: FileLabel,
    pub bytes: Bytes,
}

/// A file's name and type, as they can be stored.
pub struct FileLabel {
    pub filename: String,
    pub mime_type: String,
}

impl FileLabel {
    /// `at` is where the input has the name. Without `bytes`, the type is the declared one or the
    /// name's (see [`media_type::of_file`]).
    pub fn checked(
        filename: String,
        declared: Option<&str>,
        bytes: Option<&[u8]>,
        at: Vec<Step>,
        problems: &mut ValidationErrors,
    ) -> Option<Self> {
        if filename.chars().count() > MAX_FILENAME {
            problems.add(at, "too_long", format!("the file's name may have at most {MAX_FILENAME} characters"));
            return None;
        }
        let filename = if is_blank(&filename) { "file".to_owned() } else { filename };
        let mime_type = media_type::of_file(declared, &filename, bytes);
        Some(Self { filename, mime_type })
    }
}

/// Whether a browser only displays a file of this media type and runs nothing in it. Anything else is
/// shown in a sandbox, or saved.
pub fn is_inert(mime_type: &str) -> bool {
    let essence = media_type::essence(mime_type);
    let shown = ["image/", "audio/", "video/"].iter().any(|prefix| essence.starts_with(prefix));
    let shown = shown || ["application/pdf", "text/plain"].contains(&essence.as_str());
    shown && !essence.starts_with("image/svg") && !mime_type.contains(',')
}

/// One of a message's `textAttachments`; the same members make a file of their own.
impl FromObject for NewFile {
    fn from_object(object: &mut JsonObject<'_>) -> Option<Self> {
        let content = object.require("content", |o| o.string("content"));
        let filename = object.string("filename").unwrap_or_else(|| "content.md".to_owned());
        let declared = object.string("mimeType");
        // A text is Markdown where neither its type nor its name says otherwise.
        let declared =
            declared.or_else(|| media_type::of_name(&filename).is_none().then(|| "text/markdown".to_owned()));
        let at = object.path_to("filename");
        let bytes = content.as_deref().map(str::as_bytes);
        let label = FileLabel::checked(filename, declared.as_deref(), bytes, at, object.problems());
        Some(Self { label: label?, bytes: content?.into() })
    }
}
