//! A person's files, page by page.

use std::collections::HashSet;

use dynamo::Query;
use dynamo::pagination::{Chunk, Entry, fill_page};
use dynamo::value::from_item;
use ulid::Ulid;

use crate::caller::HumanCaller;
use crate::error::Error;
use crate::ids::{AgentId, UserId};
use crate::models::page_request::MAX_PAGE_BYTES;
use crate::models::{Attachment, ListFiles};
use crate::storage::files::Files;
use crate::storage::items::FileItem;
use crate::storage::keys::{self, FILES};
use crate::storage::{Page, join_authorized};

/// What a list covers: all of a person's files, or one channel's.
#[derive(Clone, Copy)]
enum FileScope {
    Person(UserId),
    Channel(AgentId),
}

impl Files<'_> {
    /// A page of a person's files, newest first; the first call runs while the caller is authenticated.
    pub async fn list(self, human: &HumanCaller, list: &ListFiles) -> Result<Page<Attachment>, Error> {
        let shelf = match list.agent {
            None => FileScope::Person(human.0.claimed),
            Some(agent) => FileScope::Channel(agent),
        };
        let admitted = async {
            match shelf {
                FileScope::Person(user) => {
                    join_authorized(self.store.authenticate(human, &[]), self.store.agents().being_deleted(user))
                        .await
                        .map(|it| it.1)
                }
                FileScope::Channel(agent) => self.store.open_channel(human, agent, &[]).await.map(|_| HashSet::new()),
            }
        };
        let read_before = |before, reads| {
            let query = self.range_before(shelf, before);
            Chunk::read(query, list.limit, list.is_filtered(), reads)
        };
        let (leaving, first) = join_authorized(admitted, async { Ok(read_before(list.before, 0).await?) }).await?;
        let see = |item| {
            let file: FileItem = from_item(item)?;
            let (id, weight) = (file.id(), file.weight());
            let wanted = !leaving.contains(&id.channel()) && list.matches(&file.clone().into());
            Ok::<_, Error>(Entry { id: id.ulid(), listed: wanted.then_some((file, weight)) })
        };
        let Page { found, next } = fill_page(first, list.limit, MAX_PAGE_BYTES, see, read_before).await?;
        Ok(Page { found: self.listable(found).await?, next })
    }

    fn range_before(self, shelf: FileScope, before: Option<Ulid>) -> Query {
        let query = match shelf {
            FileScope::Person(user) => self.store.table.query_index(keys::OWNER_INDEX, user),
            FileScope::Channel(agent) => self.store.table.query(keys::channel_partition(agent)),
        };
        query.between(FILES, keys::files_before(before))
    }
}
