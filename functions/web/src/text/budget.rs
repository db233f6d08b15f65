//! The budget of one page for laying out what agents and people sent: time, and bytes of the page.
//!
//! Layout is computation, so it runs on its own threads, a few pages at a time. It consists of small bounded pieces.
//! Between two pieces it stops if the reader has left, and shows the remaining pieces as plain text if the time is over.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use shared::error::Error;
use tokio::sync::Semaphore;

/// The time for all Markdown of a page; a piece that has begun is finished.
const LAYOUT: Duration = Duration::from_millis(100);
/// The time for all comparisons of a page.
const COMPARISON: Duration = Duration::from_millis(100);
/// Lines that all comparisons of a page show together.
const LINES: usize = 2_000;
/// Bytes of HTML for what was sent. A whole page has to fit the response of a Lambda function.
const ROOM: usize = 2_500_000;
/// Texts of at most this many bytes together are laid out at once, without waiting for large ones: it takes a few
/// milliseconds.
const SMALL: usize = 4 * 1024;

/// Half of the processors; the others stay free for requests that lay nothing out.
static SLOTS: LazyLock<Semaphore> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new((processors / 2).max(1))
});

/// What is left of a page's budget.
pub struct Budget {
    began: Instant,
    comparing: Duration,
    lines: usize,
    room: usize,
    gone: Arc<AtomicBool>,
}

/// Stops the work when it is dropped, which happens to the future of a request whose reader has left.
struct Reader(Arc<AtomicBool>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs the layout of a page whose texts have `size` bytes together.
pub async fn spend<T: Send + 'static>(
    size: usize,
    layout: impl FnOnce(&mut Budget) -> T + Send + 'static,
) -> Result<T, Error> {
    let reader = Reader(Arc::default());
    let gone = reader.0.clone();
    if size <= SMALL {
        return Ok(layout(&mut Budget::new(gone)));
    }
    let slot = SLOTS.acquire().await.map_err(Error::internal)?;
    let done = tokio::task::spawn_blocking(move || {
        // The work holds the slot: when its reader leaves, the next one starts only after the work has ended.
        let _slot = slot;
        layout(&mut Budget::new(gone))
    });
    done.await.map_err(Error::internal)
}

impl Budget {
    fn new(gone: Arc<AtomicBool>) -> Self {
        Self { began: Instant::now(), comparing: COMPARISON, lines: LINES, room: ROOM, gone }
    }

    /// Whether the reader has left.
    pub fn is_abandoned(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// Whether the time for Markdown is over. Comparisons have a time of their own.
    pub fn is_late(&self) -> bool {
        self.is_abandoned() || self.began.elapsed().saturating_sub(COMPARISON - self.comparing) > LAYOUT
    }

    /// How long the next comparison may take; `None` when the time or the lines are used up.
    pub fn comparison(&self) -> Option<Duration> {
        let left = !self.is_abandoned() && self.lines > 0;
        Some(self.comparing).filter(|time| left && !time.is_zero())
    }

    /// Subtracts the time and the lines of a comparison.
    pub fn compared(&mut self, took: Duration, lines: usize) {
        self.comparing = self.comparing.saturating_sub(took);
        self.lines = self.lines.saturating_sub(lines);
    }

    /// How many lines a comparison may show.
    pub fn lines(&self) -> usize {
        self.lines
    }

    /// Reserves room for a text that will be escaped, if there is enough.
    pub fn has_room_for(&mut self, text: &str) -> bool {
        self.takes(escaped(text))
    }

    /// Reserves room for this many bytes of HTML, if there is enough.
    pub fn takes(&mut self, bytes: usize) -> bool {
        let fits = bytes <= self.room;
        if fits {
            self.room -= bytes;
        }
        fits
    }

    /// Whether the page is less than half full.
    pub fn has_room_left(&self) -> bool {
        self.room > ROOM / 2
    }

    /// Subtracts the room of a text that is shown in any case.
    pub fn takes_anyway(&mut self, text: &str) {
        self.room = self.room.saturating_sub(escaped(text));
    }
}

#[cfg(test)]
impl Default for Budget {
    fn default() -> Self {
        Self::new(Arc::default())
    }
}

/// The most bytes of a text after escaping.
fn escaped(text: &str) -> usize {
    let special = text.bytes().filter(|byte| matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\'')).count();
    text.len() + 4 * special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_taken_until_none_is_left() {
        let mut budget = Budget::default();
        assert!(budget.takes(ROOM - 10) && !budget.has_room_for("<<<") && budget.has_room_for("<<"));
        assert!(!budget.has_room_for("a") && budget.has_room_for(""));
    }

    #[test]
    fn comparisons_share_their_time_and_their_lines() {
        let mut budget = Budget::default();
        budget.compared(Duration::from_millis(60), 10);
        assert_eq!(budget.comparison(), Some(Duration::from_millis(40)));
        budget.compared(Duration::from_secs(1), 10);
        assert_eq!(budget.comparison(), None);
        let mut budget = Budget::default();
        budget.compared(Duration::ZERO, LINES);
        assert_eq!(budget.comparison(), None);
    }

    #[tokio::test]
    async fn the_work_ends_when_its_reader_leaves() {
        let (said, heard) = std::sync::mpsc::channel();
        let work = spend(SMALL + 1, move |budget| {
            let _ = said.send(());
            while !budget.is_abandoned() {
                std::thread::yield_now();
            }
            let _ = said.send(());
        });
        let reader = tokio::spawn(work);
        let heard = tokio::task::spawn_blocking(move || {
            let began = heard.recv_timeout(Duration::from_secs(10));
            reader.abort();
            began.and_then(|()| heard.recv_timeout(Duration::from_secs(10)))
        });
        assert!(heard.await.is_ok_and(|ended| ended.is_ok()));
        assert!(spend(SMALL + 1, |_| true).await.is_ok_and(|done| done), "the slot is free again");
    }
}
