//! `docs/box-calls.md` lists the calls of the table of endpoints. `SKILLCTL_UPDATE_DOCS=1` writes it.

use std::{env, fmt::Write, fs, path::Path};

use skillctl::{
    domain::token::TokenKind,
    mock_box::{Access, BodyKind, Endpoint, Handler, endpoints},
};

#[test]
fn the_page_of_box_calls_is_that_of_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/box-calls.md");
    let page = page();
    if env::var_os("SKILLCTL_UPDATE_DOCS").is_some() {
        fs::write(&path, &page).expect("the page can be written");
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == page,
        "docs/box-calls.md is out of date: run \
         SKILLCTL_UPDATE_DOCS=1 cargo test --test house box_calls"
    );
}

fn page() -> String {
    let mut page = String::from(
        "# The calls of Box that the mock knows\n\n\
         A test writes this page from the table of endpoints in `src/mock_box/api`; update it with\n\
         `SKILLCTL_UPDATE_DOCS=1 cargo test --test house box_calls`. `/2.0` may be left out, and the\n\
         paths also work below `/api`. Tokens are those of `--tokens strict`: the read and the write\n\
         token of an event are for its own file, a user's token is for everything. `HEAD` is answered\n\
         as `GET` is.\n\n\
         ## Played\n\n| call | tokens | body |\n|---|---|---|\n",
    );
    for endpoint in endpoints().filter(|endpoint| endpoint.is_played()) {
        let (call, tokens, body) = (call(endpoint), tokens(endpoint), body(endpoint));
        writeln!(page, "| `{call}` | {tokens} | {body} |").expect("a string takes it");
    }
    page.push_str(
        "\n## Known, not played\n\nBox has these calls and the mock does not play them. They answer 405 \
         with the code\n`not_played_by_mock`, whatever the token, and no SDK retries them. A path that is not \
         on this page\nanswers 404, and the log names the closest call; another method answers 405 with the \
         code\n`method_not_allowed`. A member of a body that the mock does not keep is refused like an unplayed \
         call.\n\n| what | calls |\n|---|---|\n",
    );
    for (what, calls) in unplayed() {
        writeln!(page, "| {what} | {} |", calls.join(", ")).expect("a string takes it");
    }
    page
}

/// The calls that are not played, by what they are, in the order of the table.
fn unplayed() -> Vec<(&'static str, Vec<String>)> {
    let mut groups: Vec<(&'static str, Vec<String>)> = Vec::new();
    for endpoint in endpoints() {
        let Handler::NotPlayed(what) = endpoint.handler else {
            continue;
        };
        let call = format!("`{}`", call(endpoint));
        match groups.iter_mut().find(|(name, _)| *name == what) {
            Some((_, calls)) => calls.push(call),
            None => groups.push((what, vec![call])),
        }
    }
    groups
}

fn call(endpoint: &Endpoint) -> String {
    // Of what is played, only the API is versioned; OAuth and downloads are not.
    let is_versioned = endpoint.access == Access::Token || !endpoint.is_played();
    let prefix = if is_versioned { "/2.0" } else { "" };
    format!("{} {prefix}/{}", endpoint.method, endpoint.path)
}

fn tokens(endpoint: &Endpoint) -> String {
    match endpoint.access {
        Access::Open => "not needed".to_owned(),
        Access::SignedUrl => "not needed: the URL is signed".to_owned(),
        Access::Token => {
            let kinds = [TokenKind::Read, TokenKind::Write, TokenKind::User].into_iter();
            let permitted = kinds.filter(|kind| kind.permits(endpoint.operation));
            permitted
                .map(TokenKind::as_str)
                .collect::<Vec<_>>()
                .join(", ")
        }
    }
}

fn body(endpoint: &Endpoint) -> &'static str {
    match (endpoint.body, endpoint.access) {
        (BodyKind::NoBody, _) => "none",
        (BodyKind::InMemory, Access::Open) => "a form or JSON",
        (BodyKind::InMemory | BodyKind::JoinedParts, _) => "JSON",
        (BodyKind::Multipart, _) => "multipart",
        (BodyKind::RawPart, _) => "bytes",
    }
}
