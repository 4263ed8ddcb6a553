//! `skillctl env`.

use std::{
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::Command,
    thread,
};

use predicates::{prelude::PredicateBooleanExt, str::contains};

use crate::support::{RefusingAddress, skillctl};

/// Answers one request with `answer`, as a mock answers `GET /_mock/trust`.
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

/// The answer of a mock whose run folder is in `folder`.
fn trust(folder: &Path) -> String {
    let file = |name: &str| folder.join(name);
    std::fs::create_dir_all(file("python")).expect("it is made");
    std::fs::create_dir_all(file("ruby")).expect("it is made");
    for name in [
        "ca.pem",
        "interception.conf",
        "trust-store.p12",
        "preload.cjs",
        "python/sitecustomize.py",
        "ruby/skillctl_interception.rb",
    ] {
        std::fs::write(file(name), "").expect("it is written");
    }
    serde_json::json!({ "ca": file("ca.pem"), "bundle": file("bundle.pem") }).to_string()
}

/// `skillctl env` for a user whose home folder is `home`.
fn env_command(home: &Path) -> assert_cmd::Command {
    let mut command = skillctl();
    command.arg("env").env("HOME", home);
    command
}

#[test]
fn the_lines_point_a_shell_at_the_mock_and_extend_what_it_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("it's a home");
    let run = folder.path().join("it's a folder");
    std::fs::create_dir(&run).expect("it is made");
    let url = answers_once(&trust(&run));
    let output = env_command(&home)
        .args(["--box", &format!("{url}/2.0")])
        .env("NODE_OPTIONS", "--no-warnings")
        .env("PYTHONPATH", "/src")
        .env("RUBYOPT", "-W0")
        .env("JAVA_TOOL_OPTIONS", "-Xmx64m")
        .env("NO_PROXY", "intern.example")
        .output()
        .expect("it runs");
    assert!(output.status.success() && output.stderr.is_empty());
    let script = String::from_utf8(output.stdout).expect("text")
        + "printf '%s\\n' \"$BOX_API_BASE_URL\" \"$BOX_UPLOAD_BASE_URL\" \"$https_proxy\" \
           \"$HTTP_PROXY\" \"$no_proxy\" \"$NODE_EXTRA_CA_CERTS\" \"$CURL_CA_BUNDLE\" \"$RUBYOPT\"";
    let said = sh(&script, &[]);
    let path = run.display();
    let expected = [
        url.clone(),
        format!("{url}/api"),
        url.clone(),
        url,
        "intern.example,localhost,127.0.0.1,::1".to_owned(),
        format!("{path}/ca.pem"),
        format!("{path}/bundle.pem"),
        "-W0 -rskillctl_interception".to_owned(),
    ];
    assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    // The files that a runtime needs to start are in the user's cache, and stay when the mock ends.
    let kept = std::fs::read_dir(home.join(".cache/skillctl")).expect("a folder");
    let scripts = kept
        .map(|entry| entry.expect("an entry").path())
        .find(|path| path.is_dir())
        .expect("the folder of the scripts");
    let scripts = scripts.display();
    let printed = sh(&(script + "; env"), &[]);
    for expected in [
        format!("NODE_OPTIONS=--no-warnings --require=\"{scripts}/preload.cjs\"\n"),
        format!("PYTHONPATH={scripts}/python:/src\n"),
        format!("RUBYLIB={scripts}/ruby\n"),
        format!("SKILLCTL_RUN_FOLDER={path}\n"),
    ] {
        assert!(printed.contains(&expected), "{expected} in {printed}");
    }
    let java = printed
        .lines()
        .find(|line| line.starts_with("JAVA_TOOL_OPTIONS="));
    let java = java.expect("options for the JVM");
    assert!(
        java.contains("=-Xmx64m -Dskillctl.run=") && java.contains(".cache"),
        "{java}"
    );
}

#[test]
fn fish_dotenv_and_json_hold_the_same_variables() {
    let folder = tempfile::tempdir().expect("a folder");
    let text_of = |shell: &str| {
        let url = answers_once(&trust(folder.path()));
        let output = env_command(folder.path())
            .args(["--shell", shell, "--box", &url])
            .env("NODE_OPTIONS", "--title='a'")
            .output()
            .expect("it runs");
        let text = String::from_utf8(output.stdout).expect("text");
        (url, text)
    };
    let (url, json) = text_of("json");
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["BOX_API_BASE_URL"], url);
    let names = json.as_object().expect("an object").keys();
    let (url, dotenv) = text_of("dotenv");
    let (_, fish) = text_of("fish");
    for name in names {
        assert!(dotenv.contains(&format!("\n{name}=")), "{name}: {dotenv}");
        assert!(fish.contains(&format!("set -gx {name} ")), "{name}: {fish}");
    }
    assert!(dotenv.starts_with("# ") && !dotenv.contains("export "));
    assert!(
        dotenv.contains(&format!("\nHTTPS_PROXY={url}\n")),
        "{dotenv}"
    );
    assert!(fish.contains("set -gx SKILLCTL_BEFORE_NODE_OPTIONS \"$NODE_OPTIONS\"\n"));
    assert!(
        fish.contains("set -gx NODE_OPTIONS '--title=\\'a\\' --require="),
        "{fish}"
    );
}

