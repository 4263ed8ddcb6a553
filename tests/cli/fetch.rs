//! `skillctl fetch`, against a Box whose answers each test decides.

use std::{
    fs,
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    process::{Output, Stdio},
};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tempfile::TempDir;

use crate::{
    support::{RefusingAddress, project, skillctl, skillctl_process, wait_for},
    tiny_box::{Answer, End, Request, TinyBox},
};

const READ_TOKEN: &str = "read-token-0123456789";
const WRITE_TOKEN: &str = "write-token-0123456789";
const INFO: &str = "/2.0/files/7?";
const CONTENT: &str = "/2.0/files/7/content";
const BYTES: &str = "/dl/";

fn content() -> Vec<u8> {
    (0..100_000_u32)
        .flat_map(|number| (number.wrapping_mul(2_654_435_761) >> 8).to_le_bytes())
        .collect()
}

fn sha1_of(bytes: &[u8]) -> String {
    let hex = |text: String, byte: &u8| text + &format!("{byte:02x}");
    Sha1::digest(bytes).iter().fold(String::new(), hex)
}

fn json_answer(value: &Value) -> Answer {
    Answer::new(200, value.to_string()).header("Content-Type", "application/json")
}

fn info_of(bytes: &[u8]) -> Value {
    json!({
        "type": "file", "id": "7", "etag": "3", "name": "../talk.bin", "size": bytes.len(),
        "sha1": sha1_of(bytes), "file_version": {"type": "file_version", "id": "70"}
    })
}

/// Where Box sends a download: another host of the same server.
fn redirect(request: &Request) -> Answer {
    let host = request.header("host").expect("a host");
    let host = host.replace("127.0.0.1", "localhost");
    Answer::new(302, "").header("Location", format!("http://{host}/dl/key?sig=secret"))
}

/// The bytes behind the redirection, or those from the range on.
fn bytes_of(bytes: &[u8], request: &Request) -> Answer {
    let etag = format!("\"{}\"", sha1_of(bytes));
    let heeded = request.header("if-range").is_none_or(|range| range == etag);
    match request.from().filter(|_| heeded) {
        Some(from) => {
            let range = format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
            Answer::new(206, &bytes[from..]).header("Content-Range", range)
        }
        None => Answer::new(200, bytes),
    }
    .header("ETag", etag)
}

/// A Box that holds the content as file 7, as it should be.
fn well(request: &Request) -> Answer {
    let bytes = content();
    match request.target.as_str() {
        target if target.starts_with(INFO) => json_answer(&info_of(&bytes)),
        target if target.starts_with(CONTENT) => redirect(request),
        target if target.starts_with(BYTES) => bytes_of(&bytes, request),
        _ => Answer::new(404, ""),
    }
}

/// The same, but for what `odd` answers.
fn box_with(odd: impl Fn(&Request, usize) -> Option<Answer> + Send + Sync + 'static) -> TinyBox {
    TinyBox::start(move |request, before| odd(request, before).unwrap_or_else(|| well(request)))
}

fn is_to(request: &Request, path: &str) -> bool {
    request.target.starts_with(path)
}

/// A folder with the event in it.
fn folder(expires_in: i64) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let event = json!({
        "type": "skill_invocation", "id": "a_1", "skill": {"id": "1"},
        "source": {"type": "file", "id": "7", "name": "talk.bin", "size": content().len()},
        "token": {
            "read": {"access_token": READ_TOKEN, "expires_in": expires_in},
            "write": {"access_token": WRITE_TOKEN, "expires_in": expires_in}
        }
    });
    fs::write(folder.path().join("event.json"), event.to_string()).expect("it is written");
    folder
}

const FAR: i64 = 4_000_000_000;

fn fetch(tiny: &TinyBox, folder: &TempDir) -> assert_cmd::Command {
    let mut command = skillctl();
    command
        .current_dir(folder)
        .args(["fetch", "--event", "event.json", "--box", &tiny.url()]);
    command
}

