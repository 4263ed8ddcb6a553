//! `skillctl env`.

use std::{
    io::{Read, Write},
    net::TcpListener,
    process::Command,
    thread,
};

use predicates::{prelude::PredicateBooleanExt, str::contains};

use crate::support::{RefusingAddress, skillctl};

/// Says `answer` to one request, as a mock does to `GET /_mock/trust`.
fn answers_once(answer: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("it has one");
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{answer}",
        answer.len()
    );
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody asks");
        let mut asked = [0; 1024];
        let read = stream.read(&mut asked).expect("a head");
        assert!(asked[..read].starts_with(b"GET /_mock/trust HTTP/1.1\r\n"));
        stream.write_all(answer.as_bytes()).expect("it is sent");
    });
    format!("http://{address}")
}

/// What a mock whose run folder lies in `folder` says.
fn trust(folder: &std::path::Path) -> String {
    let file = |name: &str| folder.join(name);
    std::fs::write(file("ca.pem"), "").expect("it is written");
    serde_json::json!({
        "ca": file("ca.pem"),
        "bundle": file("bundle.pem"),
        "preload": file("preload.cjs")
    })
    .to_string()
}

#[test]
fn the_lines_lead_a_shell_to_the_mock_and_keep_what_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let quoted = folder.path().join("it's a folder");
    std::fs::create_dir(&quoted).expect("it is made");
    let url = answers_once(&trust(&quoted));
    let output = skillctl()
        .args(["env", "--box", &format!("{url}/2.0")])
        .env("NODE_OPTIONS", "--no-warnings")
        .env("NO_PROXY", "intern.example")
        .output()
        .expect("it runs");
    assert!(output.status.success() && output.stderr.is_empty());
    let script = String::from_utf8(output.stdout).expect("text")
        + "printf '%s\\n' \"$BOX_API_BASE_URL\" \"$BOX_UPLOAD_BASE_URL\" \"$https_proxy\" \
           \"$no_proxy\" \"$NODE_EXTRA_CA_CERTS\" \"$CURL_CA_BUNDLE\" \"$NODE_OPTIONS\"";
    let shell = Command::new("sh")
        .args(["-eu", "-c", &script])
        .output()
        .expect("it runs");
    let said = String::from_utf8(shell.stdout).expect("text");
    let path = quoted.display();
    let expected = [
        url.clone(),
        format!("{url}/api"),
        url,
        "intern.example,localhost,127.0.0.1,::1".to_owned(),
        format!("{path}/ca.pem"),
        format!("{path}/bundle.pem"),
        format!("--no-warnings --require \"{path}/preload.cjs\""),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn dotenv_and_json_hold_the_same_variables() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = answers_once(&trust(folder.path()));
    skillctl()
        .args(["env", "--shell", "dotenv"])
        .env("SKILLCTL_BOX", &url)
        .assert()
        .success()
        .stdout(
            contains(format!("HTTPS_PROXY={url}\n"))
                .and(contains("\nNODE_OPTIONS=\"--require "))
                .and(contains("export").not()),
        );
    let url = answers_once(&trust(folder.path()));
    let output = skillctl()
        .args(["env", "--shell", "json", "--box", &url])
        .output()
        .expect("it runs");
    let read: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(read["BOX_API_BASE_URL"], url);
}

#[test]
fn where_no_mock_answers_the_exit_code_is_3_and_the_url_is_named() {
    let refusing = RefusingAddress::new();
    let url = format!("http://{}", refusing.address);
    skillctl()
        .args(["env", "--box", &url])
        .assert()
        .code(3)
        .stdout("")
        .stderr(contains(url.as_str()).and(contains("skillctl mock-box")));
}

#[test]
fn what_is_no_mock_gives_no_variables() {
    for answer in ["[1]", "{\"ca\":1}", "hello"] {
        let url = answers_once(answer);
        skillctl()
            .args(["env", "--box", &url])
            .assert()
            .code(3)
            .stdout("");
    }
}

