//! Pages of lists that have a cursor: newest first, as many as were asked for or fit a response,
//! in a bounded number of reads.
//!
//! The cursor is the id of the last thing that a page looked at, and the next page reads what is
//! older: what arrives meanwhile is newer, so nothing is skipped or shown twice.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use ulid::Ulid;

use crate::error::Error;
use crate::storage::messages::RESPONSE_BUDGET;
use crate::storage::{Item, trouble};

/// A page reads on at most this many times before it hands back a cursor.
const MAX_READS: usize = 10;
/// How many things the first read of a search looks at: most searches find enough among them.
const SEARCHED_FIRST: usize = 100;
/// How many each further one looks at.
const SEARCHED_AT_ONCE: usize = 200;

pub struct Page<T> {
    pub found: Vec<T>,
    pub next: Option<Ulid>,
}

/// One Query's worth.
pub(super) struct Read {
    items: Vec<Item>,
    more: bool,
}

/// A thing that a page looked at.
pub(super) struct Seen<T> {
    pub id: Ulid,
    /// What is to be shown, with about how many bytes of a response it takes; none when a search
    /// does not want it.
    pub shown: Option<(T, usize)>,
}

impl Read {
    /// Reads one more than was asked for, which tells whether there is a next page; or, where only
    /// some of what is read is wanted, as much as a search looks at. `reads` were made before it.
    pub async fn of(query: QueryFluentBuilder, limit: usize, searches: bool, reads: usize) -> Result<Self, Error> {
        let at_once = match (searches, reads) {
            (false, _) => limit + 1,
            (true, 0) => SEARCHED_FIRST,
            (true, _) => SEARCHED_AT_ONCE,
        };
        let query = query.scan_index_forward(false).limit(i32::try_from(at_once).unwrap_or(i32::MAX));
        let page = query.send().await.map_err(trouble)?;
        Ok(Self { more: page.last_evaluated_key.is_some(), items: page.items.unwrap_or_default() })
    }
}

/// Goes on from a first read, which was made beside the check of the caller, until the page is
/// full. `read_before` reads what is older than an id, after so many reads.
pub(super) async fn page_from<T, R>(
    first: Read,
    limit: usize,
    see: impl Fn(Item) -> Result<Seen<T>, Error>,
    read_before: impl Fn(Option<Ulid>, usize) -> R,
) -> Result<Page<T>, Error>
where
    R: Future<Output = Result<Read, Error>>,
{
    let (mut found, mut last_seen, mut room) = (vec![], None, RESPONSE_BUDGET);
    let (mut current, mut reads) = (first, 1);
    loop {
        for item in current.items {
            let Seen { id, shown } = see(item)?;
            if let Some((thing, weight)) = shown {
                // A page of one thing holds it, whatever it weighs.
                if found.len() == limit || (weight > room && !found.is_empty()) {
                    return Ok(Page { found, next: last_seen });
                }
                room = room.saturating_sub(weight);
                found.push(thing);
            }
            last_seen = Some(id);
        }
        if !current.more || reads == MAX_READS {
            return Ok(Page { found, next: last_seen.filter(|_| current.more) });
        }
        current = read_before(last_seen, reads).await?;
        reads += 1;
    }
}
