//! `skillctl cards`: output, streams and exit codes.

use std::{fs, path::PathBuf};

use assert_cmd::{Command, assert::Assert};
use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    support::{project, skillctl},
    world::{MockBox, http},
};

fn cards(arguments: &[&str]) -> Command {
    let mut command = skillctl();
    command
        .current_dir(project(""))
        .arg("cards")
        .args(arguments);
    command
}

fn validate(file: &str, more: &[&str]) -> Assert {
    cards(&["validate", &format!("fixtures/cards/{file}")])
        .args(more)
        .assert()
}

fn lines(assert: &Assert) -> Vec<Value> {
    String::from_utf8_lossy(&assert.get_output().stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("a JSON line"))
        .collect()
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stdout).into_owned()
}

#[test]
fn good_cards_of_every_shape_have_no_findings() {
    for file in [
        "instance.json",
        "keyword.json",
        "timeline.json",
        "transcript.json",
        "status.json",
        "invocation.json",
    ] {
        validate(file, &["--strict"])
            .success()
            .stdout(contains("no findings"));
    }
}

#[test]
fn what_the_official_kit_writes_has_no_error() {
    for file in ["kit-data.json", "kit-processing.json", "kit-error.json"] {
        validate(file, &[]).success();
    }
    validate("kit-processing.json", &["--strict"])
        .code(1)
        .stdout(contains("warning[message-never-shows]"));
}

#[test]
fn an_integer_id_is_shown_under_a_caret_and_fails() {
    validate("bad/integer-id.json", &[])
        .code(1)
        .stdout(contains("error[id-not-a-string]"))
        .stdout(contains("--> fixtures/cards/bad/integer-id.json:12:15"))
        .stdout(contains(
            "12 |         \"id\": 137\n   |               ^^^ an integer\n",
        ))
        .stdout(contains("= at: /cards/0/skill/id"))
        .stdout(contains("= help: write it in quotes: \"137\""));
}

#[test]
fn findings_come_as_json_lines_with_their_places() {
    let assert = validate("bad/wrong-shapes.json", &["--format", "json"]).code(1);
    let lines = lines(&assert);
    let (summary, findings) = lines.split_last().expect("a summary");
    assert_eq!(
        summary,
        &json!({"summary": {"files": 1, "cards": 3, "errors": 6, "warnings": 1, "ok": false}})
    );
    let first = &findings[0];
    assert_eq!(
        (
            &first["line"],
            &first["column"],
            &first["code"],
            &first["pointer"]
        ),
        (
            &json!(5),
            &json!(26),
            &json!("unknown-card-type"),
            &json!("/cards/0/skill_card_type")
        )
    );
    assert_eq!(findings.len(), 7, "one finding per mistake: {findings:#?}");
}

#[test]
fn the_published_description_can_be_enforced() {
    validate("kit-data.json", &["--schema", "documented"])
        .code(1)
        .stdout(contains("error[fractions]"));
}

#[test]
fn invalid_json_exits_with_2_and_its_position() {
    for (file, place, message) in [
        ("empty.json", "empty.json:1:1", "the file is empty"),
        ("truncated.json", "truncated.json:3:", "ends too early"),
        (
            "duplicate-key.json",
            "duplicate-key.json:6:7",
            "the key \"entries\" appears twice",
        ),
        (
            "not-utf8.json",
            "not-utf8.json:1:68",
            "the byte 0xe9 at offset 67 is not UTF-8",
        ),
        ("lone-surrogate.json", "lone-surrogate.json:1:", "surrogate"),
    ] {
        for command in ["validate", "render"] {
            cards(&[command, &format!("fixtures/cards/bad/{file}")])
                .assert()
                .code(2)
                .stdout("")
                .stderr(contains(place).and(contains(message)));
        }
    }
    validate("bad/no-cards.json", &[])
        .code(2)
        .stderr(contains("there are no cards"));
    cards(&["validate", "no/such/file.json"])
        .assert()
        .code(2)
        .stderr(contains("no/such/file.json"));
}

#[test]
fn one_invalid_file_among_several_is_the_only_output() {
    cards(&[
        "validate",
        "fixtures/cards/keyword.json",
        "fixtures/cards/bad/truncated.json",
    ])
    .assert()
    .code(2)
    .stdout("");
}

