//! Attachments as a page shows them: in place where that is safe, else as a download. Their texts
//! are read first ([`load`]), and laid out together with the rest of the page.

use std::fmt::Display;

use futures_util::future;
use shared::charset;
use shared::error::Error;
use shared::media_type::{UNKNOWN_TYPE, essence};
use shared::models::Attachment;
use shared::models::file::MAX_TEXT_CONTENT;
use shared::storage::Blobs;

use crate::components::csv_table::Table;
use crate::text::budget::Budget;
use crate::text::markdown::{self, Text};

/// The most of a text that a page of its own shows, in bytes.
pub const MAX_SHOWN_BYTES: u64 = 512 * 1024;

pub struct FileView {
    pub id: String,
    pub filename: String,
    /// The type, if there is one to name.
    pub mime_type: Option<String>,
    pub size: u64,
    pub shown: Shown,
    pub cut: Option<Cut>,
}

/// How a file is shown.
pub enum Shown {
    Image,
    Pdf,
    Audio,
    Video,
    /// In a frame that may do nothing, with a policy of its own.
    Html,
    Markdown(Text),
    Text(String),
    Table(Table),
    Other,
}

/// Of a longer text only the first part is shown.
pub struct Cut {
    /// How much of it.
    pub shown: &'static str,
    /// What leads to more.
    pub more: Option<More>,
}

pub struct More {
    pub path: String,
    pub words: &'static str,
}

/// How much of a text is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    First,
    Most,
}

impl Extent {
    fn bytes(self) -> u64 {
        match self {
            Self::First => MAX_TEXT_CONTENT,
            Self::Most => MAX_SHOWN_BYTES,
        }
    }

    fn rows(self) -> usize {
        match self {
            Self::First => 200,
            Self::Most => 5000,
        }
    }

    fn cut(self, file: &Attachment) -> Option<Cut> {
        if file.size <= self.bytes() {
            return None;
        }
        Some(match self {
            Self::First => {
                let words = if file.size <= MAX_SHOWN_BYTES { "Show all" } else { "Show more" };
                Cut { shown: "64 KiB", more: Some(More { path: format!("/files/{}?show=all", file.id), words }) }
            }
            Self::Most => Cut { shown: "512 KiB", more: None },
        })
    }
}

impl FileView {
    fn new(file: &Attachment, shown: Shown) -> Self {
        let mime_type = Some(essence(&file.mime_type)).filter(|mime| mime != UNKNOWN_TYPE);
        Self { id: file.id.to_string(), filename: file.filename.clone(), mime_type, size: file.size, shown, cut: None }
    }

    pub fn path(&self) -> String {
        path(&self.id)
    }
}

/// Where a person's browser has a file's bytes from.
pub fn path(id: impl Display) -> String {
    format!("/api/files/{id}/download")
}

/// A file, with as much of its text as a page shows of texts.
pub struct Loaded {
    file: Attachment,
    kind: Kind,
    extent: Extent,
    text: Option<String>,
}

/// The files of a message, their texts read where texts are shown: the first parts of as many of the
/// first as have room in `room` bytes, so that a page fits a response and comes soon.
pub async fn load(blobs: &Blobs, files: &[Attachment], mut room: u64) -> Result<Vec<Loaded>, Error> {
    let fitting = files.iter().map(|file| {
        let taken = if Kind::of(file).is_text() { file.size.min(Extent::First.bytes()) } else { 0 };
        let fits = taken <= room;
        if fits {
            room -= taken;
        }
        (file, fits)
    });
    let fitting: Vec<(&Attachment, bool)> = fitting.collect();
    future::try_join_all(fitting.into_iter().map(async |(file, fits)| {
        if fits { Loaded::of(blobs, file, Extent::First).await } else { Ok(Loaded::without_text(file, Extent::First)) }
    }))
    .await
}

/// A file on a page of its own.
pub async fn alone(blobs: &Blobs, file: &Attachment, extent: Extent) -> Result<Loaded, Error> {
    Loaded::of(blobs, file, extent).await
}

impl Loaded {
    fn without_text(file: &Attachment, extent: Extent) -> Self {
        Self { file: file.clone(), kind: Kind::of(file), extent, text: None }
    }

    async fn of(blobs: &Blobs, file: &Attachment, extent: Extent) -> Result<Self, Error> {
        let loaded = Self::without_text(file, extent);
        let text = if loaded.kind.is_text() { first_text(blobs, file, extent).await? } else { None };
        Ok(Self { text, ..loaded })
    }

    /// The bytes of its text.
    pub fn len(&self) -> usize {
        self.text.as_ref().map_or(0, String::len)
    }

    pub fn lay_out(self, beside: &[Attachment], budget: &mut Budget) -> FileView {
        let Self { file, kind, extent, text } = self;
        let shown = match kind {
            Kind::Pdf => Shown::Pdf,
            Kind::Html if file.size <= MAX_SHOWN_BYTES => Shown::Html,
            Kind::Image => Shown::Image,
            Kind::Audio => Shown::Audio,
            Kind::Video => Shown::Video,
            Kind::Html | Kind::Other => Shown::Other,
            Kind::Table | Kind::Markdown | Kind::Text => {
                text.map_or(Shown::Other, |text| laid_out(text, kind, extent, beside, budget))
            }
        };
        let is_text = matches!(shown, Shown::Table(_) | Shown::Markdown(_) | Shown::Text(_));
        let cut = extent.cut(&file).filter(|_| is_text);
        FileView { cut, ..FileView::new(&file, shown) }
    }
}

