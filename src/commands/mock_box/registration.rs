//! Registers the fixtures of a `mock-box`, and writes their events to `--events-dir`.

use std::{fs, path::Path};

use super::files::not_written;
use crate::{
    commands::output::write_private,
    domain::{
        event::{invocation::Invocation, wire},
        token::TokenKind,
    },
    exit::{Failure, Problem},
    mock_box::{
        Content,
        register::{Recorded, Registering},
    },
    render::text::{Line, Role},
    replay::Case,
    store::Store,
    terminal::Terminal,
};

/// Registers fixtures. Their own tokens are valid from now on; placeholders, and ids and tokens that
/// another fixture has, are replaced. Writes the events as a skill should receive them.
pub(super) async fn register(
    store: &Store,
    cases: &[Case],
    events_dir: Option<&Path>,
    terminal: &Terminal,
) -> Result<(), Failure> {
    let mut events = Vec::with_capacity(cases.len());
    for case in cases {
        let content = case.content.as_deref();
        let content = content.map(|path| copy_content(store, path)).transpose()?;
        let how = Registering {
            recorded: Recorded::KeptWhereFree,
            lasting: true,
            content,
            ..Registering::default()
        };
        events.push((case.captured.event.invocation().clone().into_owned(), how));
    }
    let registered = store.register(events).await;
    for (number, (case, event)) in cases.iter().zip(&registered).enumerate() {
        let file = event.file_id();
        terminal.note_line(
            Line::from("registered ")
                .with(Role::Strong, &case.names.path)
                .plain(format!(" as file {file}"))
                .with(Role::Dim, replaced(case, event)),
        );
        if let Some(folder) = events_dir {
            fs::create_dir_all(folder).map_err(|error| {
                let message = format!("cannot make the folder {}: {error}", folder.display());
                Problem::new(message).outside()
            })?;
            let path = folder.join(format!("{:03}-{file}.json", number + 1));
            write_private(&path, &wire::encode(&event.tree()))
                .map_err(|error| not_written(&path, &error))?;
        }
    }
    Ok(())
}

/// What is not as in the fixture, for the line of its registration.
fn replaced(case: &Case, event: &Invocation<'_>) -> &'static str {
    let recorded = case.captured.event.invocation();
    let differs = |kind| {
        let token = |event: &Invocation<'_>| event.token(kind).map(|token| token.access_token);
        token(recorded) != token(event)
    };
    match (
        recorded.file_id() == event.file_id(),
        differs(TokenKind::Read) || differs(TokenKind::Write),
    ) {
        (true, false) => "",
        (true, true) => ", with new tokens",
        (false, false) => ", a new id",
        (false, true) => ", a new id, with new tokens",
    }
}

/// Copies the content of a fixture to the mock's spool.
fn copy_content(store: &Store, path: &Path) -> Result<Content, Failure> {
    let failed = |error: std::io::Error| {
        Problem::new(format!("cannot read {}: {error}", path.display())).outside()
    };
    let bytes = fs::read(path).map_err(failed)?;
    let mut writer = store.spool().writer().map_err(failed)?;
    writer.write(&bytes).map_err(failed)?;
    Ok(Content::from(writer.finish().map_err(failed)?))
}
