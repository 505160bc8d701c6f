//! What callers told this gateway and no commit says: what they call things, and how they narrowed their keys.
//!
//! Invariant: a setting is stored before whoever made it is answered.
//! Left out on purpose: another gateway that is running: it reads what is stored when it starts.

use serde_json::Value;
use sqlx::Row as _;

use super::{Store, StoreError};

/// What a setting is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    ApiKey,
    ProtectionGroup,
}

impl Subject {
    const fn name(self) -> &'static str {
        match self {
            Self::ApiKey => "api key",
            Self::ProtectionGroup => "protection group",
        }
    }
}

impl Store {
    pub(crate) async fn keep(&self, subject: Subject, name: &str, value: &Value) -> Result<(), StoreError> {
        let text = "INSERT INTO settings (subject, name, value) VALUES ($1, $2, $3) \
                    ON CONFLICT (subject, name) DO UPDATE SET value = EXCLUDED.value";
        let statement = sqlx::query(text).bind(subject.name()).bind(name).bind(value.to_string());
        statement.execute(&self.pool).await?;
        Ok(())
    }

    pub(crate) async fn settings(&self, subject: Subject) -> Result<Vec<(String, Value)>, StoreError> {
        let statement = sqlx::query("SELECT name, value FROM settings WHERE subject = $1 ORDER BY name");
        let rows = statement.bind(subject.name()).fetch_all(&self.pool).await?;
        let read = |row: &sqlx::any::AnyRow| -> Result<(String, Value), StoreError> {
            let (name, value): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            let value =
                serde_json::from_str(&value).map_err(|_| StoreError::Setting { name: name.clone() })?;
            Ok((name, value))
        };
        rows.iter().map(read).collect()
    }
}
