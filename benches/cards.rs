//! How long cards take: checking and rendering a transcript, at three sizes, so that what is
//! linear shows. The aim (a 100,000-entry transcript of about 10 MB): checked within 100 ms,
//! rendered to HTML within 200 ms.

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};
use skillctl::{
    domain::{
        card::{
            preview::sidebar,
            validate::{Schema, box_refusal, validate},
        },
        cards_from::{
            cards::{CardOptions, make},
            read::{ReadOptions, read},
        },
        json::{document::Document, tree::Tape},
    },
    render::cards::{html, text},
};

const SIZES: [usize; 3] = [25_000, 50_000, 100_000];

/// A transcript card of this many lines, about 100 bytes each.
fn transcript(lines: usize) -> Value {
    let entries: Vec<Value> = (0..lines)
        .map(|nth| {
            json!({"type": "text", "text": format!("Line {nth} of a long talk, spoken slowly."),
                "appears": [{"start": nth, "end": nth + 1}]})
        })
        .collect();
    json!({"cards": [{"type": "skill_card", "skill_card_type": "transcript",
        "skill_card_title": {"code": "skills_transcript", "message": "Transcript"},
        "skill": {"type": "service", "id": "137"},
        "invocation": {"type": "skill_invocation", "id": "1"},
        "created_at": "2018-10-29T11:29:09-07:00",
        "duration": lines + 1, "entries": entries}]})
}

fn cards(criterion: &mut Criterion) {
    let inputs: Vec<(usize, Value, Vec<u8>)> = SIZES
        .into_iter()
        .map(|lines| {
            let value = transcript(lines);
            let bytes = value.to_string().into_bytes();
            (lines, value, bytes)
        })
        .collect();
    let mut group = criterion.benchmark_group("transcript");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    let small = transcript(10).to_string().into_bytes();
    group.bench_function("tape/small", |bencher| {
        bencher.iter(|| Tape::read(black_box(&small)).is_ok());
    });
    for (lines, value, bytes) in &inputs {
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        let input = Tape::from_value(value);
        let list = input.tree().get("cards").expect("cards");
        let cards = || list.as_array().unwrap_or_default().iter();
        group.bench_function(BenchmarkId::new("parse", lines), |bencher| {
            bencher.iter(|| Document::parse("cards.json", black_box(bytes).clone()).is_ok());
        });
        group.bench_function(BenchmarkId::new("tape", lines), |bencher| {
            bencher.iter(|| Tape::read(black_box(bytes)).is_ok());
        });
        group.bench_function(BenchmarkId::new("validate", lines), |bencher| {
            bencher.iter(|| validate(black_box(input.tree()), Schema::Box).len());
        });
        group.bench_function(BenchmarkId::new("box_refusal", lines), |bencher| {
            bencher.iter(|| box_refusal(black_box(list), Schema::Box).is_none());
        });
        group.bench_function(BenchmarkId::new("html", lines), |bencher| {
            bencher.iter(|| html::render("cards.json", &sidebar(black_box(cards()), None)).len());
        });
        group.bench_function(BenchmarkId::new("text", lines), |bencher| {
            let options = text::Options {
                width: 100,
                full: true,
            };
            bencher.iter(|| {
                text::render(&sidebar(black_box(cards()), None), options)
                    .lines
                    .len()
            });
        });
    }
    group.finish();
}

/// A result of Amazon Transcribe of this many words, about 150 bytes each.
fn transcribed(words: usize) -> String {
    let items: Vec<Value> = (0..words)
        .map(|nth| {
            let start = format!("{}.{}", nth / 3, nth % 3 * 3);
            let content = if nth % 12 == 11 { "talk." } else { "slow" };
            json!({"type": "pronunciation", "start_time": start, "end_time": start,
                "alternatives": [{"content": content, "confidence": "0.99"}]})
        })
        .collect();
    json!({"results": {"transcripts": [], "items": items}}).to_string()
}

/// The aim: 100,000 words within 300 ms, from the text of the result to the cards.
fn cards_from(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cards from");
    group
        .sample_size(20)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for words in SIZES {
        let result = transcribed(words);
        group.throughput(Throughput::Bytes(result.len() as u64));
        group.bench_function(BenchmarkId::new("words", words), |bencher| {
            bencher.iter(|| {
                let read = read(black_box(&result), ReadOptions::default()).expect("a result");
                make(read.content, &CardOptions::new(0.0)).cards.len()
            });
        });
    }
    group.finish();
}

criterion_group!(benches, cards, cards_from);
criterion_main!(benches);