#[test]
fn an_input_over_the_limit_is_refused_also_on_stdin() {
    validate("instance.json", &["--max-input", "1k"])
        .code(2)
        .stderr(contains("limit of 1024 bytes").and(contains("--max-input")));
    cards(&["validate", "-", "--max-input", "10"])
        .write_stdin("[] ".repeat(100))
        .assert()
        .code(2)
        .stderr(contains("<stdin> is larger"));
}

#[test]
fn hostile_nesting_and_long_lines_neither_hang_nor_flood() {
    cards(&["validate", "-"])
        .write_stdin("[".repeat(1_000_000))
        .assert()
        .code(2)
        .stderr(contains("127 levels"));
    let filler = "\"x\",".repeat(500_000);
    let assert = cards(&["validate", "-"])
        .write_stdin(format!("[{filler}{{\"skill_card_type\": 5}}]"))
        .assert()
        .code(1)
        .stdout(contains("… and 499996 more"));
    assert!(
        stdout(&assert).len() < 20_000,
        "{} bytes",
        stdout(&assert).len()
    );
}

#[test]
fn text_is_laid_out_for_the_width_and_has_no_control_characters() {
    let assert = cards(&["render", "fixtures/cards/hostile.json", "--full"])
        .env("COLUMNS", "40")
        .assert()
        .success();
    let text = stdout(&assert);
    assert!(
        !text.contains(|it: char| it.is_control() && it != '\n'),
        "{text}"
    );
    let wide = cards(&["render", "fixtures/cards/instance.json", "--width", "120"]).assert();
    assert!(stdout(&wide).lines().any(|line| line.chars().count() > 80));
}

#[test]
fn long_cards_fold_and_unfold() {
    let entries: Vec<Value> = (0..13)
        .map(|nth| json!({"text": format!("Line {nth}")}))
        .collect();
    let card = json!({"skill_card_type": "transcript", "entries": entries}).to_string();
    let render = |more: &[&str]| {
        let mut command = cards(&["render", "-"]);
        let assert = command.args(more).write_stdin(card.clone()).assert();
        stdout(&assert.success())
    };
    assert!(render(&[]).contains("Line 9\n  … 3 more lines; --full shows all"));
    assert!(render(&["--full"]).contains("Line 12\n"));
}

#[test]
fn what_the_preview_shows_of_undocumented_cards_is_shown() {
    let assert = validate("preview.json", &["--format", "json"]).success();
    let lines = lines(&assert);
    let codes: Vec<_> = lines.iter().filter_map(|it| it["code"].as_str()).collect();
    assert_eq!(
        codes,
        [
            "undocumented-card-type",
            "no-duration",
            "several-times",
            "error-member"
        ]
    );
    let text = stdout(&cards(&["render", "fixtures/cards/preview.json"]).assert());
    for shown in ["▾ People", "0:01–0:05", "        seven\n", "▾ Status"] {
        assert!(text.contains(shown), "{shown} in {text}");
    }
    assert!(!text.contains("beta"), "{text}");
}

#[test]
fn one_card_that_breaks_the_sidebar_is_an_error_and_hides_all() {
    let assert = validate("bad/breaks-the-sidebar.json", &["--format", "json"]).code(1);
    let lines = lines(&assert);
    let found: Vec<_> = lines
        .iter()
        .filter(|it| it["code"] == "breaks-sidebar" && it["severity"] == "error")
        .filter_map(|it| it["pointer"].as_str())
        .collect();
    assert_eq!(
        found,
        [
            "/cards/0/skill_card_title",
            "/cards/1/entries",
            "/cards/2/entries/0"
        ]
    );
    let broken = "fixtures/cards/bad/breaks-the-sidebar.json";
    for format in ["text", "markdown", "html"] {
        let assert = cards(&["render", broken, "--format", format]).assert();
        let shown = stdout(&assert.success());
        assert!(
            shown.contains("We’re sorry, something went wrong."),
            "{shown}"
        );
        assert!(shown.contains("card 1 breaks the sidebar"), "{shown}");
        assert!(!shown.contains("alpha"), "{shown}");
    }
}

#[test]
fn cards_render_as_a_page_as_markdown_and_as_json() {
    let render = |format: &str| {
        let assert = cards(&["render", "fixtures/cards/instance.json", "--format", format])
            .assert()
            .success();
        stdout(&assert)
    };
    let page = render("html");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("Content-Security-Policy"));
    assert!(render("markdown").contains("### Topics"));
    let json: Value = serde_json::from_str(&render("json")).expect("JSON");
    assert_eq!(json["cards"][0]["skill"]["id"], "<id>");
}

