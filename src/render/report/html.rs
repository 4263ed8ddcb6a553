//! One page without other files: every event with its verdict, and details that open with the reasons,
//! the waterfall of the calls, and the cards as Box shows them.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::waterfall::waterfall;
use crate::{
    domain::{
        card::preview::sidebar,
        outcome::{
            record::{CheckRecord, Record},
            run_record::RunRecord,
            summary_record::{QuantilesRecord, SummaryRecord},
        },
    },
    render::{
        cards::html::{SCRIPT, STYLE, panel, policy, shown},
        replay, replay_story, replay_summary,
        text::{Role, Text},
        units::duration,
    },
};

const OWN_STYLE: &str = include_str!("report.css");
/// Events of each verdict that have details. A page with more of them is too large for a browser.
const MAX_OPENED: usize = 500;
/// Failed events whose details are open from the start.
const MAX_OPEN_AT_START: usize = 5;
/// Numbers that are reserved for the elements of one event's cards.
const NUMBERS_PER_EVENT: usize = 10_000;

/// The part before the events.
pub fn start(summary: &SummaryRecord, runs: &[RunRecord]) -> String {
    let counts = replay_summary::counts(summary);
    let verdict = if summary.ok { "passed" } else { "failed" };
    let head = html! {
        (DOCTYPE)
        (PreEscaped("<html lang=\"en\"><head>"))
        meta charset="utf-8";
        meta http-equiv="Content-Security-Policy" content=(policy());
        meta name="viewport" content="width=device-width, initial-scale=1";
        meta name="referrer" content="no-referrer";
        meta name="color-scheme" content="light dark";
        title { "skillctl replay " (verdict) ": " (counts.as_plain()) }
        style { (PreEscaped(STYLE)) (PreEscaped(OWN_STYLE)) }
        (PreEscaped("</head><body><main class=\"page\">"))
        header {
            h1 { "Replay " span .passed[summary.ok] .not_passed[!summary.ok] { (verdict) } }
            p { (counts.as_plain()) ", in " (duration(summary.seconds * 1000.0)) }
            (latencies(summary))
            @for stray in &summary.strays { p .stray { (shown(stray)) } }
            @for run in runs { (head_of(run)) }
        }
        @if summary.failed > 0 && summary.passed > 0 {
            input #only .only type="checkbox";
            " " label for="only" { "failed events only" }
        }
    };
    head.into_string()
}

fn latencies(summary: &SummaryRecord) -> Markup {
    let rows = summary.latencies();
    html! {
        @if !rows.is_empty() {
            table {
                tr { td {} th scope="col" { "p50" } th scope="col" { "p90" } th scope="col" { "p99" } th scope="col" { "max" } }
                @for (name, QuantilesRecord { p50, p90, p99, max, .. }) in rows {
                    tr { th scope="row" { (name) } @for ms in [p50, p90, p99, max] { td { (duration(ms)) } } }
                }
            }
        }
    }
}

fn head_of(run: &RunRecord) -> Markup {
    html! {
        dl .run {
            @for (name, text) in run.rows() { div { dt { (name) } dd dir="auto" { (shown(&text)) } } }
        }
        @if !run.skill.output.is_empty() {
            details .output {
                summary { "output of the skill" }
                pre tabindex="0" { @for line in &run.skill.output { (shown(line)) "\n" } }
            }
        }
    }
}

/// An event, the `number`-th from 0; `nth` counts those with the same verdict.
pub fn case(record: &Record, number: usize, nth: usize) -> String {
    let opens = nth < MAX_OPENED;
    let page = html! {
        details .event .failed[!record.ok] open[!record.ok && nth < MAX_OPEN_AT_START] {
            summary { (line(record)) }
            @if opens {
                (details(record, number))
            } @else {
                p .quiet { "Too many events to show them all; the JSON report has this one." }
            }
        }
    };
    page.into_string()
}

fn line(record: &Record) -> Markup {
    let columns = replay::columns(record);
    html! {
        span .verdict { (if record.ok { "PASS" } else { "FAIL" }) }
        span .name dir="auto" { (shown(&record.case)) }
        span .quiet { (columns.reply) }
        @if let Some(status) = columns.status { span .quiet { (status) } }
        @if let Some(cards) = columns.cards { span .quiet { (shown(&cards)) } }
    }
}

fn details(record: &Record, number: usize) -> Markup {
    let sidebar = sidebar(record.cards().iter(), None);
    let has_cards = !sidebar.sections.is_empty();
    html! {
        div .inside .two[has_cards] {
            div {
                @if !record.ok {
                    ul .reasons { @for check in record.failures() { (reason(check)) } }
                    @if let Some(hint) = replay_story::hint(record) { (painted(&hint)) }
                }
                (waterfall(record))
            }
            @if has_cards { (panel(&sidebar, (number + 1) * NUMBERS_PER_EVENT)) }
        }
    }
}

fn reason(check: &CheckRecord) -> Markup {
    let differences = replay::details(check);
    html! {
        li {
            b { (check.name) } " "
            (shown(check.reason.as_deref().unwrap_or_default()))
            @if !differences.lines.is_empty() { (painted(&differences)) }
        }
    }
}

/// Text with the colours that it has on a terminal.
fn painted(text: &Text) -> Markup {
    let class = |role: Role| match role {
        Role::Plain | Role::Own(_) => None,
        Role::Strong => Some("strong"),
        Role::Dim => Some("quiet"),
        Role::Good => Some("good"),
        Role::Bad => Some("bad"),
        Role::Warn => Some("warn"),
        Role::Accent => Some("accent"),
    };
    html! {
        pre tabindex="0" {
            @for line in &text.lines {
                @for (role, run) in line.runs() { span class=[class(role)] { (run) } }
                "\n"
            }
        }
    }
}

/// The part after them.
pub fn end() -> String {
    let tail = html! {
        p #said .unseen role="status" aria-live="polite" {}
        (PreEscaped("</main>"))
        script { (PreEscaped(SCRIPT)) }
        (PreEscaped("</body></html>\n"))
    };
    tail.into_string()
}
