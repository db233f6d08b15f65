//! Queries: a range of one partition, of the table or of an index.

use aws_sdk_dynamodb::operation::query::builders::QueryFluentBuilder;
use serde::de::DeserializeOwned;

use crate::condition::Placeholders;
use crate::error::Error;
use crate::key::{Key, PK, SK};
use crate::table::Table;
use crate::value::{Item, from_item, s};

/// A global secondary index, by its name and the attributes of its keys.
#[derive(Clone, Copy, Debug)]
pub struct Index {
    pub name: &'static str,
    pub pk: &'static str,
    pub sk: &'static str,
}

/// A query over one partition: all of it, or the range that one of the methods sets. Ascending
/// unless said otherwise.
#[derive(Clone, Debug)]
pub struct Query {
    table: Table,
    index: Option<Index>,
    partition: String,
    range: Range,
    is_descending: bool,
    limit: Option<i32>,
    projection: &'static [&'static str],
}

#[derive(Clone, Debug)]
enum Range {
    All,
    Prefix(String),
    Between(String, String),
    Before(String),
}

/// What one call of a query found.
#[derive(Debug)]
pub struct ItemPage {
    pub items: Vec<Item>,
    /// Where the next page begins, if there may be more.
    pub next: Option<Item>,
}

impl Table {
    /// A strongly consistent query over a partition of the table.
    pub fn query(&self, partition: impl ToString) -> Query {
        Query {
            table: self.clone(),
            index: None,
            partition: partition.to_string(),
            range: Range::All,
            is_descending: false,
            limit: None,
            projection: &[],
        }
    }

    /// A query over a partition of an index, which is eventually consistent.
    pub fn query_index(&self, index: Index, partition: impl ToString) -> Query {
        Query { index: Some(index), ..self.query(partition) }
    }
}

impl Query {
    /// Only what sorts under a prefix.
    pub fn starting_with(self, prefix: impl ToString) -> Self {
        Self { range: Range::Prefix(prefix.to_string()), ..self }
    }

    /// Only what sorts from `first` to `last`, both included.
    pub fn between(self, first: impl ToString, last: impl ToString) -> Self {
        Self { range: Range::Between(first.to_string(), last.to_string()), ..self }
    }

    /// Only what sorts before `end`.
    pub fn before(self, end: impl ToString) -> Self {
        Self { range: Range::Before(end.to_string()), ..self }
    }

    /// From the last sort key to the first.
    pub fn descending(self) -> Self {
        Self { is_descending: true, ..self }
    }

    /// At most this many items in one call.
    pub fn limit(self, items: usize) -> Self {
        Self { limit: Some(i32::try_from(items).unwrap_or(i32::MAX)), ..self }
    }

    /// Only these attributes of each item. The call is billed for the whole items.
    pub fn only(self, attributes: &'static [&'static str]) -> Self {
        Self { projection: attributes, ..self }
    }

    /// One call from the beginning, or from where another page ended.
    pub async fn page(&self, from: Option<Item>) -> Result<ItemPage, Error> {
        let page = self.request().set_exclusive_start_key(from).send().await.map_err(Error::sdk)?;
        Ok(ItemPage { items: page.items.unwrap_or_default(), next: page.last_evaluated_key })
    }

    /// The items of the first call, in order.
    pub async fn first_page<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        self.page(None).await?.items.into_iter().map(from_item).collect()
    }

    /// The keys of the first call's items.
    pub async fn first_keys(self) -> Result<Vec<Key>, Error> {
        let keys = self.only(&[PK, SK]).page(None).await?;
        Ok(keys.items.iter().filter_map(Key::of).collect())
    }

    /// All items, in as many calls as it takes.
    pub async fn collect_all<T: DeserializeOwned>(&self) -> Result<Vec<T>, Error> {
        let mut all = vec![];
        self.for_each_item(usize::MAX, |item| {
            all.push(item);
            true
        })
        .await?;
        Ok(all)
    }

    /// Calls `visit` with each item until it gives `false`, in at most `max_calls` calls.
    pub async fn for_each_item<T: DeserializeOwned>(
        &self,
        max_calls: usize,
        mut visit: impl FnMut(T) -> bool,
    ) -> Result<(), Error> {
        let mut from = None;
        for _ in 0..max_calls {
            let page = self.page(from).await?;
            for item in page.items {
                if !visit(from_item(item)?) {
                    return Ok(());
                }
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// What `weigh` makes of the items, in order, until the next one does not fit `budget` any
    /// more. `weigh` gives a result with its weight, `None` to leave an item out, or an error,
    /// which ends the query.
    pub async fn collect_within_budget<I: DeserializeOwned, T, E: From<Error>>(
        &self,
        budget: usize,
        mut weigh: impl FnMut(I) -> Result<Option<(T, usize)>, E>,
    ) -> Result<Vec<T>, E> {
        let (mut fitting, mut room, mut failed) = (vec![], budget, None);
        self.for_each_item(usize::MAX, |item| match weigh(item) {
            Ok(None) => true,
            Ok(Some((thing, weight))) if weight <= room => {
                room -= weight;
                fitting.push(thing);
                true
            }
            Ok(Some(_)) => false,
            Err(err) => {
                failed = Some(err);
                false
            }
        })
        .await?;
        failed.map_or(Ok(fitting), Err)
    }

    fn request(&self) -> QueryFluentBuilder {
        let (pk, sk) = self.index.map_or((PK, SK), |index| (index.pk, index.sk));
        let mut placeholders = Placeholders::default();
        let mut condition = format!("{} = {}", placeholders.path(pk), placeholders.value(s(&self.partition)));
        condition += &match &self.range {
            Range::All => String::new(),
            Range::Prefix(prefix) => {
                format!(" AND begins_with({}, {})", placeholders.path(sk), placeholders.value(s(prefix)))
            }
            Range::Between(first, last) => {
                let sk = placeholders.path(sk);
                format!(" AND {sk} BETWEEN {} AND {}", placeholders.value(s(first)), placeholders.value(s(last)))
            }
            Range::Before(end) => format!(" AND {} < {}", placeholders.path(sk), placeholders.value(s(end))),
        };
        let projection: Vec<String> = self.projection.iter().map(|name| placeholders.path(name)).collect();
        self.table
            .client()
            .query()
            .table_name(self.table.name())
            .set_index_name(self.index.map(|index| index.name.to_owned()))
            .key_condition_expression(condition)
            .set_projection_expression(Some(projection.join(", ")).filter(|it| !it.is_empty()))
            .set_expression_attribute_names(placeholders.names())
            .set_expression_attribute_values(placeholders.values())
            .scan_index_forward(!self.is_descending)
            .set_limit(self.limit)
            .set_consistent_read(self.index.is_none().then_some(true))
    }
}
