//! One page without other files: every event with its verdict, and details that open with the reasons,
//! the timeline, and the cards as Box shows them.

use maud::{DOCTYPE, PreEscaped, html};

use crate::{
    domain::{
        card::preview::sidebar,
        outcome::record::{QuantilesRecord, Record, SummaryRecord},
    },
    render::{
        cards::html::{SCRIPT, STYLE, panel, policy, shown},
        replay,
        units::duration,
    },
};

const OWN_STYLE: &str = include_str!("report.css");
/// Events of each verdict that have details. A page with more of them is too large for a browser.
const MAX_OPENED: usize = 500;
/// Numbers that are reserved for the elements of one event's cards.
const NUMBERS_PER_EVENT: usize = 10_000;

/// The part before the events.
pub fn start(summary: &SummaryRecord) -> String {
    let counts = replay::counts(summary);
    let rows = [("reply", summary.reply_ms), ("cards", summary.cards_ms)];
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
            h1 { "Replay " (verdict) }
            p { (counts.as_plain()) ", in " (duration(summary.seconds * 1000.0)) }
            @if rows.iter().any(|(_, quantiles)| quantiles.is_some()) {
                table {
                    tr { th {} th scope="col" { "p50" } th scope="col" { "p90" } th scope="col" { "p99" } th scope="col" { "max" } }
                    @for (name, quantiles) in rows {
                        @if let Some(QuantilesRecord { p50, p90, p99, max, .. }) = quantiles {
                            tr { th scope="row" { (name) } @for ms in [p50, p90, p99, max] { td { (duration(ms)) } } }
                        }
                    }
                }
            }
            @for stray in &summary.strays { p .stray { (shown(stray)) } }
        }
        @if summary.failed > 0 && summary.passed > 0 {
            input #only .only type="checkbox";
            " " label for="only" { "failed events only" }
        }
    };
    head.into_string()
}

/// An event, the `number`-th from 0; `nth` counts those with the same verdict.
pub fn case(record: &Record, number: usize, nth: usize) -> String {
    let reply = match record.reply.as_ref() {
        Some(reply) => match (reply.status, reply.ms) {
            (Some(status), Some(ms)) => format!("{status} in {}", duration(ms)),
            _ => "no reply".to_owned(),
        },
        None => "no reply".to_owned(),
    };
    let status = record.status.as_deref().unwrap_or("");
    let line = html! {
        span .verdict { (if record.ok { "PASS" } else { "FAIL" }) }
        span .name dir="auto" { (shown(&record.case)) }
        span .quiet { (reply) }
        span .quiet { (status) }
    };
    let opens = nth < MAX_OPENED;
    let page = html! {
        details .event .failed[!record.ok] open[!record.ok && nth < 5] {
            summary { (line) }
            @if opens {
                div .inside {
                    div {
                        @if !record.ok {
                            ul .reasons {
                                @for check in record.failures() {
                                    li {
                                        b { (check.name) } " "
                                        (shown(check.reason.as_deref().unwrap_or_default()))
                                        @let details = replay::details(check).to_plain();
                                        @if !details.is_empty() { pre tabindex="0" { (details) } }
                                    }
                                }
                            }
                        }
                        pre tabindex="0" { (text_of(record)) }
                    }
                    @let sidebar = sidebar(record.cards().iter(), None);
                    @if !sidebar.sections.is_empty() { (panel(&sidebar, (number + 1) * NUMBERS_PER_EVENT)) }
                }
            } @else {
                p .quiet { "Too many events to show them all; the JSON report has this one." }
            }
        }
    };
    page.into_string()
}

fn text_of(record: &Record) -> String {
    let text = if record.ok {
        replay::timeline(record)
    } else {
        replay::story(record)
    };
    unindented(&text.to_plain())
}

/// Without the indentation that the lines have on a terminal.
fn unindented(text: &str) -> String {
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let written = text.lines().filter(|line| !line.trim().is_empty());
    let indent = written.map(blanks).min().unwrap_or_default();
    let lines = text
        .lines()
        .map(|line| line.get(indent..).unwrap_or_default());
    lines.collect::<Vec<_>>().join("\n")
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