#[test]
fn cards_of_another_file_version_are_hidden() {
    cards(&[
        "render",
        "fixtures/cards/edge-cases.json",
        "--file-version",
        "2",
    ])
    .assert()
    .success()
    .stdout(contains(
        "skillctl: not shown: it belongs to another version of the file",
    ));
}

fn made(arguments: &[&str]) -> Value {
    let assert = cards(&["new"]).args(arguments).assert().success();
    serde_json::from_slice(&assert.get_output().stdout).expect("a card")
}

#[test]
fn new_makes_each_type_of_card() {
    let ids = ["--skill-id", "137", "--invocation-id", "7"];
    let keyword = made(&[&["keyword", "--text", "a", "--text", "b"], &ids[..]].concat());
    assert_eq!(keyword["entries"][1]["text"], "b");
    let face = "Anna=fixtures/cards/anna.png@1-5,9-12";
    let timeline = made(
        &[
            &["timeline", "--face", face, "--duration", "1:00"],
            &ids[..],
        ]
        .concat(),
    );
    assert_eq!(timeline["duration"], 60);
    let image = timeline["entries"][0]["image_url"]
        .as_str()
        .expect("an image");
    assert!(image.starts_with("data:image/png;base64,"), "{image}");
    let talk = "fixtures/cards/subtitles/talk.vtt";
    let transcript = made(&[&["transcript", "--from", talk], &ids[..]].concat());
    assert_eq!(
        transcript["entries"][0]["text"],
        "Anna: Good morning & welcome."
    );
    assert_eq!(transcript["duration"], 18.25);
    let status = made(
        &[
            &["status", "--code", "processing", "--message", "Listening"],
            &ids[..],
        ]
        .concat(),
    );
    assert_eq!(status["status"]["message"], "Listening");
    for card in [keyword, timeline, transcript, status] {
        cards(&["validate", "-"])
            .write_stdin(card.to_string())
            .assert()
            .success();
    }
}

#[test]
fn malformed_subtitles_are_skipped_by_their_line() {
    cards(&[
        "new",
        "transcript",
        "--from",
        "fixtures/cards/subtitles/talk.srt",
    ])
    .assert()
    .success()
    .stderr(contains("talk.srt:7: skipped: the timing cannot be read"))
    .stdout(contains(
        "Good morning, and welcome to the quarterly review.",
    ));
    cards(&["new", "transcript", "--from", "-", "--as", "srt"])
        .write_stdin("nothing here")
        .assert()
        .code(2)
        .stderr(contains("nothing to make a card of"));
    cards(&["new", "transcript", "--from", "-"])
        .write_stdin(&b"caf\xe9"[..])
        .assert()
        .code(2)
        .stderr(contains("iconv"));
}

/// Starts and texts of a transcript that is made from a fixture.
fn spoken(file: &str) -> Vec<(Value, Value)> {
    let card = made(&[
        "transcript",
        "--from",
        &format!("fixtures/cards/subtitles/{file}"),
    ]);
    let entries = card["entries"].as_array().expect("entries");
    let start = |entry: &Value| entry.pointer("/appears/0/start").cloned();
    entries
        .iter()
        .map(|entry| (start(entry).unwrap_or_default(), entry["text"].clone()))
        .collect()
}

#[test]
fn subtitles_of_each_format_and_encoding_are_read() {
    let timed = |start: f64, text: &str| (json!(start), json!(text));
    assert_eq!(
        spoken("a.sbv"),
        [timed(0.599, "Alpha"), timed(4.16, "Bravo")]
    );
    assert_eq!(spoken("utf16le.srt"), [(json!(1), json!("Alpha é"))]);
    assert_eq!(
        spoken("entities.vtt"),
        [(json!(1), json!("It's \"fine\" 'x' ' … é &amp;"))]
    );
    let plain = spoken("plain.txt");
    assert_eq!(plain.len(), 8);
    assert!(plain.iter().all(|(start, _)| start.is_null()), "{plain:?}");
}