#[test]
fn a_mock_whose_files_are_elsewhere_leads_only_by_its_url() {
    let elsewhere = "{\"ca\":\"/no/ca.pem\",\"bundle\":\"/no/b.pem\",\"preload\":\"/no/p.cjs\"}";
    for answer in [elsewhere, "{\"ca\":null,\"bundle\":null,\"preload\":null}"] {
        let url = answers_once(answer);
        skillctl()
            .args(["env", "--box", &url])
            .assert()
            .success()
            .stdout(format!(
                "export BOX_API_BASE_URL={url}\nexport BOX_UPLOAD_BASE_URL={url}/api\n\
                 export SKILLCTL_BOX={url}\n"
            ))
            .stderr(contains("are not on this machine"));
    }
}

#[test]
fn a_wrong_url_or_variable_is_a_usage_error() {
    skillctl()
        .args(["env", "--box", "ftp://127.0.0.1"])
        .assert()
        .code(2)
        .stderr(contains("ftp://127.0.0.1"));
    skillctl()
        .args(["env", "--admin-token-env", "NOT_SET"])
        .assert()
        .code(2)
        .stderr(contains("NOT_SET"));
}

/// The output of a shell that has the variables `own`, sets those of `env` twice, and restores them; from
/// where it prints with `script`.
fn led_and_back(own: &[(&str, &str)], script: &str) -> String {
    let folder = tempfile::tempdir().expect("a folder");
    let first = answers_once(&trust(folder.path()));
    let second = answers_once(&trust(folder.path()));
    let program = env!("CARGO_BIN_EXE_skillctl");
    let script = format!(
        "eval \"$('{program}' env --box {first})\"\n\
         eval \"$('{program}' env --box {second})\"\n\
         [ \"$https_proxy\" = {second} ] || exit 1\n\
         eval \"$('{program}' env --unset)\"\n{script}"
    );
    let shell = Command::new("sh")
        .args(["-eu", "-c", &script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(own.iter().copied())
        .output()
        .expect("it runs");
    let errors = String::from_utf8_lossy(&shell.stderr);
    assert!(shell.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(shell.stdout).expect("text")
}

#[test]
fn unset_leads_a_shell_back_to_its_own_values() {
    let proxy = "http://me:it's \"$HOME\"@proxy.corp:3128";
    let own = [
        ("https_proxy", proxy),
        ("NODE_OPTIONS", "--no-warnings"),
        ("NO_PROXY", "intern.example"),
    ];
    let said = led_and_back(
        &own,
        "printf '%s\\n' \"$https_proxy\" \"$NODE_OPTIONS\" \"$NO_PROXY\"\n\
         env | grep -c -E 'BOX|HTTPS_PROXY|no_proxy|_CERT|_BUNDLE|SKILLCTL' || :",
    );
    assert_eq!(said, format!("{proxy}\n--no-warnings\nintern.example\n0\n"));
}

#[test]
fn what_env_keeps_of_a_shell_shows_no_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = answers_once(&trust(folder.path()));
    skillctl()
        .args(["env", "--box", &url])
        .env("HTTPS_PROXY", "http://me:a-password@proxy.corp:3128")
        .assert()
        .success()
        .stdout(
            contains("export SKILLCTL_BEFORE_HTTPS_PROXY=\"${HTTPS_PROXY-}\"\n")
                .and(contains("a-password").not()),
        );
}

#[test]
fn unset_says_what_it_cannot_undo() {
    skillctl()
        .args(["env", "--unset"])
        .assert()
        .success()
        .stdout("")
        .stderr(contains("not pointed at a mock"));
    skillctl()
        .args(["env", "--unset", "--shell", "dotenv"])
        .assert()
        .code(2)
        .stdout("")
        .stderr(contains("a .env file cannot unset a variable"));
    let output = skillctl()
        .args(["env", "--unset", "--shell", "json"])
        .env("SKILLCTL_BOX", "http://127.0.0.1:1")
        .output()
        .expect("it runs");
    let names: Vec<String> = serde_json::from_slice(&output.stdout).expect("a list of names");
    assert!(names.contains(&"NODE_OPTIONS".to_owned()));
}
