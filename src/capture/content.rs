//! What is fetched from Box for a case: the file, by the code of `fetch`, and the cards that the skill
//! wrote.

use std::{path::Path, time::Instant};

use serde_json::{Value, json};
use tokio::runtime::Handle;

use super::{
    case_folder::{NewCase, write_file},
    options::Options,
};
use crate::{
    client::{
        BoxClient,
        download::{
            FileSelection,
            fetch::fetch,
            plan::{Destination, FetchPlan},
        },
    },
    domain::{
        card::normalise::normalise, event::invocation::EventToken, json::tree::Tape,
        token::TokenKind,
    },
};

/// How often the cards are looked at.
const POLL_INTERVAL: std::time::Duration = std::time::Duration::from_millis(500);

/// Downloads the file of a case to its `content.*`, and returns its size in bytes.
///
/// # Errors
/// Why it could not be downloaded.
pub(super) async fn download(case: &NewCase, options: &Options) -> Result<u64, String> {
    let client = client(case, TokenKind::Read, options)?;
    let name = case.invocation.file_name().unwrap_or_default();
    let extension: String = Path::new(&name)
        .extension()
        .and_then(|extension| extension.to_str())
        .filter(|extension| {
            extension.len() <= 20 && extension.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        .unwrap_or("bin")
        .to_owned();
    let plan = FetchPlan {
        selection: FileSelection {
            file_id: case.invocation.file_id(),
            version: None,
            representation: None,
        },
        file_name: None,
        destination: Destination::File(case.folder.join(format!("content.{extension}"))),
        force: false,
    };
    // Its future reports progress to this thread alone.
    let fetched = tokio::task::spawn_blocking(move || {
        let no_stdout = || Err(std::io::ErrorKind::Unsupported.into());
        Handle::current()
            .block_on(fetch(
                &client,
                &plan,
                no_stdout,
                &|_| {},
                std::future::pending(),
            ))
            .map_err(|failure| failure.error.to_string())
    });
    let fetched = fetched.await.map_err(|error| error.to_string())??;
    Ok(fetched.done.bytes)
}

/// Waits until the cards of a case are final, writes them as its `expected.json`, and returns their
/// number. Cards are final when one is not a processing status and they have not changed for a time.
///
/// # Errors
/// Why there is no expected result.
pub(super) async fn expect_cards(case: &NewCase, options: &Options) -> Result<usize, String> {
    let client = client(case, TokenKind::Write, options)?;
    let file_id = case.invocation.file_id();
    let end = Instant::now() + options.wait;
    let mut last = Value::Null;
    let mut since = Instant::now();
    loop {
        let cards = read_cards(&client, &file_id).await?;
        if cards != last {
            (last, since) = (cards, Instant::now());
        }
        if is_final(&last) && since.elapsed() >= options.settle {
            return write_expected(case, &last, options);
        }
        if Instant::now() >= end {
            return Err(format!(
                "no final cards within {}",
                humantime::format_duration(options.wait)
            ));
        }
        tokio::time::sleep(POLL_INTERVAL.min(options.settle)).await;
    }
}

/// The cards of a file; null where it has none.
async fn read_cards(client: &BoxClient, file_id: &str) -> Result<Value, String> {
    match client
        .get_metadata(file_id, "global", "boxSkillsCards")
        .await
    {
        Ok(mut instance) => Ok(instance["cards"].take()),
        Err(error) if error.status() == Some(http::StatusCode::NOT_FOUND) => Ok(Value::Null),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the cards can be final: there are some, and not only that the skill is at work.
fn is_final(cards: &Value) -> bool {
    const AT_WORK: [&str; 4] = [
        "invoked",
        "processing",
        "skills_invoked_status",
        "skills_pending_status",
    ];
    let is_at_work = |card: &Value| {
        let code = card["status"]["code"].as_str();
        card["skill_card_type"] == "status" && code.is_some_and(|code| AT_WORK.contains(&code))
    };
    cards
        .as_array()
        .is_some_and(|cards| !cards.is_empty() && !cards.iter().all(is_at_work))
}

fn write_expected(case: &NewCase, cards: &Value, options: &Options) -> Result<usize, String> {
    let mut normalised = Tape::from_value(cards);
    normalise(&mut normalised);
    let text = format!("{:#}\n", json!({ "cards": normalised }));
    let path = case.folder.join("expected.json");
    write_file(&path, &text, options.keep_secrets)
        .map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    Ok(cards.as_array().map_or(0, Vec::len))
}

fn client(case: &NewCase, kind: TokenKind, options: &Options) -> Result<BoxClient, String> {
    let EventToken { access_token, .. } = case
        .invocation
        .token(kind)
        .ok_or_else(|| format!("the event has no {} token", kind.as_str()))?;
    Ok(BoxClient::new(
        options.root.clone(),
        access_token,
        options.client.clone(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_processing_status_alone_is_not_final() {
        let status = |code: &str| json!({"skill_card_type": "status", "status": {"code": code}});
        let topics = json!({"skill_card_type": "keyword", "entries": []});
        assert!(!is_final(&Value::Null));
        assert!(!is_final(&json!([])));
        assert!(!is_final(&json!([status("skills_pending_status")])));
        assert!(is_final(&json!([status("skills_unknown_error")])));
        assert!(is_final(&json!([status("processing"), topics])));
    }
}