#[test]
fn subtitles_of_other_formats_are_refused_by_name() {
    for (file, name) in [("a.ass", "Advanced SubStation Alpha"), ("a.ttml", "TTML")] {
        cards(&[
            "new",
            "transcript",
            "--from",
            &format!("fixtures/cards/subtitles/{file}"),
        ])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains(name).and(contains("ffmpeg")));
    }
}

#[test]
fn cards_of_a_result_are_written_onto_a_file_as_they_come() {
    let from = "fixtures/cards/from/video-indexer.json";
    let images = tempfile::tempdir().expect("a folder");
    fs::copy(
        project("fixtures/cards/anna.png"),
        images.path().join("Anna.png"),
    )
    .expect("a copy");
    let assert = cards(&["from", from, "--speakers", "--images"])
        .arg(images.path())
        .assert()
        .success()
        .stderr(contains("1 face without a picture: added to the topics"));
    let made: Value = serde_json::from_str(&stdout(&assert)).expect("JSON");
    let types: Vec<_> = made["cards"]
        .as_array()
        .expect("cards")
        .iter()
        .filter_map(|card| card["skill_card_title"]["message"].as_str())
        .collect();
    assert_eq!(types, ["Faces", "Text", "Topics", "Transcript"]);
    let at = Registered::new();
    at.cards(&["write", "-"])
        .write_stdin(made.to_string())
        .assert()
        .success()
        .stdout(contains("created: 4 cards"));
}

