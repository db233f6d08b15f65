//! A person's files, page by page.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use ulid::Ulid;

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::{Attachment, ListFiles};
use crate::storage::files::FileItem;
use crate::storage::keys::{self, FILES};
use crate::storage::{Item, Store, beside, read, text, trouble};

/// A search reads on at most this many times before it hands back a cursor.
const MAX_READS: usize = 10;
/// How many files one read of a search looks at.
const SEARCHED_AT_ONCE: usize = 200;

pub struct FilePage {
    pub files: Vec<Attachment>,
    pub next: Option<Ulid>,
}

/// Where a list reads: all of a person's files, or one channel's.
#[derive(Clone, Copy)]
enum Shelf {
    Person(UserId),
    Channel(AgentId),
}

/// One Query's worth.
struct Read {
    items: Vec<Item>,
    more: bool,
}

impl Store {
    /// A page of a person's files, newest first, its first read beside the check of the caller.
    pub async fn list_files(&self, human: &HumanCaller, list: &ListFiles) -> Result<FilePage, Error> {
        let shelf = match list.agent {
            None => Shelf::Person(human.0.claimed),
            Some(Some(agent)) => Shelf::Channel(agent),
            // A text that is no id names no agent of the caller's.
            Some(None) => return Err(self.open(human, None, &[]).await.err().unwrap_or(Error::NotYourAgent)),
        };
        let admitted = async {
            match shelf {
                Shelf::Person(_) => self.admit(human, &[]).await.map(drop),
                Shelf::Channel(agent) => self.open(human, Some(agent), &[]).await.map(drop),
            }
        };
        let ((), first) = beside(admitted, self.read_files(shelf, list, list.before)).await?;
        self.file_page(shelf, list, first).await
    }

    async fn file_page(&self, shelf: Shelf, list: &ListFiles, first: Read) -> Result<FilePage, Error> {
        let (mut files, mut last_seen, mut current, mut reads) = (vec![], list.before, first, 1);
        // One more than asked for tells whether there is a next page.
        loop {
            for item in std::mem::take(&mut current.items) {
                let item: FileItem = read(item)?;
                last_seen = Some(item.id().ulid());
                if list.matches(&item.clone().into()) {
                    files.push(item);
                    if files.len() > list.limit {
                        break;
                    }
                }
            }
            if files.len() > list.limit || !current.more || reads == MAX_READS {
                break;
            }
            current = self.read_files(shelf, list, last_seen).await?;
            reads += 1;
        }
        let full = files.len() > list.limit;
        files.truncate(list.limit);
        let next = if full { files.last().map(|file| file.id().ulid()) } else { last_seen.filter(|_| current.more) };
        Ok(FilePage { files: self.shown(files).await?, next })
    }

    async fn read_files(&self, shelf: Shelf, list: &ListFiles, before: Option<Ulid>) -> Result<Read, Error> {
        let at_once = if list.is_filtered() { SEARCHED_AT_ONCE } else { list.limit + 1 };
        let query = self.files_before(shelf, before).limit(i32::try_from(at_once).unwrap_or(i32::MAX));
        let page = query.scan_index_forward(false).send().await.map_err(trouble)?;
        Ok(Read { more: page.last_evaluated_key.is_some(), items: page.items.unwrap_or_default() })
    }

    fn files_before(&self, shelf: Shelf, before: Option<Ulid>) -> QueryFluentBuilder {
        let (partition, query) = match shelf {
            Shelf::Person(user) => (
                user.to_string(),
                self.query()
                    .index_name(keys::OWNER_INDEX)
                    .expression_attribute_names("#pk", keys::OWNER_ID)
                    .expression_attribute_names("#sk", keys::OWNER_SORT),
            ),
            Shelf::Channel(agent) => (
                keys::channel_partition(agent),
                self.query()
                    .consistent_read(true)
                    .expression_attribute_names("#pk", keys::PK)
                    .expression_attribute_names("#sk", keys::SK),
            ),
        };
        let range: HashMap<String, AttributeValue> = HashMap::from([
            (":pk".into(), text(partition)),
            (":first".into(), text(FILES)),
            (":last".into(), text(keys::files_before(before))),
        ]);
        query
            .key_condition_expression("#pk = :pk AND #sk BETWEEN :first AND :last")
            .set_expression_attribute_values(Some(range))
    }
}