fn names(folder: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "event.json")
        .collect();
    names.sort();
    names
}

fn assert_fetched(folder: &TempDir) {
    let got = fs::read(folder.path().join("talk.bin")).expect("it is there");
    assert!(got == content(), "the bytes differ");
    assert_eq!(names(folder), ["talk.bin"], "no other file is left");
}

fn assert_no_secret(output: &Output) {
    let all = [&output.stdout[..], &output.stderr[..]].concat();
    let all = String::from_utf8_lossy(&all);
    for secret in [READ_TOKEN, WRITE_TOKEN, "sig=secret", "/dl/key"] {
        assert!(!all.contains(secret), "{secret} is shown:\n{all}");
    }
}

#[test]
fn the_file_of_an_event_is_fetched_under_its_name_and_the_token_goes_to_box_alone() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    let output = fetch(&tiny, &folder)
        .assert()
        .success()
        .stdout(contains("downloaded talk.bin: 400 kB").and(contains(sha1_of(&content()))))
        .stderr("")
        .get_output()
        .clone();
    assert_fetched(&folder);
    assert_no_secret(&output);
    let bearer = format!("Bearer {READ_TOKEN}");
    for request in tiny.requests_to("/2.0/") {
        assert_eq!(request.header("authorization"), Some(bearer.as_str()));
    }
    let downloads = tiny.requests_to(BYTES);
    assert_eq!(downloads.len(), 1);
    assert_eq!(downloads[0].header("authorization"), None);
    assert!(
        downloads[0]
            .header("host")
            .is_some_and(|host| host.starts_with("localhost"))
    );
}

#[test]
fn json_names_path_bytes_sha1_and_seconds() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    let assert = fetch(&tiny, &folder)
        .args(["--format", "json", "-o", "x"])
        .assert()
        .success();
    let line: Value = serde_json::from_slice(&assert.get_output().stdout).expect("JSON");
    assert_eq!(line["path"], "x");
    assert_eq!(line["bytes"], 400_000);
    assert_eq!(line["sha1"], json!(sha1_of(&content())));
    assert_eq!(line["verified"], true);
    assert!(line["seconds"].is_number());
}

#[test]
fn an_id_and_a_token_do_as_well_and_the_name_is_made_safe() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    fs::write(folder.path().join("token"), format!("{READ_TOKEN}\n")).expect("it is written");
    let by = |arguments: &[&str]| {
        let mut command = skillctl();
        command
            .current_dir(&folder)
            .env("MY_TOKEN", READ_TOKEN)
            .args(["fetch", "--file-id", "7", "--force", "--box", &tiny.url()])
            .args(arguments);
        command
    };
    by(&["--token-env", "MY_TOKEN"]).assert().success();
    assert_eq!(names(&folder), ["talk.bin", "token"]);
    by(&["--token-file", "token"]).assert().success().stderr("");
    by(&["--token", READ_TOKEN])
        .assert()
        .success()
        .stderr(contains("history").and(contains(READ_TOKEN).not()));
    by(&[]).assert().code(2).stderr(contains("--token-env"));
    by(&["--token-env", "NOT_SET"])
        .assert()
        .code(2)
        .stderr(contains("NOT_SET"));
}

#[test]
fn the_download_url_is_printed_and_nothing_is_sent() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .arg("--url")
        .assert()
        .success()
        .stdout(format!(
            "{}/2.0/files/7/content?access_token={READ_TOKEN}\n",
            tiny.url()
        ));
    assert!(tiny.requests().is_empty());
}

