//! The port of `mock-box` from outside: the command that it starts, its certificate, who may
//! control it, and how it reaches other hosts.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    process::Stdio,
    sync::mpsc,
    thread,
    time::Duration,
};

use predicates::{prelude::PredicateBooleanExt, str::contains};
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    support::{project, skillctl, skillctl_process, wait_for},
    world::{MockBox, http},
};

fn with_command(script: &str) -> assert_cmd::Command {
    let mut command = skillctl();
    command
        .args(["mock-box", "--listen", "127.0.0.1:0", "--", "sh", "-c"])
        .arg(script);
    command
}

#[test]
fn a_command_gets_the_variables_and_ends_the_mock() {
    with_command(
        "echo $BOX_API_BASE_URL $BOX_UPLOAD_BASE_URL $HTTPS_PROXY $https_proxy $NO_PROXY
         ls $NODE_EXTRA_CA_CERTS $SSL_CERT_FILE $REQUESTS_CA_BUNDLE $CURL_CA_BUNDLE $DENO_CERT
         echo $NODE_OPTIONS",
    )
    .env("NODE_OPTIONS", "--no-warnings")
    .assert()
    .success()
    .stdout(
        contains("/api http://127.0.0.1:")
            .and(contains(" localhost,127.0.0.1,::1\n"))
            .and(contains("/ca.pem\n"))
            .and(contains("/bundle.pem\n").count(4))
            .and(contains("--no-warnings --require=/")),
    );
}

#[test]
fn the_scripts_of_the_command_learn_of_no_egress() {
    for (options, egress) in [(&[][..], "egress=on\n"), (&["--no-egress"], "egress=off\n")] {
        skillctl()
            .args(["mock-box", "--listen", "127.0.0.1:0"])
            .args(options)
            .args([
                "--",
                "sh",
                "-c",
                "cat \"$SKILLCTL_RUN_FOLDER/interception.conf\"",
            ])
            .assert()
            .success()
            .stdout(contains("host=127.0.0.1\nport=").and(contains(egress)));
    }
}

#[test]
fn a_replay_without_egress_needs_a_mock_of_its_own() {
    for other in [&["--box", "http://127.0.0.1:1"][..], &["--no-mock"]] {
        skillctl()
            .args(["replay", "--no-egress", "--sample-skill"])
            .args(other)
            .arg(project("fixtures/events/minimal"))
            .assert()
            .code(2)
            .stderr(contains("--no-egress").and(contains(other[0])));
    }
}

#[test]
fn the_run_folder_goes_away_with_the_mock() {
    let output = with_command("echo $SSL_CERT_FILE")
        .output()
        .expect("it runs");
    let said = String::from_utf8(output.stdout).expect("text");
    let bundle = said
        .lines()
        .find(|line| line.ends_with("bundle.pem"))
        .expect("it is named");
    let folder = std::path::Path::new(bundle).parent().expect("it has one");
    assert!(!folder.exists(), "{}", folder.display());
}

#[test]
fn a_command_that_fails_or_cannot_start_is_exit_code_3() {
    with_command("exit 5")
        .assert()
        .code(3)
        .stderr(contains("ended with exit code 5"));
    skillctl()
        .args(["mock-box", "--listen", "127.0.0.1:0", "--"])
        .arg("/no/such/command")
        .assert()
        .code(3)
        .stderr(contains("/no/such/command"));
}

#[test]
fn ending_the_mock_ends_its_command_and_what_that_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let started = folder.path().join("started");
    let script = format!("sleep 1000 & echo > {}; wait", started.display());
    let mut mock = skillctl_process()
        .args(["mock-box", "--listen", "127.0.0.1:0", "--", "sh", "-c"])
        .arg(script)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    wait_for("the command has started", || {
        let early = mock.try_wait().expect("a state");
        assert!(early.is_none(), "the mock ended early: {early:?}");
        started.exists().then_some(())
    });
    let id = i32::try_from(mock.id()).expect("a process id");
    let pid = Pid::from_raw(id).expect("a process id");
    kill_process(pid, Signal::TERM).expect("it is sent");
    let (sender, ended) = mpsc::channel();
    // All that was started has the same standard output: it ends with the last of them.
    thread::spawn(move || sender.send(mock.wait_with_output()));
    let output = ended
        .recv_timeout(Duration::from_secs(20))
        .expect("nothing is left that holds the output");
    assert!(output.expect("it ends").status.success());
}