#[test]
fn a_result_that_is_not_read_is_refused_by_name() {
    let from = |input: &str, more: &[&str]| {
        let mut command = cards(&["from", "-"]);
        command
            .args(more)
            .write_stdin(input.to_owned())
            .assert()
            .code(2)
            .stdout("")
    };
    from("{\"a\": 1}", &[]).stderr(contains("--list-formats"));
    let two = r#"{"results": [{"alternatives": [{"transcript": "hi"}]}]}"#;
    from(two, &[]).stderr(contains("google-speech and watson-speech").and(contains("--as")));
    from(two, &["--as", "whisper"]).stderr(contains("does not have the shape of OpenAI"));
    from(r#"{"error": {"message": "quota exceeded"}}"#, &[]).stderr(contains("quota exceeded"));
    from(r#"{"text": "", "segments": []}"#, &[]).stderr(contains("--list-formats"));
    from("[Script Info]", &[]).stderr(contains("Advanced SubStation Alpha"));
    from("{\"a\": NaN}", &[]).stderr(contains("<stdin>:1:7"));
    from("x", &["--max-input", "0"]).stderr(contains("--max-input"));
    from("x", &["--as", "nosuch"]).stderr(contains("watson-speech"));
    from("x", &["--min-confidence", "60"]).stderr(contains("from 0 to 1"));
    cards(&["from", "Cargo.toml"])
        .assert()
        .code(2)
        .stderr(contains(
            "Cargo.toml is a .toml file, which is not supported",
        ));
    cards(&[
        "from",
        "fixtures/cards/from/clarifai.json",
        "--min-confidence",
        "1",
    ])
    .assert()
    .code(2)
    .stderr(contains("lower --min-confidence"));
}

#[test]
fn every_format_is_listed_with_its_cards() {
    let assert = cards(&["from", "--list-formats"]).assert().success();
    let list = stdout(&assert);
    for line in ["srt ", "aws-transcribe ", "video-indexer ", "whisper "] {
        assert!(
            list.lines().any(|it| it.starts_with(line)),
            "{line} in {list}"
        );
    }
    assert!(list.contains("Faces, Text, Topics (labels)"), "{list}");
}

#[test]
fn a_transcript_is_made_of_any_result_with_speech() {
    let card = made(&["transcript", "--from", "fixtures/cards/from/deepgram.json"]);
    assert_eq!(
        card["entries"][1]["appears"],
        json!([{"start": 5.12, "end": 5.92}])
    );
    assert_eq!(card["duration"], 14.04);
    cards(&[
        "new",
        "transcript",
        "--from",
        "fixtures/cards/from/clarifai.json",
    ])
    .assert()
    .code(2)
    .stderr(contains("no line of speech"));
}

#[test]
fn new_refuses_what_box_would_not_show() {
    cards(&["new", "timeline", "--face", "Anna@1-5"])
        .assert()
        .code(2)
        .stderr(contains("--duration"));
    cards(&["new", "timeline", "--face", "Anna@70", "--duration", "60"])
        .assert()
        .code(2);
    cards(&["new", "timeline", "--face", "Anna=Cargo.toml"])
        .assert()
        .code(2)
        .stderr(contains("cannot be read as an image"));
}

/// A mock with one event registered, and the file of that event.
struct Registered {
    mock: MockBox,
    _folder: TempDir,
    event: PathBuf,
}

impl Registered {
    fn new() -> Self {
        let mock = MockBox::start();
        let folder = tempfile::tempdir().expect("a folder");
        let text = fs::read(project("fixtures/events/upload-text/event.json")).expect("an event");
        let answer = http()
            .post(format!("{}/_mock/events", mock.url))
            .header("content-type", "application/json")
            .body(text)
            .send()
            .expect("an answer")
            .bytes()
            .expect("a body");
        let event = folder.path().join("event.json");
        fs::write(&event, answer).expect("it can be written");
        Self {
            mock,
            _folder: folder,
            event,
        }
    }

    fn cards(&self, arguments: &[&str]) -> Command {
        let mut command = cards(arguments);
        command
            .arg("--event")
            .arg(&self.event)
            .args(["--box", &self.mock.url]);
        command
    }

    fn write(&self, file: &str, more: &[&str]) -> Assert {
        let file = format!("fixtures/cards/{file}");
        self.cards(&["write", &file]).args(more).assert()
    }

    fn instance(&self) -> Value {
        let assert = self.cards(&["get"]).assert().success();
        serde_json::from_slice(&assert.get_output().stdout).expect("an instance")
    }
}

#[test]
fn writing_twice_replaces_as_the_sdks_do() {
    let at = Registered::new();
    at.write("keyword.json", &[])
        .success()
        .stdout(contains("created: 1 card").and(contains("version 0")));
    at.write("instance.json", &[])
        .success()
        .stdout(contains("replaced: 4 cards").and(contains("version 1")));
    assert_eq!(at.instance()["cards"].as_array().map(Vec::len), Some(4));
}

#[test]
fn each_mode_of_write_is_applied() {
    let at = Registered::new();
    at.write("keyword.json", &["--mode", "replace"])
        .code(3)
        .stderr(contains("--mode upsert"));
    at.write("keyword.json", &["--mode", "append"])
        .code(3)
        .stderr(contains("the file has no cards"));
    at.write("keyword.json", &["--mode", "create"]).success();
    at.write("keyword.json", &["--mode", "create"])
        .code(3)
        .stderr(contains("409").and(contains("--mode upsert")));
    at.write("timeline.json", &["--mode", "append"])
        .success()
        .stdout(contains("appended"));
    assert_eq!(at.instance()["cards"].as_array().map(Vec::len), Some(2));
    at.write("status.json", &["--mode", "replace"]).success();
    assert_eq!(at.instance()["cards"][0]["skill_card_type"], "status");
    at.cards(&["delete"])
        .assert()
        .success()
        .stdout(contains("deleted"));
    at.cards(&["delete", "--format", "json"])
        .assert()
        .code(3)
        .stdout("");
    at.cards(&["get"])
        .assert()
        .code(3)
        .stderr(contains("the file has no cards"));
}

#[test]
fn an_invocation_replaces_all_cards_and_reports_its_status() {
    let at = Registered::new();
    let assert = at.write(
        "keyword.json",
        &[
            "--via",
            "invocation",
            "--status",
            "processing",
            "--format",
            "json",
        ],
    );
    let written = &lines(&assert.success())[0];
    assert_eq!(
        (&written["via"], &written["version"]),
        (&json!("invocation"), &json!(0))
    );
    let writes: Value = serde_json::from_slice(
        &http()
            .get(format!("{}/_mock/writes", at.mock.url))
            .send()
            .expect("an answer")
            .bytes()
            .expect("a body"),
    )
    .expect("JSON");
    let write = &writes["writes"][0];
    assert_eq!(
        (&write["op"], &write["status"]),
        (&json!("invocation"), &json!("processing"))
    );
    at.write("keyword.json", &["--via", "invocation", "--mode", "append"])
        .code(2);
    at.write("keyword.json", &["--status", "success"]).code(2);
}

#[test]
fn missing_members_are_filled_in_from_the_event() {
    let at = Registered::new();
    let event: Value =
        serde_json::from_slice(&fs::read(&at.event).expect("an event")).expect("JSON");
    at.cards(&["write", "-"])
        .write_stdin(r#"{"skill_card_type": "keyword", "entries": [{"text": "a"}]}"#)
        .assert()
        .success();
    let card = &at.instance()["cards"][0];
    assert_eq!(
        card["skill"],
        json!({"type": "service", "id": event["skill"]["id"]})
    );
    assert_eq!(card["invocation"]["id"], event["id"]);
    assert_eq!(card["type"], "skill_card");
    assert!(card["created_at"].is_string());
}

#[test]
fn cards_with_an_error_are_not_sent_unless_asked_for() {
    let at = Registered::new();
    at.write("bad/integer-id.json", &["-q"])
        .code(1)
        .stderr(contains("integer-id.json:12:15").and(contains("nothing was sent")));
    at.cards(&["get"]).assert().code(3);
    at.write("bad/integer-id.json", &["--no-validate"])
        .code(3)
        .stderr(contains("schema_validation_failed").and(contains("(pointer: /cards/0/skill/id)")));
}

#[test]
fn a_dry_run_prints_the_request_without_the_token() {
    let at = Registered::new();
    let event: Value =
        serde_json::from_slice(&fs::read(&at.event).expect("an event")).expect("JSON");
    let token = event["token"]["write"]["access_token"]
        .as_str()
        .expect("a token");
    let assert = at.write("keyword.json", &["--dry-run"]).success();
    let shown = stdout(&assert);
    assert!(
        shown.starts_with("POST http://") && shown.contains("Bearer [redacted …"),
        "{shown}"
    );
    assert!(!shown.contains(token), "{shown}");
    let assert = at
        .write(
            "keyword.json",
            &["--dry-run", "--format", "json", "--mode", "append"],
        )
        .success();
    let request = &lines(&assert)[0];
    assert_eq!(request["method"], "PUT");
    assert_eq!(
        request["headers"]["content-type"],
        "application/json-patch+json"
    );
    assert_eq!(request["body"][0]["path"], "/cards/-");
    at.cards(&["get"]).assert().code(3);
}

#[test]
fn only_one_input_comes_from_stdin() {
    cards(&["write", "-", "--event", "-"])
        .assert()
        .code(2)
        .stderr(contains("standard input"));
}

#[test]
fn help_shows_examples() {
    for command in [
        "validate", "render", "write", "get", "delete", "new", "from",
    ] {
        cards(&[command, "--help"])
            .assert()
            .success()
            .stdout(contains("Examples:"));
    }
}

#[test]
fn a_misspelt_status_code_gets_a_suggestion() {
    cards(&["new", "status", "--code", "proccessing", "--message", "x"])
        .assert()
        .success()
        .stdout(contains("\"code\": \"proccessing\""))
        .stderr(contains("did you mean `processing`?"));
    for code in [
        "processing",
        "skills_pending_status",
        "custom_error",
        "my-own-code",
    ] {
        cards(&["new", "status", "--code", code])
            .assert()
            .success()
            .stderr("");
    }
}

#[test]
fn several_files_render_under_their_names() {
    let files = ["fixtures/cards/keyword.json", "fixtures/cards/status.json"];
    let render = |more: &[&str]| {
        let assert = cards(&["render"]).args(files).args(more).assert().success();
        stdout(&assert)
    };
    let text = render(&[]);
    assert!(
        text.starts_with("fixtures/cards/keyword.json\n  ▾ "),
        "{text}"
    );
    assert!(
        text.contains("\n\nfixtures/cards/status.json\n  "),
        "{text}"
    );
    let page = render(&["--format", "html"]);
    assert!(page.contains("<title>2 files – Box Skills</title>"));
    for id in ["title-0", "title-1", "title-2"] {
        let times = page.matches(&format!("id=\"{id}\"")).count();
        assert!(times <= 1, "{id} occurs {times} times");
    }
    assert!(page.contains("id=\"title-1\""));
    assert!(render(&["--format", "markdown"]).contains("\n## fixtures/cards/status.json\n"));
    let lines = render(&["--format", "json"]);
    let named: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect();
    assert_eq!(named.len(), 2);
    assert_eq!(named[1]["name"], files[1]);
    cards(&["render", files[0], "no/such.json"])
        .assert()
        .code(2)
        .stdout("");
}

#[test]
fn the_extension_of_the_output_sets_the_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = |name: &str, more: &[&str]| {
        let path = folder.path().join(name);
        cards(&["render", "fixtures/cards/instance.json", "-o"])
            .arg(&path)
            .args(more)
            .assert()
            .success()
            .stdout("");
        fs::read_to_string(path).expect("it is written")
    };
    let text = written("cards.txt", &["--color", "always"]);
    assert!(
        text.contains("Topics") && !text.contains('\u{1b}'),
        "{text}"
    );
    assert!(written("cards.html", &[]).starts_with("<!DOCTYPE html>"));
    assert!(written("cards.html", &["--format", "markdown"]).starts_with("### "));
    assert!(written("cards.md", &[]).contains("### Topics"));
    assert!(written("cards.json", &[]).starts_with("{\n"));
}

#[test]
fn render_never_replaces_its_input() {
    let folder = tempfile::tempdir().expect("a folder");
    let input = folder.path().join("cards.json");
    fs::write(&input, "[]").expect("it is written");
    let around = folder.path().join(".").join("cards.json");
    cards(&["render"])
        .arg(&input)
        .arg("-o")
        .arg(&around)
        .assert()
        .code(2)
        .stderr(contains("would replace an input file"));
    assert_eq!(fs::read_to_string(&input).expect("it is there"), "[]");
    cards(&["render"])
        .arg(&input)
        .args(["-o", "/no/such/folder/x"])
        .assert()
        .code(3)
        .stderr(contains("cannot write /no/such/folder/x"));
}

/// A record of a mock: the cards of two files, of a third whose cards were deleted, and an instance of
/// another template.
fn records() -> String {
    let record = |seq: u32, file: &str, template: &str, instance: Value| {
        json!({"seq": seq, "op": "update", "file_id": file, "template": template,
            "instance": instance})
    };
    let keywords = |text: &str, id: Value| {
        json!({"cards": [{"type": "skill_card", "skill_card_type": "keyword",
            "skill_card_title": {"message": "Topics"}, "skill": {"type": "service", "id": id},
            "invocation": {"type": "skill_invocation", "id": "1"},
            "created_at": "2026-03-02T09:15:01-08:00",
            "entries": [{"type": "text", "text": text}]}]})
    };
    let cards = "boxSkillsCards";
    [
        record(1, "700101", cards, keywords("early", json!("1"))),
        record(2, "700102", cards, keywords("gone", json!("1"))),
        record(3, "700103", cards, keywords("other", json!(7))),
        record(4, "700102", cards, Value::Null),
        record(5, "700101", cards, keywords("late", json!("1"))),
        record(6, "700101", "mine", json!({"a": "b"})),
    ]
    .map(|record| record.to_string() + "\n")
    .concat()
}

#[test]
fn the_last_state_of_each_file_in_a_record_is_rendered_and_validated() {
    let assert = cards(&["render", "-"])
        .write_stdin(records())
        .assert()
        .success();
    let text = stdout(&assert);
    assert!(
        text.contains("file 700101 (<stdin>:5)") && text.contains("file 700103 (<stdin>:3)"),
        "{text}"
    );
    assert!(text.contains("late") && !text.contains("early") && !text.contains("gone"));
    let assert = cards(&["validate", "-"])
        .write_stdin(records())
        .assert()
        .code(1);
    let text = stdout(&assert);
    assert!(
        text.contains("file 700101 (<stdin>:5): 1 card, no findings"),
        "{text}"
    );
    assert!(
        text.contains("--> <stdin>:3:") && text.contains("id-not-a-string"),
        "{text}"
    );
    let assert = cards(&["validate", "-", "--format", "json"])
        .write_stdin(records())
        .assert()
        .code(1);
    let found = &lines(&assert)[0];
    assert_eq!(
        (&found["file"], &found["line"]),
        (&json!("<stdin>"), &json!(3))
    );
}

#[test]
fn a_record_without_cards_at_the_end_is_a_wrong_input() {
    let record = records();
    let gone = [1, 3].map(|nth| record.lines().nth(nth).expect("a record"));
    for command in ["render", "validate"] {
        cards(&[command, "-"])
            .write_stdin(gone.join("\n"))
            .assert()
            .code(2)
            .stderr(contains("no file has cards"));
    }
}
