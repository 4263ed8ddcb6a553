//! `skillctl cards validate`: every finding with its file, line and column.

use serde_json::{Value, json};

use super::{
    document,
    source::{Source, sources},
};
use crate::{
    cli::{OutputFormat, cards::ValidateArgs},
    domain::{
        card::validate::{Schema, count, validate_recognised},
        diagnostic::Diagnostic,
        json::document::Located,
    },
    exit::{Failure, Outcome},
    render::{
        diagnostic, json,
        text::{Line, Role},
    },
    terminal::Terminal,
};

/// The most findings with the same code that are printed without `-v`.
const MAX_PER_CODE: usize = 5;

/// Checks the cards of every file. All are read first, so that an input that is not JSON ends the
/// command before it prints anything.
pub(super) fn run(arguments: &ValidateArgs, terminal: &Terminal) -> Outcome {
    let sources = sources(&arguments.files, arguments.input.max_input, terminal.width)?;
    let mut validated = Vec::new();
    for source in &sources {
        validated.push(validate(source, arguments.schema, terminal.width)?);
    }
    for (source, validated) in sources.iter().zip(&validated) {
        match arguments.format {
            OutputFormat::Human => print(source, validated, terminal),
            OutputFormat::Json => print_json(source, validated, terminal),
        }
    }
    let (errors, warnings) = total(&validated);
    let failed = errors > 0 || (arguments.strict && warnings > 0);
    if arguments.format == OutputFormat::Json {
        let cards: usize = validated.iter().map(|it| it.cards).sum();
        let summary = json!({"summary": {"files": sources.len(), "cards": cards,
            "errors": errors, "warnings": warnings, "ok": !failed}});
        terminal.out_raw(json::line(&summary).as_bytes());
    } else if sources.len() > 1 {
        terminal.out_line(
            &Line::from(format!("{} files: ", sources.len()))
                .with(role(errors, warnings), counts(errors, warnings)),
        );
    }
    if failed { Err(Failure::Check) } else { Ok(()) }
}

/// The findings of one file.
struct Validated {
    cards: usize,
    findings: Vec<Diagnostic>,
}

fn validate(source: &Source, schema: Schema, width: usize) -> Result<Validated, Failure> {
    let recognised = document::recognise(&source.document, width)?;
    Ok(Validated {
        cards: recognised.cards().len(),
        findings: validate_recognised(source.document.tree(), &recognised, schema),
    })
}

fn total(validated: &[Validated]) -> (usize, usize) {
    validated.iter().fold((0, 0), |(errors, warnings), it| {
        let (more_errors, more_warnings) = count(&it.findings);
        (errors + more_errors, warnings + more_warnings)
    })
}

fn print(source: &Source, validated: &Validated, terminal: &Terminal) {
    let located = source.locate(&validated.findings);
    let most = if terminal.is_verbose() {
        usize::MAX
    } else {
        MAX_PER_CODE
    };
    let mut text = diagnostic::findings(
        &source.file,
        &source.document.text,
        &located,
        terminal.width,
        most,
    );
    let cards = match validated.cards {
        1 => "1 card".to_owned(),
        cards => format!("{cards} cards"),
    };
    let (errors, warnings) = count(&validated.findings);
    text.push(
        Line::new()
            .plain(format!("{}: {cards}, ", source.title))
            .with(role(errors, warnings), counts(errors, warnings)),
    );
    terminal.out(&text);
}

fn role(errors: usize, warnings: usize) -> Role {
    match (errors, warnings) {
        (0, 0) => Role::Good,
        (0, _) => Role::Warn,
        _ => Role::Bad,
    }
}

fn counts(errors: usize, warnings: usize) -> String {
    let counted = |count: usize, word: &str| match count {
        1 => format!("1 {word}"),
        _ => format!("{count} {word}s"),
    };
    match (errors, warnings) {
        (0, 0) => "no findings".to_owned(),
        (0, warnings) => counted(warnings, "warning"),
        (errors, 0) => counted(errors, "error"),
        (errors, warnings) => {
            format!(
                "{}, {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            )
        }
    }
}

fn print_json(source: &Source, validated: &Validated, terminal: &Terminal) {
    let mut lines = String::new();
    for located in source.locate(&validated.findings) {
        lines.push_str(&json::line(&as_json(&source.file, &located)));
    }
    terminal.out_raw(lines.as_bytes());
}

fn as_json(file: &str, located: &Located<'_>) -> Value {
    let finding = located.finding;
    json!({
        "file": file,
        "line": located.place.line,
        "column": located.place.column,
        "severity": finding.severity.as_str(),
        "code": finding.code,
        "pointer": finding.pointer.as_str(),
        "message": finding.message,
        "found": finding.found,
        "expected": finding.expected,
        "help": finding.help,
    })
}
