//! Copying everything that a service stores: all items and all objects.

use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use dynamo::check_version;
use dynamo::value::Item;
use dynamo::version::version_of;
use dynamo::{Key, Value};
use serde_json::Value as Json;

use crate::error::Error;
use crate::ids::UserId;
use crate::storage::blobs::s3_error;
use crate::storage::{Blobs, Store, keys, notify_mark};

/// The attribute of a copied message: its arrival in another table is no event.
pub const IMPORTED: &str = "imported";

/// Some of the stored items, in DynamoDB's JSON.
pub struct CopiedPage {
    pub items: Vec<Json>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<(String, String)>,
}

/// An object, its bytes still coming.
pub struct CopiedObject {
    pub bytes: ByteStream,
    pub content_type: Option<String>,
}

impl Store {
    /// One page of what belongs to people and agents. It has neither the table's version nor the installation's
    /// identity, no versions of inboxes, which begin anew, no signs of readers, and no subscriptions of browsers, which
    /// are bound to this service.
    pub async fn copy_page(&self, from: Option<(String, String)>) -> Result<CopiedPage, Error> {
        let from = from.map(|(pk, sk)| Key::new(pk, sk));
        let page = self.table.scan_page(from.as_ref()).await?;
        let copied = page.items.into_iter().filter(is_copied).map(|mut item| {
            check_version(version_of(&item))?;
            item.remove(IMPORTED);
            let item = serde_dynamo::Item::from(item);
            serde_json::to_value(item).map_err(Error::internal)
        });
        Ok(CopiedPage { items: copied.collect::<Result<_, _>>()?, next: page.next.map(|key| (key.pk, key.sk)) })
    }

    /// Puts copied items. May be repeated. Of people who are notified of requests the versions of their inboxes, which are
    /// not copied, have a mark.
    pub async fn put_copies(&self, items: Vec<Json>) -> Result<(), Error> {
        let mut notified = vec![];
        let read = items.into_iter().map(|item| {
            let item: serde_dynamo::Item = serde_json::from_value(item).map_err(Error::internal)?;
            let mut item = Item::from(item);
            let Some(key) = Key::of(&item) else { return Ok(item) };
            if key.sk.starts_with(keys::MESSAGES) {
                item.insert(IMPORTED.to_owned(), Value::Bool(true));
            }
            if key.pk == keys::USERS && has_notifications(&item) {
                notified.extend(keys::ulid_after(keys::USER_ITEMS, &key.sk).map(UserId::from_ulid));
            }
            Ok(item)
        });
        let items = read.collect::<Result<_, Error>>()?;
        self.table.put_copies(items).await?;
        for user in notified {
            let _ = notify_mark::set(user, self.clock.now()).send_item(&self.table).await?;
        }
        Ok(())
    }
}

fn has_notifications(user: &Item) -> bool {
    ["notifications", "notifiesByAgent"].iter().any(|name| user.contains_key(*name))
}

fn is_copied(item: &Item) -> bool {
    let own = [keys::schema(), keys::instance()];
    let is_passing = |sk: &str| {
        [keys::CHANGES, keys::PUSH_OWNER].contains(&sk)
            || [keys::SIGNS, keys::PUSH_DEVICES, keys::NOTIFICATIONS].iter().any(|prefix| sk.starts_with(prefix))
    };
    let is_socket =
        |pk: &str| [keys::TICKETS, keys::SOCKETS, keys::SOCKETS_OF_USERS].iter().any(|it| pk.starts_with(it));
    Key::of(item).is_some_and(|key| !own.contains(&key) && !is_passing(&key.sk) && !is_socket(&key.pk))
}

impl Blobs {
    /// The keys and sizes of up to 1,000 objects, in the order of their keys, after this one.
    pub async fn list_page(&self, after: Option<&str>) -> Result<Vec<(String, u64)>, Error> {
        let list = self.s3.list_objects_v2().bucket(&*self.bucket).set_start_after(after.map(str::to_owned));
        let found = list.send().await.map_err(s3_error)?.contents.unwrap_or_default();
        let size = |size: Option<i64>| size.and_then(|size| u64::try_from(size).ok()).unwrap_or_default();
        Ok(found.into_iter().filter_map(|object| Some((object.key?, size(object.size)))).collect())
    }

    /// An object with its type.
    pub async fn copy_object(&self, storage_key: &str) -> Result<CopiedObject, Error> {
        let got = self.s3.get_object().bucket(&*self.bucket).key(storage_key).send().await.map_err(s3_error)?;
        Ok(CopiedObject { bytes: got.body, content_type: got.content_type })
    }

    /// Stores a file's bytes as an object, whatever their size up to 5 GB.
    pub async fn put_file(&self, storage_key: &str, content_type: Option<&str>, path: &Path) -> Result<(), Error> {
        let bytes = ByteStream::from_path(path).await.map_err(Error::internal)?;
        let put = self.s3.put_object().bucket(&*self.bucket).key(storage_key).body(bytes);
        put.set_content_type(content_type.map(str::to_owned)).send().await.map(drop).map_err(s3_error)
    }
}
