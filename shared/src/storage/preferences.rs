//! What a person prefers: kept with the person, so that a page learns it with who they are.

use aws_sdk_dynamodb::types::ReturnValue;

use crate::auth::HumanCaller;
use crate::error::Error;
use crate::models::{PatchPreferences, Preferences};
use crate::storage::accounts::UserItem;
use crate::storage::keys::Key;
use crate::storage::{Store, read, text, trouble};

impl From<UserItem> for Preferences {
    fn from(item: UserItem) -> Self {
        Self { theme: item.theme.unwrap_or_default() }
    }
}

impl Store {
    pub async fn preferences(&self, human: &HumanCaller) -> Result<Preferences, Error> {
        self.admit_person(human, &[]).await.map(|(item, _)| item.into())
    }

    pub async fn change_preferences(&self, human: &HumanCaller, patch: PatchPreferences) -> Result<Preferences, Error> {
        let (item, _) = self.admit_person(human, &[]).await?;
        let Some(theme) = patch.theme else { return Ok(item.into()) };
        let updated = self
            .db
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(Key::user(item.user.id).attributes()))
            .update_expression("SET theme = :theme")
            .condition_expression("attribute_exists(pk) AND attribute_not_exists(removing)")
            .expression_attribute_values(":theme", text(theme.word()))
            .return_values(ReturnValue::AllNew)
            .send()
            .await;
        match updated {
            Ok(output) => read::<UserItem>(output.attributes.unwrap_or_default()).map(Preferences::from),
            Err(err) if err.as_service_error().is_some_and(|it| it.is_conditional_check_failed_exception()) => {
                Err(Error::NoSession)
            }
            Err(err) => Err(trouble(err)),
        }
    }
}
