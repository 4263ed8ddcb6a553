//! The cards of one file at Box: read, written by a plan, deleted. Which call writes them is decided
//! in `domain::card::write`.

use serde_json::Value;

use super::{
    box_api::{BoxClient, Instance},
    error::BoxError,
};
use crate::domain::{
    card::{
        request::{Mode, Request},
        write::WritePlan,
    },
    metadata::instance::{SKILLS_SCOPE, SKILLS_TEMPLATE},
};

/// What a write did to the cards of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteEffect {
    /// The file had none before.
    Created,
    /// They replaced those of the file.
    Replaced,
    /// They follow those of the file.
    Appended,
}

impl WriteEffect {
    /// `created`, `replaced` or `appended`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Replaced => "replaced",
            Self::Appended => "appended",
        }
    }
}

/// The result of a write.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// What it did.
    pub effect: WriteEffect,
    /// The instance after it; `None` where the token may not read it.
    pub instance: Option<Instance>,
}

/// Reads the instance that holds the cards of a file.
///
/// # Errors
/// [`BoxError`]; Box answers 404 where there are none.
pub async fn get(client: &BoxClient, file_id: &str) -> Result<Instance, BoxError> {
    client
        .get_metadata(file_id, SKILLS_SCOPE, SKILLS_TEMPLATE)
        .await
}

/// Deletes the cards of a file.
///
/// # Errors
/// [`BoxError`].
pub async fn delete(client: &BoxClient, file_id: &str) -> Result<(), BoxError> {
    client
        .delete_metadata(file_id, SKILLS_SCOPE, SKILLS_TEMPLATE)
        .await
}

/// Sends the calls of a plan.
///
/// # Errors
/// [`BoxError`] of the call that failed.
pub async fn write(client: &BoxClient, plan: &WritePlan) -> Result<Written, BoxError> {
    let file_id = &plan.file_id;
    match &plan.request {
        Request::Create(fields) => create(client, plan, fields).await,
        Request::Patch(patch) => {
            let effect = match plan.mode {
                Mode::Append => WriteEffect::Appended,
                Mode::Upsert | Mode::Create | Mode::Replace => WriteEffect::Replaced,
            };
            let instance = client
                .patch_metadata(file_id, SKILLS_SCOPE, SKILLS_TEMPLATE, patch)
                .await?;
            Ok(written(effect, instance))
        }
        Request::Invocation { skill_id, body } => {
            client.put_invocation(skill_id, body).await?;
            // The answer is empty. A token that may not read the instance does not make the write a
            // failure.
            Ok(Written {
                effect: WriteEffect::Replaced,
                instance: get(client, file_id).await.ok(),
            })
        }
    }
}

async fn create(client: &BoxClient, plan: &WritePlan, fields: &Value) -> Result<Written, BoxError> {
    let file_id = &plan.file_id;
    let created = client
        .create_metadata(file_id, SKILLS_SCOPE, SKILLS_TEMPLATE, fields)
        .await;
    let error = match created {
        Ok(instance) => return Ok(written(WriteEffect::Created, instance)),
        Err(error) if is_conflict(&error) => error,
        Err(error) => return Err(error),
    };
    if plan.mode == Mode::Upsert
        && let Some(second) = plan.request.overwriting()
    {
        let instance = client
            .patch_metadata(file_id, SKILLS_SCOPE, SKILLS_TEMPLATE, second.body())
            .await?;
        return Ok(written(WriteEffect::Replaced, instance));
    }
    let instance = own_echo(client, file_id, error, fields).await?;
    Ok(written(WriteEffect::Created, instance))
}

/// A 409 after an attempt whose answer was lost may be caused by that attempt: then the file has
/// exactly these cards.
async fn own_echo(
    client: &BoxClient,
    file_id: &str,
    error: BoxError,
    fields: &Value,
) -> Result<Instance, BoxError> {
    if error.tries > 1
        && let Ok(instance) = get(client, file_id).await
        && instance.get("cards") == fields.get("cards")
    {
        return Ok(instance);
    }
    Err(error)
}

fn is_conflict(error: &BoxError) -> bool {
    error.status().is_some_and(|status| status.as_u16() == 409)
}

fn written(effect: WriteEffect, instance: Instance) -> Written {
    Written {
        effect,
        instance: Some(instance),
    }
}
