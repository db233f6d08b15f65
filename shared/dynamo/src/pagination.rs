//! Pages of lists with a cursor, in a bounded number of calls.
//!
//! The cursor is the id of the last item that a page looked at, and the next page reads what is
//! older. Items that arrive between two pages are newer, so none is skipped or listed twice.

use crate::error::Error;
use crate::query::Query;
use crate::value::Item;

/// The most calls of one page. A search that has found less by then ends the page with a cursor.
const MAX_CALLS: usize = 10;
/// How many items the first call of a search looks at: most searches find enough among them.
const FIRST_SEARCH: usize = 100;
/// How many items each further call of a search looks at.
const NEXT_SEARCH: usize = 200;

/// One page of a list, newest first.
#[derive(Debug)]
pub struct Page<T, C> {
    pub found: Vec<T>,
    /// The cursor of the next page, if there may be one.
    pub next: Option<C>,
}

/// The items of one call.
#[derive(Debug)]
pub struct Chunk {
    items: Vec<Item>,
    has_more: bool,
}

/// One item that a page looked at.
#[derive(Debug)]
pub struct Entry<T, C> {
    pub id: C,
    /// What to list, with about how many bytes of a response it takes; `None` for an item that a
    /// search does not want.
    pub listed: Option<(T, usize)>,
}

impl Chunk {
    /// Calls a query, newest first. A plain list reads one item more than `limit`, which says
    /// whether there is a next page; a search reads as many as it looks at. `calls` were made
    /// before this one.
    pub async fn read(query: Query, limit: usize, is_search: bool, calls: usize) -> Result<Self, Error> {
        let items = match (is_search, calls) {
            (false, _) => limit + 1,
            (true, 0) => FIRST_SEARCH,
            (true, _) => NEXT_SEARCH,
        };
        let page = query.descending().limit(items).page(None).await?;
        Ok(Self { has_more: page.next.is_some(), items: page.items })
    }
}

/// Fills a page of at most `limit` things that together fit `budget` bytes, starting with a chunk
/// that was read before. `entry` makes of an item what to list; `read_before` reads what is older
/// than an id, given how many calls were made.
pub async fn fill_page<T, C: Copy, F, E: From<Error>>(
    first: Chunk,
    limit: usize,
    budget: usize,
    entry: impl Fn(Item) -> Result<Entry<T, C>, E>,
    read_before: impl Fn(Option<C>, usize) -> F,
) -> Result<Page<T, C>, E>
where
    F: Future<Output = Result<Chunk, Error>>,
{
    let (mut found, mut last_seen, mut room) = (vec![], None, budget);
    let (mut current, mut calls) = (first, 1);
    loop {
        for item in current.items {
            let Entry { id, listed } = entry(item)?;
            if let Some((thing, weight)) = listed {
                // A page of one thing holds it, whatever its weight.
                if found.len() == limit || (weight > room && !found.is_empty()) {
                    return Ok(Page { found, next: last_seen });
                }
                room = room.saturating_sub(weight);
                found.push(thing);
            }
            last_seen = Some(id);
        }
        if !current.has_more || calls == MAX_CALLS {
            return Ok(Page { found, next: last_seen.filter(|_| current.has_more) });
        }
        current = read_before(last_seen, calls).await?;
        calls += 1;
    }
}