#[test]
fn fish_is_restored_as_sh_is() {
    let shell = [
        ("BOX_API_BASE_URL", "http://127.0.0.1:1"),
        ("SKILLCTL_BOX", "http://127.0.0.1:1"),
        ("https_proxy", "http://127.0.0.1:1"),
        ("SKILLCTL_BEFORE_https_proxy", "http://proxy.corp:3128"),
    ];
    skillctl()
        .args(["env", "--unset", "--shell", "fish"])
        .envs(shell)
        .assert()
        .success()
        .stdout(
            "set -gx https_proxy \"$SKILLCTL_BEFORE_https_proxy\"\n\
             set -eg SKILLCTL_BEFORE_https_proxy\n\
             set -eg BOX_API_BASE_URL SKILLCTL_BOX\n",
        );
}

#[test]
fn without_a_folder_of_its_own_the_files_of_the_mock_are_used_and_the_user_is_warned() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = folder.path().join("run");
    std::fs::create_dir(&run).expect("it is made");
    let answer = trust(&run);
    let no_folder = folder.path().join("no-folder");
    std::fs::write(&no_folder, "").expect("it is written");
    let url = answers_once(&answer);
    env_command(&no_folder)
        .args(["--box", &url])
        .env("TMPDIR", &no_folder)
        .assert()
        .success()
        .stdout(contains(format!("--require={}/preload.cjs", run.display())))
        .stderr(contains("outlive the mock").and(contains("--unset")));
    // A read-only home folder alone causes no warning.
    let temporary = folder.path().join("tmp");
    std::fs::create_dir(&temporary).expect("it is made");
    let url = answers_once(&answer);
    env_command(&no_folder)
        .args(["--box", &url])
        .env("TMPDIR", &temporary)
        .assert()
        .success()
        .stdout(contains(format!(
            "--require={}/skillctl-",
            temporary.display()
        )))
        .stderr("");
}

#[test]
fn where_no_mock_answers_the_exit_code_is_3_and_the_url_is_named() {
    let refusing = RefusingAddress::new();
    let url = format!("http://{}", refusing.address);
    skillctl()
        .args(["env", "--box", &url])
        .assert()
        .code(3)
        .stdout("false\n")
        .stderr(contains(url.as_str()).and(contains("skillctl mock-box")));
}

#[test]
fn without_a_mock_the_command_behind_eval_is_not_started() {
    let refusing = RefusingAddress::new();
    let script = format!(
        "eval \"$({} env --box http://{})\" && echo started",
        env!("CARGO_BIN_EXE_skillctl"),
        refusing.address
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .output()
        .expect("a shell");
    assert!(!output.status.success());
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
}

#[test]
fn a_server_that_is_not_a_mock_gives_no_variables() {
    for answer in ["[1]", "{\"ca\":1}", "hello"] {
        let url = answers_once(answer);
        skillctl()
            .args(["env", "--box", &url])
            .assert()
            .code(3)
            .stdout("false\n");
    }
}

#[test]
fn only_the_urls_of_a_mock_on_another_machine_are_printed() {
    let elsewhere = "{\"ca\":\"/no/ca.pem\",\"bundle\":\"/no/b.pem\"}";
    for answer in [elsewhere, "{\"ca\":null,\"bundle\":null}"] {
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

/// The output of `script` in a shell with these variables.
fn sh(script: &str, variables: &[(&str, &str)]) -> String {
    let shell = Command::new("sh")
        .args(["-eu", "-c", script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .envs(variables.iter().copied())
        .output()
        .expect("it runs");
    let errors = String::from_utf8_lossy(&shell.stderr);
    assert!(shell.status.success() && errors.is_empty(), "{errors}");
    String::from_utf8(shell.stdout).expect("text")
}

#[test]
fn unset_restores_what_the_user_had_in_each_variable() {
    let folder = tempfile::tempdir().expect("a folder");
    let first = answers_once(&trust(folder.path()));
    let second = answers_once(&trust(folder.path()));
    let program = env!("CARGO_BIN_EXE_skillctl");
    let home = folder.path().to_str().expect("text");
    let own = [
        ("https_proxy", "http://me:it's \"$HOME\"@proxy.corp:3128"),
        ("HTTP_PROXY", ""),
        ("NO_PROXY", "intern.example"),
        ("NODE_OPTIONS", "--title=\"a b\""),
        ("PYTHONPATH", "/src:/lib"),
        ("RUBYLIB", "/lib"),
        ("RUBYOPT", "-W0"),
        ("JAVA_TOOL_OPTIONS", "-Da='b c'"),
        ("SSL_CERT_FILE", "/etc/corp.pem"),
        ("HOME", home),
    ];
    let before = sh("env", &own);
    let after = sh(
        &format!(
            "eval \"$('{program}' env --box {first})\"\n\
             eval \"$('{program}' env --box {second})\"\n\
             [ \"$https_proxy\" = {second} ] || exit 1\n\
             eval \"$('{program}' env --unset)\"\nenv"
        ),
        &own,
    );
    let sorted = |text: &str| {
        let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&after), sorted(&before));
}

#[test]
fn what_env_keeps_of_a_shell_shows_no_value() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = answers_once(&trust(folder.path()));
    env_command(folder.path())
        .args(["--box", &url])
        .env("HTTPS_PROXY", "http://me:a-password@proxy.corp:3128")
        .assert()
        .success()
        .stdout(
            contains("export SKILLCTL_BEFORE_HTTPS_PROXY=\"${HTTPS_PROXY-}\"\n")
                .and(contains("a-password").not()),
        );
}

#[test]
fn unset_reports_what_it_cannot_undo() {
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
