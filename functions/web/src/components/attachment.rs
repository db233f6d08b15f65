//! Attachments as a page shows them: inline where that is safe, else as a download. [`load`] reads their texts first;
//! they are laid out together with the rest of the page.

use futures_util::future;
use shared::error::Error;
use shared::media_type::{UNKNOWN_TYPE, essence};
use shared::models::Attachment;
use shared::storage::Blobs;

use crate::components::csv_table::Table;
use crate::files;
use crate::files::content::{Extent, MAX_SHOWN_BYTES, first_text};
use crate::files::kind::FileKind;
use crate::text::budget::Budget;
use crate::text::markdown::{self, Text};

/// A file, ready for the template.
pub struct FileView {
    pub id: String,
    pub filename: String,
    /// The media type, unless it is unknown.
    pub mime_type: Option<String>,
    pub size: u64,
    pub preview: Preview,
    pub cut: Option<Cut>,
}

/// How a file is shown.
pub enum Preview {
    Image,
    Pdf,
    Audio,
    Video,
    /// In a sandboxed frame with a policy of its own.
    Html,
    Markdown(Text),
    Text(String),
    Table(Table),
    Other,
}

/// Only the first part of the text is shown.
pub struct Cut {
    /// The size of that part, in words.
    pub shown: &'static str,
    /// The link to the rest.
    pub more: Option<More>,
}

/// A link to more of a text.
pub struct More {
    pub path: String,
    pub words: &'static str,
}

impl Extent {
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
    fn new(file: &Attachment, preview: Preview) -> Self {
        let mime_type = Some(essence(&file.mime_type)).filter(|mime| mime != UNKNOWN_TYPE);
        Self {
            id: file.id.to_string(),
            filename: file.filename.clone(),
            mime_type,
            size: file.size,
            preview,
            cut: None,
        }
    }

    /// The path of its bytes.
    pub fn path(&self) -> String {
        files::download_path(&self.id)
    }
}

/// A file, with the part of its text that a page shows.
pub struct Loaded {
    file: Attachment,
    kind: FileKind,
    extent: Extent,
    text: Option<String>,
}

/// Loads the files of a message and the first parts of their texts, file by file while they fit into `room` bytes, so
/// that the page fits a response and is rendered soon.
pub async fn load(blobs: &Blobs, files: &[Attachment], mut room: u64) -> Result<Vec<Loaded>, Error> {
    let fitting = files.iter().map(|file| {
        let taken = if FileKind::of(file).is_text() { file.size.min(Extent::First.bytes()) } else { 0 };
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

/// Loads a file for its own page.
pub async fn alone(blobs: &Blobs, file: &Attachment, extent: Extent) -> Result<Loaded, Error> {
    Loaded::of(blobs, file, extent).await
}

impl Loaded {
    fn without_text(file: &Attachment, extent: Extent) -> Self {
        Self { file: file.clone(), kind: FileKind::of(file), extent, text: None }
    }

    async fn of(blobs: &Blobs, file: &Attachment, extent: Extent) -> Result<Self, Error> {
        let loaded = Self::without_text(file, extent);
        let text = if loaded.kind.is_text() { first_text(blobs, file, extent).await? } else { None };
        Ok(Self { text, ..loaded })
    }

    /// The bytes of its text that were loaded.
    pub fn len(&self) -> usize {
        self.text.as_ref().map_or(0, String::len)
    }

    /// Lays the file out within the budget of the page; `siblings` are the files that its Markdown may show.
    pub fn lay_out(self, siblings: &[Attachment], budget: &mut Budget) -> FileView {
        let Self { file, kind, extent, text } = self;
        let preview = match kind {
            FileKind::Pdf => Preview::Pdf,
            FileKind::Html if file.size <= MAX_SHOWN_BYTES => Preview::Html,
            FileKind::Image => Preview::Image,
            FileKind::Audio => Preview::Audio,
            FileKind::Video => Preview::Video,
            FileKind::Html | FileKind::Other => Preview::Other,
            FileKind::Table | FileKind::Markdown | FileKind::Text => {
                text.map_or(Preview::Other, |text| render_text(text, kind, extent, siblings, budget))
            }
        };
        let is_text = matches!(preview, Preview::Table(_) | Preview::Markdown(_) | Preview::Text(_));
        let cut = extent.cut(&file).filter(|_| is_text);
        FileView { cut, ..FileView::new(&file, preview) }
    }
}

/// A text shown inline, as far as the page has room for it.
fn render_text(text: String, kind: FileKind, extent: Extent, siblings: &[Attachment], budget: &mut Budget) -> Preview {
    if kind == FileKind::Markdown {
        return match markdown::lay_out(text, siblings, budget) {
            Text::Plain { text, .. } if !budget.has_room_for(&text) => Preview::Other,
            rendered => Preview::Markdown(rendered),
        };
    }
    if !budget.has_room_for(&text) {
        return Preview::Other;
    }
    if kind != FileKind::Table {
        return Preview::Text(text);
    }
    let table = Table::of(&text, extent.rows());
    // The tags and the indentation around each row, and the tags around each cell.
    let cells: usize = table.rows.iter().chain([&table.head]).map(|row| 40 + 9 * row.len()).sum();
    if budget.takes(cells) { Preview::Table(table) } else { Preview::Other }
}
