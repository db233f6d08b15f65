//! A person's files, page by page.

use std::collections::{HashMap, HashSet};

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use aws_sdk_dynamodb::types::AttributeValue;
use ulid::Ulid;

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::{Attachment, ListFiles};
use crate::storage::files::FileItem;
use crate::storage::keys::{self, FILES};
use crate::storage::paging::{Page, Read, Seen, page_from};
use crate::storage::{Store, beside, read, text};

/// Where a list reads: all of a person's files, or one channel's.
#[derive(Clone, Copy)]
enum Shelf {
    Person(UserId),
    Channel(AgentId),
}

impl Store {
    /// A page of a person's files, newest first, its first read beside the check of the caller.
    pub async fn list_files(&self, human: &HumanCaller, list: &ListFiles) -> Result<Page<Attachment>, Error> {
        let shelf = match list.agent {
            None => Shelf::Person(human.0.claimed),
            Some(Some(agent)) => Shelf::Channel(agent),
            // A text that is no id names no agent of the caller's.
            Some(None) => return Err(self.open(human, None, &[]).await.err().unwrap_or(Error::NotYourAgent)),
        };
        let admitted = async {
            match shelf {
                Shelf::Person(user) => beside(self.admit(human, &[]), self.leaving(user)).await.map(|it| it.1),
                Shelf::Channel(agent) => self.open(human, Some(agent), &[]).await.map(|_| HashSet::new()),
            }
        };
        let read_before = |before, reads| {
            let query = self.files_before(shelf, before);
            Read::of(query, list.limit, list.is_filtered(), reads)
        };
        let (leaving, first) = beside(admitted, read_before(list.before, 0)).await?;
        let see = |item| {
            let file: FileItem = read(item)?;
            let (id, weight) = (file.id(), file.weight());
            let wanted = !leaving.contains(&id.channel()) && list.matches(&file.clone().into());
            Ok(Seen { id: id.ulid(), shown: wanted.then_some((file, weight)) })
        };
        let Page { found, next } = page_from(first, list.limit, see, read_before).await?;
        Ok(Page { found: self.shown(found).await?, next })
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