/// A text in place, as far as the page has room for it.
fn laid_out(text: String, kind: Kind, extent: Extent, beside: &[Attachment], budget: &mut Budget) -> Shown {
    if kind == Kind::Markdown {
        return match markdown::lay_out(text, beside, budget) {
            Text::Plain { text, .. } if !budget.has_room_for(&text) => Shown::Other,
            laid_out => Shown::Markdown(laid_out),
        };
    }
    if !budget.has_room_for(&text) {
        return Shown::Other;
    }
    if kind != Kind::Table {
        return Shown::Text(text);
    }
    let table = Table::of(&text, extent.rows());
    // The tags and the indentation around each row, and the tags around each cell.
    let cells: usize = table.rows.iter().chain([&table.head]).map(|row| 40 + 9 * row.len()).sum();
    if budget.takes(cells) { Shown::Table(table) } else { Shown::Other }
}

/// What a page can do with a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Pdf,
    Html,
    Image,
    Audio,
    Video,
    Table,
    Markdown,
    Text,
    Other,
}

/// Pictures that browsers show. HEIC and TIFF are none of them.
const PICTURES: [&str; 14] = [
    "image/png",
    "image/x-png",
    "image/apng",
    "image/jpeg",
    "image/jpg",
    "image/pjpeg",
    "image/gif",
    "image/webp",
    "image/avif",
    "image/svg+xml",
    "image/bmp",
    "image/x-ms-bmp",
    "image/x-icon",
    "image/vnd.microsoft.icon",
];

const TABLES: [&str; 7] = [
    "text/csv",
    "text/x-csv",
    "application/csv",
    "application/x-csv",
    "text/comma-separated-values",
    "text/tab-separated-values",
    "text/x-comma-separated-values",
];

/// Whether browsers show the file as a picture.
pub fn is_picture(file: &Attachment) -> bool {
    PICTURES.contains(&essence(&file.mime_type).as_str())
}

impl Kind {
    fn of(file: &Attachment) -> Self {
        let mime = essence(&file.mime_type);
        let ending = file.filename.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        let (mime, ending) = (mime.as_str(), ending.as_str());
        // With Excel on it, Windows declares this for its text files as well.
        let is_mislabelled = mime == "application/vnd.ms-excel" && ending == "csv";
        let is_unknown = mime == UNKNOWN_TYPE;
        match mime {
            "application/pdf" => Self::Pdf,
            "text/html" | "application/xhtml+xml" => Self::Html,
            mime if PICTURES.contains(&mime) => Self::Image,
            mime if mime.starts_with("image/") => Self::Other,
            mime if mime.starts_with("audio/") => Self::Audio,
            mime if mime.starts_with("video/") => Self::Video,
            mime if TABLES.contains(&mime) || is_mislabelled => Self::Table,
            "text/markdown" | "text/x-markdown" => Self::Markdown,
            _ if is_unknown && ["csv", "tsv"].contains(&ending) => Self::Table,
            _ if is_unknown && ending == "md" => Self::Markdown,
            mime if is_text(mime, ending) => Self::Text,
            _ => Self::Other,
        }
    }

    fn is_text(self) -> bool {
        matches!(self, Self::Table | Self::Markdown | Self::Text)
    }
}

fn is_text(mime: &str, ending: &str) -> bool {
    const TYPES: [&str; 19] = [
        "application/json",
        "application/xml",
        "application/javascript",
        "application/x-javascript",
        "application/typescript",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/x-sh",
        "application/x-csh",
        "application/sql",
        "application/x-sql",
        "application/x-ndjson",
        "application/json5",
        "application/graphql",
        "application/x-httpd-php",
        "application/x-perl",
        "application/x-tex",
        "application/x-subrip",
    ];
    const ENDINGS: [&str; 23] = [
        "rs", "py", "ts", "js", "go", "java", "c", "h", "cpp", "rb", "sh", "sql", "toml", "yaml", "yml", "json", "ini",
        "cfg", "tf", "diff", "patch", "log", "txt",
    ];
    mime.starts_with("text/")
        || TYPES.contains(&mime)
        || mime.ends_with("+json")
        || mime.ends_with("+xml")
        || (mime == UNKNOWN_TYPE && ENDINGS.contains(&ending))
}

/// A text file's content, if it is one.
pub async fn text(blobs: &Blobs, file: &Attachment) -> Result<Option<String>, Error> {
    match &file.text_content {
        Some(text) => Ok(Some(text.clone())),
        None => first_text(blobs, file, Extent::Most).await,
    }
}

/// As much of a text file as is shown, if it is one.
async fn first_text(blobs: &Blobs, file: &Attachment, extent: Extent) -> Result<Option<String>, Error> {
    let is_cut = file.size > extent.bytes();
    let stored = match blobs.get_part(&file.storage_key, is_cut.then(|| (0, extent.bytes() - 1))).await {
        Ok(stored) => stored.bytes.collect().await.map_err(Error::unavailable)?.into_bytes(),
        Err(Error::NotFound(_)) => return Ok(Some(String::new())),
        Err(err) => return Err(err),
    };
    let read = if is_cut { charset::first_text } else { charset::text };
    Ok(read(&stored, &file.mime_type).filter(|text| !text.contains('\0')))
}
