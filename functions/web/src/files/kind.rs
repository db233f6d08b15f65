//! Which kinds of files a page can show, and how it recognises them.

use shared::media_type::{UNKNOWN_TYPE, essence};
use shared::models::Attachment;

/// How a page can show a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
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

/// The media types of pictures that browsers show; HEIC and TIFF are not among them.
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

/// The media types of CSV files.
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

impl FileKind {
    /// The kind of a file, by its media type, or by its name where the type is unknown.
    pub fn of(file: &Attachment) -> Self {
        let mime = essence(&file.mime_type);
        let ending = file.filename.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
        let (mime, ending) = (mime.as_str(), ending.as_str());
        // Windows with Excel declares this type for CSV files, too.
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

    /// Whether its text is shown.
    pub fn is_text(self) -> bool {
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