#[test]
fn the_certificate_is_handed_out_and_its_key_is_not() {
    let mock = MockBox::start();
    let url = format!("{}/_mock/ca.pem", mock.url);
    let answer = http().get(url).send().expect("it answers");
    let pem = answer.text().expect("text");
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"), "{pem}");
    assert!(!pem.contains("PRIVATE"));
}

#[test]
fn a_kept_authority_is_the_same_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let kept = folder.path().join("ca");
    let options = ["--ca-dir", kept.to_str().expect("text")];
    let certificate = || {
        let mock = MockBox::with(&options);
        let url = format!("{}/_mock/ca.pem", mock.url);
        let answer = http().get(url).send().expect("it answers");
        answer.text().expect("text")
    };
    let first = certificate();
    assert_eq!(certificate(), first);
    let file = fs::read_to_string(kept.join("ca.pem")).expect("it is there");
    assert_eq!(file, first);
}

#[test]
fn a_page_of_another_host_cannot_steer_the_mock() {
    let mock = MockBox::start();
    let reset = |header: &str, value: &str| {
        let url = format!("{}/_mock/reset", mock.url);
        let request = http().post(url).header(header, value);
        request.send().expect("it answers").status().as_u16()
    };
    assert_eq!(reset("Origin", "https://evil.example"), 403);
    assert_eq!(reset("Origin", "null"), 403);
    assert_eq!(reset("Host", "evil.example"), 403);
    assert_eq!(reset("Origin", "http://localhost:3000"), 403);
    assert_eq!(reset("Accept", "*/*"), 200);
}

#[test]
fn beyond_loopback_the_admin_api_asks_for_its_token() {
    skillctl()
        .args(["mock-box", "--listen", "0.0.0.0:0"])
        .assert()
        .code(2)
        .stderr(contains("--admin-token-env"));
    skillctl()
        .args(["mock-box", "--admin-token-env", "NOT_SET"])
        .assert()
        .code(2)
        .stderr(contains("NOT_SET"));
    skillctl()
        .args(["mock-box", "--listen", "0.0.0.0:0"])
        .args(["--admin-token-env", "TOKEN_good", "--"])
        .args(["sh", "-c"])
        .arg(
            "\"$SKILLCTL\" env --admin-token-env TOKEN_good || echo good refused
             \"$SKILLCTL\" env --admin-token-env TOKEN_bad || echo bad refused
             \"$SKILLCTL\" env || echo none refused",
        )
        .env("SKILLCTL", env!("CARGO_BIN_EXE_skillctl"))
        .env("TOKEN_good", "the-token-of-this-test")
        .env("TOKEN_bad", "another-token")
        .assert()
        .success()
        .stdout(
            contains("export BOX_API_BASE_URL=http://127.0.0.1:")
                .and(contains("good refused").not())
                .and(contains("bad refused"))
                .and(contains("none refused")),
        )
        .stderr(contains("the-token-of-this-test").not());
}

#[test]
fn no_egress_refuses_other_hosts_and_says_so() {
    use std::io::{Read, Write};
    let mock = MockBox::with(&["--no-egress"]);
    let address = mock.url.strip_prefix("http://").expect("a URL");
    let mut stream = TcpStream::connect(address).expect("it accepts");
    stream
        .write_all(
            b"CONNECT ml.example:443 HTTP/1.1\r\nHost: ml.example\r\nConnection: close\r\n\r\n",
        )
        .expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it ends");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(answer.contains("--no-egress"), "{answer}");
}

#[test]
fn a_port_that_is_taken_is_exit_code_3() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("it has one").to_string();
    skillctl()
        .args(["mock-box", "--listen", &address])
        .assert()
        .code(3)
        .stderr(contains(address.as_str()));
}