#[test]
fn a_download_that_is_reset_is_resumed_in_the_same_run() {
    let tiny = box_with(|request, before| {
        let answer = bytes_of(&content(), request).end(End::Reset(150_000));
        (is_to(request, BYTES) && before == 0).then_some(answer)
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .assert()
        .success()
        .stderr(contains("attempt 2"));
    assert_fetched(&folder);
    let downloads = tiny.requests_to(BYTES);
    let etag = format!("\"{}\"", sha1_of(&content()));
    assert!(
        downloads[1]
            .from()
            .is_some_and(|from| from > 0 && from <= 150_000)
    );
    assert_eq!(downloads[1].header("if-range"), Some(etag.as_str()));
}

#[test]
fn a_truncated_answer_is_resumed() {
    let tiny = box_with(|request, before| {
        let answer = bytes_of(&content(), request).end(End::Cut(100_000));
        (is_to(request, BYTES) && before < 2).then_some(answer)
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder).assert().success();
    assert_fetched(&folder);
    assert_eq!(tiny.requests_to(BYTES).len(), 3);
}

#[test]
fn endless_resets_end_with_the_retries_and_the_received_bytes_are_kept() {
    let tiny = box_with(|request, _| {
        let answer = bytes_of(&content(), request).end(End::Reset(1_000));
        is_to(request, BYTES).then_some(answer)
    });
    let folder = folder(FAR);
    let output = fetch(&tiny, &folder)
        .args(["--retries", "2"])
        .assert()
        .code(3)
        .stderr(contains("the connection broke").and(contains("(tried 3 times)")))
        .stderr(contains(
            "talk.bin.part; the same command resumes the download",
        ))
        .get_output()
        .clone();
    assert_no_secret(&output);
    assert_eq!(tiny.requests_to(BYTES).len(), 3);
    assert_eq!(names(&folder), ["talk.bin.part", "talk.bin.part.json"]);
}

#[test]
fn not_ready_rate_limit_and_server_error_are_waited_for() {
    let tiny = box_with(|request, before| {
        let answer = match before {
            0 => Answer::new(202, "").header("Retry-After", "0"),
            1 => Answer::new(429, "").header("Retry-After", "0"),
            2 => Answer::new(503, "<html>").header("Retry-After", "0"),
            _ => return None,
        };
        is_to(request, CONTENT).then_some(answer)
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .assert()
        .success()
        .stderr(contains("202").and(contains("429")).and(contains("503")));
    assert_fetched(&folder);
    assert_eq!(tiny.requests_to(CONTENT).len(), 4);
}

#[test]
fn not_ready_for_ever_ends_with_the_wait() {
    let tiny = box_with(|request, _| {
        let answer = Answer::new(202, "").header("Retry-After", "0");
        is_to(request, CONTENT).then_some(answer)
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .args(["--wait", "1s"])
        .assert()
        .code(3)
        .stderr(contains("still preparing").and(contains("--wait")));
    assert!(tiny.requests_to(CONTENT).len() > 1);
    assert!(names(&folder).is_empty());
}

#[test]
fn a_silent_connection_counts_as_broken() {
    let tiny = box_with(|request, before| {
        let answer = bytes_of(&content(), request).end(End::Silent(60_000));
        (is_to(request, BYTES) && before == 0).then_some(answer)
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .args(["--timeout", "300ms"])
        .assert()
        .success()
        .stderr(contains("no data arrived for too long"));
    assert_fetched(&folder);
}

fn unauthorized() -> Answer {
    Answer::new(401, "").header(
        "WWW-Authenticate",
        r#"Bearer realm="Service", error="invalid_token", error_description="The access token provided is invalid.""#,
    )
}

#[test]
fn an_expired_token_is_reported_with_its_expiry_time() {
    let tiny = TinyBox::start(|_, _| unauthorized());
    let folder = folder(1_540_924_150);
    let output = fetch(&tiny, &folder)
        .assert()
        .code(3)
        .stderr(contains("401 Unauthorized, invalid_token"))
        .stderr(contains(
            "the event's read token ([redacted …6789]) expired at 2018-10-30T18:29:10Z",
        ))
        .get_output()
        .clone();
    assert_no_secret(&output);
    assert_eq!(tiny.requests().len(), 1, "401 is final");
    assert!(names(&folder).is_empty(), "nothing is left behind");
}

#[test]
fn a_wrong_scope_names_the_token_that_was_used() {
    let tiny = TinyBox::start(|_, _| {
        Answer::new(403, "").header(
            "WWW-Authenticate",
            r#"Bearer realm="Service", error="insufficient_scope", error_description="The request requires higher privileges than provided by the access token.""#,
        )
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .assert()
        .code(3)
        .stderr(contains("insufficient_scope").and(contains("the event's read token")));
    fetch(&tiny, &folder)
        .env("WRITE", WRITE_TOKEN)
        .args(["--token-env", "WRITE"])
        .assert()
        .code(3)
        .stderr(contains("the token in $WRITE").and(contains("only `token.read` reads the file")));
}

#[test]
fn a_missing_file_is_reported_with_the_message_of_box() {
    let tiny = TinyBox::start(|_, _| {
        let body = r#"{"type":"error","status":404,"code":"not_found","message":"Not Found","request_id":"r7"}"#;
        Answer::new(404, body).header("Content-Type", "application/json")
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .assert()
        .code(3)
        .stderr(contains("404 Not Found, not_found: Not Found (request r7)"))
        .stderr(contains("cannot reach file 7"));
}

#[test]
fn without_file_information_the_download_is_not_verified_and_that_is_reported() {
    let tiny = box_with(|request, _| is_to(request, INFO).then(|| Answer::new(403, "")));
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .assert()
        .success()
        .stdout(contains("not verified: Box sent no hash"));
    assert_fetched(&folder);
}

#[test]
fn a_wrong_hash_is_reported_with_both_values_and_nothing_is_kept() {
    let tiny = box_with(|request, _| {
        let mut bytes = content();
        bytes[5] ^= 1;
        is_to(request, BYTES).then(|| bytes_of(&bytes, request))
    });
    let folder = folder(FAR);
    let mut other = content();
    other[5] ^= 1;
    fetch(&tiny, &folder)
        .assert()
        .code(3)
        .stderr(contains(sha1_of(&content())).and(contains(sha1_of(&other))));
    assert!(names(&folder).is_empty());
}

#[test]
fn a_wrong_length_is_reported_with_both_values() {
    let tiny = box_with(|request, _| {
        is_to(request, BYTES).then(|| Answer::new(200, &content()[..399_000]))
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .args(["--retries", "1"])
        .assert()
        .code(3)
        .stderr(contains("400000 bytes, but 399000 were received"));
    assert!(names(&folder).is_empty());
}

#[test]
fn the_page_of_a_captive_portal_is_not_a_file() {
    let page = || Answer::new(200, "<html>log in</html>").header("Content-Type", "text/html");
    let folder = folder(FAR);
    let everywhere = TinyBox::start(move |_, _| page());
    let in_place_of_bytes = box_with(move |request, _| is_to(request, BYTES).then(page));
    let away = TinyBox::start(|_, _| {
        Answer::new(302, "").header("Location", "http://portal.example/login?next=secret")
    });
    let blocked = TinyBox::start(move |_, _| Answer {
        status: 403,
        ..page()
    });
    let cases = [
        (&blocked, "403 Forbidden (an HTML page"),
        (&everywhere, "an HTML page"),
        (
            &in_place_of_bytes,
            "received an HTML page instead of the file",
        ),
        (&away, "redirected to http://portal.example,"),
    ];
    for (tiny, words) in cases {
        fetch(tiny, &folder)
            .assert()
            .code(3)
            .stderr(contains(words).and(contains("guest network")));
        assert!(names(&folder).is_empty());
    }
}

#[test]
fn what_exists_is_kept_and_nothing_is_sent_unless_forced() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    fs::write(folder.path().join("talk.bin"), "precious").expect("it is written");
    for arguments in [&[][..], &["-o", "talk.bin"], &["-o", "."]] {
        fetch(&tiny, &folder)
            .args(arguments)
            .assert()
            .code(2)
            .stderr(contains("talk.bin already exists").and(contains("--force")));
    }
    assert!(tiny.requests().is_empty());
    assert_eq!(
        fs::read(folder.path().join("talk.bin")).expect("it is there"),
        b"precious"
    );
    fetch(&tiny, &folder).arg("--force").assert().success();
    assert_fetched(&folder);
}

#[test]
fn a_stream_gets_every_byte_once_and_nothing_else() {
    let tiny = box_with(|request, before| {
        let answer = bytes_of(&content(), request).end(End::Reset(70_000));
        (is_to(request, BYTES) && before == 0).then_some(answer)
    });
    let folder = folder(FAR);
    let output = fetch(&tiny, &folder)
        .args(["-o", "-"])
        .output()
        .expect("it runs");
    assert!(output.status.success());
    assert!(output.stdout == content(), "the bytes differ");
    assert!(names(&folder).is_empty());
    fetch(&tiny, &folder)
        .args(["-o", "-", "--format", "json"])
        .assert()
        .code(2);
}

/// `skillctl fetch` by way of a shell, for what only a shell sets up around it.
fn shell(tiny: &TinyBox, folder: &TempDir, script: &str) -> Output {
    let mut command = std::process::Command::new("sh");
    let path = std::env::var_os("PATH").unwrap_or_default();
    command
        .env_clear()
        .env("PATH", path)
        .current_dir(folder)
        .args(["-c", script])
        .env("SKILLCTL", env!("CARGO_BIN_EXE_skillctl"))
        .env("SKILLCTL_BOX", tiny.url());
    command.output().expect("a shell")
}

#[test]
fn a_reader_that_closes_the_pipe_is_not_a_failure() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    let script =
        "{ $SKILLCTL fetch --event event.json -o -; echo $? >status; } | head -c 9 | wc -c";
    let output = shell(&tiny, &folder, script);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "9");
    let status = fs::read_to_string(folder.path().join("status")).expect("it ended");
    assert_eq!(
        status.trim(),
        "0",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn a_full_disk_is_reported_and_the_received_bytes_are_kept() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    // A limit on the size of files, with its signal ignored, fails as a full disk does: late.
    let script = "trap '' XFSZ; ulimit -f 100; exec $SKILLCTL fetch --event event.json";
    let output = shell(&tiny, &folder, script);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("cannot write talk.bin.part: "), "{stderr}");
    assert!(!names(&folder).contains(&"talk.bin".to_owned()));
    fetch(&tiny, &folder).assert().success();
    assert_fetched(&folder);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_behind_stdout_is_reported() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    let output = shell(
        &tiny,
        &folder,
        "$SKILLCTL fetch --event event.json -o - >/dev/full",
    );
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    assert!(
        stderr.contains("No space left") && stderr.contains("free some space"),
        "{stderr}"
    );
}

#[test]
fn the_umask_says_who_may_read_the_file() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    let output = shell(
        &tiny,
        &folder,
        "umask 027; $SKILLCTL fetch --event event.json",
    );
    assert!(output.status.success());
    let about = fs::metadata(folder.path().join("talk.bin")).expect("it is there");
    assert_eq!(about.permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_destination_that_cannot_be_written_is_reported_before_anything_is_sent() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    for place in ["no/such/folder/x", "event.json/x"] {
        fetch(&tiny, &folder)
            .args(["-o", place])
            .assert()
            .code(3)
            .stderr(contains(format!("cannot write {place}.part")));
    }
    fetch(&tiny, &folder)
        .args(["-o", "missing/"])
        .assert()
        .code(2)
        .stderr(contains("there is no folder missing/"));
    assert!(tiny.requests().is_empty());
}

#[test]
fn devices_and_pipes_are_written_to_and_not_replaced() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .args(["-o", "/dev/null", "--force"])
        .assert()
        .success();
    assert!(!fs::metadata("/dev/null").expect("it is there").is_file());
    assert!(!Path::new("/dev/null.part").exists());
}

/// Starts a fetch that falls silent after 90,000 bytes, and ends it by `signal` there.
fn stopped(tiny: &TinyBox, folder: &TempDir, signal: rustix::process::Signal) -> Output {
    let child = skillctl_process()
        .current_dir(folder)
        .args(["fetch", "--event", "event.json", "--box", &tiny.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    tiny.wait_for_silence();
    // The bytes before the silence are on their way to the disk.
    let part = folder.path().join("talk.bin.part");
    let id = rustix::process::Pid::from_child(&child);
    wait_for("the bytes are in the partial file", || {
        let length = fs::metadata(&part).map_or(0, |about| about.len());
        (length >= 90_000).then_some(())
    });
    rustix::process::kill_process(id, signal).expect("it is there");
    child.wait_with_output().expect("it ends")
}

fn silent_once() -> TinyBox {
    box_with(|request, before| {
        let answer = bytes_of(&content(), request).end(End::Silent(90_000));
        (is_to(request, BYTES) && before == 0).then_some(answer)
    })
}

#[test]
fn ctrl_c_keeps_the_received_bytes_and_the_next_run_resumes_there() {
    let tiny = silent_once();
    let folder = folder(FAR);
    let output = stopped(&tiny, &folder, rustix::process::Signal::INT);
    assert_eq!(output.status.code(), Some(130));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("interrupted; 90.0 kB are kept in talk.bin.part"),
        "{stderr}"
    );
    assert_eq!(names(&folder), ["talk.bin.part", "talk.bin.part.json"]);
    let note = fs::read_to_string(folder.path().join("talk.bin.part.json")).expect("a note");
    assert!(!note.contains("token") && !note.contains("http"), "{note}");

    fetch(&tiny, &folder)
        .assert()
        .success()
        .stderr(contains("resuming an earlier download after 90.0 kB"));
    assert_fetched(&folder);
    assert_eq!(tiny.requests_to(BYTES)[1].from(), Some(90_000));
}

#[test]
fn a_killed_run_is_resumed_too() {
    let tiny = silent_once();
    let folder = folder(FAR);
    let output = stopped(&tiny, &folder, rustix::process::Signal::KILL);
    assert_eq!(output.status.signal(), Some(9));
    fetch(&tiny, &folder).assert().success();
    assert_fetched(&folder);
    assert_eq!(tiny.requests_to(BYTES)[1].from(), Some(90_000));
}

#[test]
fn a_new_version_is_never_mixed_with_the_old_one() {
    let tiny = silent_once();
    let folder = folder(FAR);
    stopped(&tiny, &folder, rustix::process::Signal::INT);
    let newer = || {
        let mut bytes = content();
        bytes[3] ^= 1;
        bytes
    };
    let tiny = box_with(move |request, _| match &request.target {
        target if target.starts_with(INFO) => {
            let mut info = info_of(&newer());
            info["file_version"]["id"] = json!("71");
            Some(json_answer(&info))
        }
        target if target.starts_with(BYTES) => Some(bytes_of(&newer(), request)),
        _ => None,
    });
    fetch(&tiny, &folder).assert().success();
    assert_eq!(tiny.requests_to(BYTES)[0].from(), None);
    assert!(fs::read(folder.path().join("talk.bin")).expect("it is there") == newer());
}

#[test]
fn an_older_version_is_compared_with_its_own_hash() {
    let old = b"old bytes".to_vec();
    let tiny = box_with(move |request, _| match &request.target {
        target if target.starts_with("/2.0/files/7/versions/69?") => Some(json_answer(&json!({
            "type": "file_version", "id": "69", "size": old.len(), "sha1": sha1_of(&old)
        }))),
        target if target.starts_with(CONTENT) => {
            assert!(target.ends_with("?version=69"), "{target}");
            None
        }
        target if target.starts_with(BYTES) => Some(bytes_of(&old, request)),
        _ => None,
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .args(["--version-id", "69"])
        .assert()
        .success()
        .stdout(contains("(verified)"));
    assert_eq!(
        fs::read(folder.path().join("talk.bin")).expect("it is there"),
        b"old bytes"
    );
}

/// A Box that makes a representation in the states given, one after the other.
fn making(states: &'static [&'static str]) -> TinyBox {
    TinyBox::start(move |request, before| {
        let host = request.header("host").unwrap_or_default();
        let entry = |state: &str| {
            json!({
                "representation": "extracted_text", "properties": {},
                "info": {"url": format!("http://{host}/2.0/internal_files/7/text")},
                "status": {"state": state, "code": "error_password_protected"},
                "content": {"url_template": format!("http://{host}/2.0/text/content/{{+asset_path}}")}
            })
        };
        match &request.target {
            target if target.starts_with(INFO) => {
                assert_eq!(request.header("x-rep-hints"), Some("[extracted_text]"));
                let mut info = info_of(&content());
                let first: Vec<Value> = states
                    .first()
                    .map(|state| entry(state))
                    .into_iter()
                    .collect();
                info["representations"] = json!({ "entries": first });
                json_answer(&info)
            }
            target if target.starts_with("/2.0/internal_files/7/text") => {
                json_answer(&entry(states[(before + 1).min(states.len() - 1)]))
            }
            target if target.starts_with("/2.0/text/content/") => Answer::new(200, "the text"),
            _ => Answer::new(404, ""),
        }
    })
}

#[test]
fn a_representation_is_polled_until_it_is_made() {
    let tiny = making(&["none", "pending", "success"]);
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .args(["--as", "text"])
        .assert()
        .success();
    assert_eq!(
        fs::read(folder.path().join("talk.txt")).expect("it is there"),
        b"the text"
    );
    assert_eq!(tiny.requests_to("/2.0/internal_files/").len(), 2);
    let content = &tiny.requests_to("/2.0/text/content/")[0];
    assert!(content.header("authorization").is_some());
}

#[test]
fn a_representation_that_fails_or_is_never_ready_is_reported() {
    let folder = folder(FAR);
    let cases: [(&'static [&'static str], &str); 3] = [
        (
            &["pending", "error"],
            "could not make the extracted_text: error_password_protected",
        ),
        (&["pending"], "still preparing"),
        (&[], "Box makes no `extracted_text` of this file"),
    ];
    for (states, words) in cases {
        let tiny = making(states);
        fetch(&tiny, &folder)
            .args(["--rep", "[extracted_text]", "--wait", "500ms"])
            .assert()
            .code(3)
            .stderr(contains(words));
        assert!(names(&folder).is_empty());
    }
}

#[test]
fn the_proxy_of_the_environment_is_asked_for_other_machines_and_not_for_this_one() {
    let proxy = TinyBox::start(|request, _| {
        let path = request
            .target
            .strip_prefix("http://box.example")
            .unwrap_or("/");
        let request = Request {
            target: path.to_owned(),
            ..request.clone()
        };
        match well(&request) {
            answer if answer.status == 302 => {
                Answer::new(302, "").header("Location", "http://box.example/dl/key")
            }
            answer => answer,
        }
    });
    let folder = folder(FAR);
    skillctl()
        .current_dir(&folder)
        .env("http_proxy", proxy.url())
        .args([
            "fetch",
            "--event",
            "event.json",
            "--box",
            "http://box.example",
        ])
        .assert()
        .success();
    assert_fetched(&folder);
    assert_eq!(proxy.requests_to("http://box.example/").len(), 3);

    let tiny = box_with(|_, _| None);
    fetch(&tiny, &folder)
        .env("http_proxy", "http://127.0.0.1:1")
        .arg("--force")
        .assert()
        .success();
}

#[test]
fn a_url_where_nothing_listens_is_reported_at_once() {
    let folder = folder(FAR);
    let refusing = RefusingAddress::new();
    skillctl()
        .current_dir(&folder)
        .args(["fetch", "--event", "event.json"])
        .args(["--box", &format!("http://{}", refusing.address)])
        .assert()
        .code(3)
        .stderr(contains("no connection").and(contains("skillctl mock-box")))
        .stderr(contains("attempt 2").not());
}

#[test]
fn wrong_command_lines_exit_2() {
    let folder = folder(FAR);
    fs::write(folder.path().join("none.json"), "{\"a\": 1}").expect("it is written");
    let cases: [&[&str]; 8] = [
        &["fetch"],
        &["fetch", "--event", "missing.json"],
        &["fetch", "--event", "none.json"],
        &["fetch", "--event", "event.json", "--file-id", "7"],
        &["fetch", "--event", "event.json", "--box", "localhost:7269"],
        &["fetch", "--event", "event.json", "--box", "file:///etc"],
        &[
            "fetch",
            "--event",
            "event.json",
            "--as",
            "mp3",
            "--rep",
            "mp4",
        ],
        &["fetch", "--event", "event.json", "--ca-cert", "event.json"],
    ];
    for arguments in cases {
        skillctl()
            .current_dir(&folder)
            .args(arguments)
            .assert()
            .code(2);
    }
}

#[test]
fn quiet_says_nothing_but_errors() {
    let tiny = box_with(|request, before| {
        (is_to(request, CONTENT) && before == 0)
            .then(|| Answer::new(429, "").header("Retry-After", "0"))
    });
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .arg("-q")
        .assert()
        .success()
        .stderr("");
}

#[test]
fn an_answer_beyond_all_measure_is_not_read_to_its_end() {
    let tiny = TinyBox::start(|_, _| Answer::new(200, vec![b' '; 17 << 20]));
    let folder = folder(FAR);
    fetch(&tiny, &folder)
        .assert()
        .code(3)
        .stderr(contains("larger than 16777216 bytes"));
}

#[test]
fn every_form_of_event_is_taken() {
    let tiny = box_with(|_, _| None);
    let folder = folder(FAR);
    let event = fs::read_to_string(folder.path().join("event.json")).expect("it is there");
    let wrapped = json!({"body": event, "headers": {}, "isBase64Encoded": false});
    fs::write(folder.path().join("aws.json"), wrapped.to_string()).expect("it is written");
    fs::write(folder.path().join("one.jsonl"), format!("\n{event}\n")).expect("it is written");
    fs::write(
        folder.path().join("two.jsonl"),
        format!("{event}\n{event}\n"),
    )
    .expect("written");
    let by = |event: &str| {
        let mut command = skillctl();
        command
            .current_dir(&folder)
            .env("SKILLCTL_BOX", tiny.url())
            .args(["fetch", "--force", "-o", "x", "--event", event]);
        command
    };
    for form in ["aws.json", "one.jsonl", "."] {
        by(form).assert().success();
    }
    by("-").write_stdin(event).assert().success();
    by("two.jsonl")
        .assert()
        .code(2)
        .stderr(contains("2 events"));
}

#[test]
fn an_event_with_placeholder_tokens_is_refused_before_box_is_asked() {
    let event = project("fixtures/events/documentation-sample/event.json");
    let folder = tempfile::tempdir().expect("a folder");
    let cards = folder.path().join("cards.json");
    fs::write(&cards, "[]").expect("it is written");
    for command in [
        vec!["fetch", "-o", "-"],
        vec!["cards", "write", cards.to_str().expect("UTF-8")],
    ] {
        skillctl()
            .args(command)
            .arg("--event")
            .arg(&event)
            .assert()
            .code(2)
            .stderr(contains("token is a placeholder"))
            .stderr(contains("skillctl mock-box"));
    }
}
