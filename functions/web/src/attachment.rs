//! Attachments as a page shows them: in place where that is safe, else as a download. Their texts
//! are read first ([`load`]), and laid out together with the rest of the page.

use std::fmt::Display;

use bytes::Bytes;
use futures_util::future;
use shared::error::Error;
use shared::models::Attachment;
use shared::models::file::MAX_TEXT_CONTENT;
use shared::storage::Blobs;

use crate::budget::Budget;
use crate::markdown::{self, Text};

/// The most rows of a table that are shown.
const MOST_ROWS: usize = 200;
const MOST_COLUMNS: usize = 50;

pub struct FileView {
    pub id: String,
    pub filename: String,
    pub size: u64,
    pub shown: Shown,
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

pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// How many rows there are besides.
    pub more: usize,
}

impl FileView {
    pub fn path(&self) -> String {
        path(&self.id)
    }
}

/// Where a person's browser has a file's bytes from.
pub fn path(id: impl Display) -> String {
    format!("/api/files/{id}/download")
}

/// A file, with its text where a page shows texts.
pub struct Loaded {
    file: Attachment,
    text: Option<String>,
}

/// The files of a message, their texts read where texts are shown: as many of the first as have
/// room in `room` bytes, so that a page fits a response and comes soon.
pub async fn load(blobs: &Blobs, files: &[Attachment], mut room: u64) -> Result<Vec<Loaded>, Error> {
    let fitting = files.iter().map(|file| {
        let taken = if is_text(&essence(file), &file.filename) { file.size } else { 0 };
        let fits = taken <= room;
        if fits {
            room -= taken;
        }
        (file, fits)
    });
    let fitting: Vec<(&Attachment, bool)> = fitting.collect();
    future::try_join_all(fitting.into_iter().map(async |(file, fits)| {
        let wanted = fits && matches!(kind(file), Shown::Text(_));
        Ok(Loaded { text: if wanted { text(blobs, file).await? } else { None }, file: file.clone() })
    }))
    .await
}

impl Loaded {
    /// The bytes of its text.
    pub fn len(&self) -> usize {
        self.text.as_ref().map_or(0, String::len)
    }

    pub fn lay_out(self, beside: &[Attachment], budget: &mut Budget) -> FileView {
        let shown = match kind(&self.file) {
            Shown::Text(mime) => self.text.map_or(Shown::Other, |text| laid_out(text, &mime, beside, budget)),
            other => other,
        };
        FileView { id: self.file.id.to_string(), filename: self.file.filename, size: self.file.size, shown }
    }
}

/// How a file is shown; a text by its media type so far.
fn kind(file: &Attachment) -> Shown {
    let mime = essence(file);
    match mime.as_str() {
        "application/pdf" => Shown::Pdf,
        "text/html" | "application/xhtml+xml" if file.size <= MAX_TEXT_CONTENT => Shown::Html,
        mime if mime.starts_with("image/") => Shown::Image,
        mime if mime.starts_with("audio/") => Shown::Audio,
        mime if mime.starts_with("video/") => Shown::Video,
        _ if file.size <= MAX_TEXT_CONTENT && is_text(&mime, &file.filename) => Shown::Text(mime),
        _ => Shown::Other,
    }
}

/// A text in place, as far as the page has room for it.
fn laid_out(text: String, mime: &str, beside: &[Attachment], budget: &mut Budget) -> Shown {
    if mime == "text/markdown" {
        return match markdown::lay_out(text, beside, budget) {
            Text::Plain { text, .. } if !budget.has_room_for(&text) => Shown::Other,
            laid_out => Shown::Markdown(laid_out),
        };
    }
    if !budget.has_room_for(&text) {
        return Shown::Other;
    }
    if mime != "text/csv" {
        return Shown::Text(text);
    }
    let table = table(&text);
    // Tags around each cell.
    let cells: usize = table.rows.iter().chain([&table.head]).map(|row| 10 + 9 * row.len()).sum();
    if budget.takes(cells) { Shown::Table(table) } else { Shown::Other }
}

/// The media type without its parameters, in lower case.
fn essence(file: &Attachment) -> String {
    file.mime_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_text(mime: &str, filename: &str) -> bool {
    const TYPES: [&str; 10] = [
        "application/json",
        "application/xml",
        "application/javascript",
        "application/yaml",
        "application/x-yaml",
        "application/toml",
        "application/x-sh",
        "application/sql",
        "application/x-ndjson",
        "application/graphql",
    ];
    const ENDINGS: [&str; 22] = [
        "rs", "py", "ts", "js", "go", "java", "c", "h", "cpp", "rb", "sh", "sql", "toml", "yaml", "yml", "json", "ini",
        "cfg", "tf", "diff", "patch", "log",
    ];
    let ending = filename.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    mime.starts_with("text/")
        || TYPES.contains(&mime)
        || mime.ends_with("+json")
        || (mime.ends_with("+xml") && !mime.starts_with("image/"))
        || (mime == "application/octet-stream" && ending.is_some_and(|it| ENDINGS.contains(&it.as_str())))
}

/// A text file's content, if it is one.
pub async fn text(blobs: &Blobs, file: &Attachment) -> Result<Option<String>, Error> {
    if let Some(text) = &file.text_content {
        return Ok(Some(text.clone()));
    }
    let bytes = match blobs.get(&file.storage_key).await {
        Ok(stored) => stored.bytes.collect().await.map_err(Error::unavailable)?.into_bytes(),
        Err(Error::NotFound(_)) => Bytes::new(),
        Err(err) => return Err(err),
    };
    Ok(String::from_utf8(bytes.into()).ok().filter(|text| !text.contains('\0')))
}

fn table(text: &str) -> Table {
    let delimiter =
        if text.lines().next().is_some_and(|line| !line.contains(',') && line.contains(';')) { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let mut records =
        reader.records().flatten().map(|it| it.iter().take(MOST_COLUMNS).map(str::to_owned).collect::<Vec<_>>());
    let head = records.next().unwrap_or_default();
    let rows = records.by_ref().take(MOST_ROWS).collect();
    Table { head, rows, more: records.count() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_head_and_as_many_rows_as_are_shown() {
        let text = format!("name,note\n\"a, b\",\"two\nlines\"\n{}", "x,y\n".repeat(300));
        let table = table(&text);
        assert_eq!((table.head, table.rows.len(), table.more), (vec!["name".into(), "note".into()], MOST_ROWS, 101));
        assert_eq!(table.rows[0], ["a, b", "two\nlines"]);
        assert_eq!(super::table("a;b\n1;2").rows, [["1", "2"]]);
    }
}
