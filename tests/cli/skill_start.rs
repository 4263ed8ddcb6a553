//! How a skill is started and reached: its address, port, path and certificate.

use std::{fs, net::TcpListener};

use assert_cmd::assert::Assert;
use predicates::{prelude::PredicateBooleanExt, str::contains};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use skillctl::skill::ports::free_port;
use tempfile::{TempDir, tempdir};

use crate::{
    support::{has, project, skillctl},
    world::{MockBox, Skill},
};

/// Replays one event to a skill in Node that replies and does nothing else; only the reply is checked.
fn replay(script: &str, options: &[&str]) -> Assert {
    let folder = tempdir().expect("a folder");
    fs::write(folder.path().join("skill.mjs"), script).expect("it can be written");
    replay_in(&folder, options)
}

fn replay_in(folder: &TempDir, options: &[&str]) -> Assert {
    skillctl()
        .current_dir(folder.path())
        .arg("replay")
        .arg(project("fixtures/events/upload-text"))
        .args(["--no-mock"])
        .args(options)
        .args(["--", "node", "skill.mjs"])
        .assert()
}

#[test]
fn a_skill_that_listens_on_the_other_family_is_reached_there() {
    if !has("node") || TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    let script = "import http from 'node:http'; \
        http.createServer((q, r) => { q.resume(); q.on('end', () => r.end()); }) \
          .listen(process.env.PORT, '::1');";
    replay(script, &[]).success().stdout(contains("PASS"));
}

#[test]
fn a_skill_that_listens_on_another_port_is_named_and_not_used() {
    if !has("node") {
        return;
    }
    let script = "import http from 'node:http'; \
        const other = http.createServer((q, r) => { r.writeHead(500); r.end(); }); \
        other.listen(0, '127.0.0.1'); \
        setTimeout(() => http.createServer((q, r) => r.end()).listen(process.env.PORT), 3500);";
    replay(script, &[])
        .success()
        .stdout(contains("PASS"))
        .stderr(contains("it listens on port").and(contains("--skill http://127.0.0.1:")));
}

#[test]
fn a_path_in_skill_is_that_of_the_free_port() {
    if !has("node") {
        return;
    }
    let script = "import http from 'node:http'; \
        http.createServer((q, r) => { r.writeHead(q.url === '/api/skill?code=a' ? 200 : 404); r.end(); }) \
          .listen(process.env.PORT);";
    replay(script, &["--skill", "/api/skill?code=a"]).success();
    replay(script, &[]).code(1);
}

#[test]
fn a_path_in_skill_without_a_program_exits_2() {
    for command in ["replay", "mock-box"] {
        skillctl()
            .args([command, "--skill", "/api/skill"])
            .arg(project("fixtures/events/upload-text"))
            .assert()
            .code(2)
            .stderr(contains("--skill /api/skill is a path"));
    }
}

/// A folder with a skill behind TLS, and its certificate.
fn skill_behind_tls(is_ca: IsCa) -> TempDir {
    let folder = tempdir().expect("a folder");
    let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    params.is_ca = is_ca;
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    let write = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).expect("it can be written");
    };
    write("cert.pem", &certificate.pem());
    write("key.pem", &key.serialize_pem());
    write(
        "skill.mjs",
        "import https from 'node:https'; import fs from 'node:fs'; \
         const options = { cert: fs.readFileSync('cert.pem'), key: fs.readFileSync('key.pem') }; \
         https.createServer(options, (q, r) => { q.resume(); q.on('end', () => r.end()); }) \
           .listen(process.env.PORT);",
    );
    folder
}

#[test]
fn a_certificate_of_ones_own_is_trusted_by_skill_ca() {
    if !has("node") {
        return;
    }
    for is_ca in [IsCa::NoCa, IsCa::Ca(BasicConstraints::Unconstrained)] {
        let folder = skill_behind_tls(is_ca);
        let url = || {
            let port = free_port().expect("a port");
            format!("https://localhost:{port}/")
        };
        replay_in(&folder, &["--skill", &url()])
            .code(1)
            .stdout(contains("certificate is not trusted").and(contains("--skill-ca")));
        replay_in(&folder, &["--skill", &url(), "--skill-ca", "cert.pem"]).success();
        let other_name = url().replace("localhost", "127.0.0.1");
        replay_in(&folder, &["--skill", &other_name, "--skill-ca", "cert.pem"])
            .code(1)
            .stdout(contains("it is for another host name"));
    }
}

#[test]
fn a_skill_ca_that_cannot_be_used_exits_2() {
    let folder = tempdir().expect("a folder");
    fs::write(folder.path().join("empty.pem"), "").expect("it can be written");
    let https = "https://localhost:1/";
    for (url, file, reason) in [
        (https, "missing.pem", "missing.pem"),
        (https, "empty.pem", "no certificate"),
        ("http://localhost:1/", "empty.pem", "not an https URL"),
    ] {
        for command in ["replay", "mock-box"] {
            skillctl()
                .current_dir(folder.path())
                .arg(command)
                .arg(project("fixtures/events/upload-text"))
                .args(["--skill", url, "--skill-ca", file])
                .assert()
                .code(2)
                .stderr(contains(reason));
        }
    }
}

#[test]
fn a_mock_that_was_not_started_here_is_named_with_its_version() {
    let mock = MockBox::start();
    let skill = Skill::new(|_| 200);
    let output = mock
        .replay(&skill, &[])
        .arg(project("fixtures/events/upload-text"))
        .args(["--wait", "0s"])
        .output()
        .expect("it runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let version = env!("CARGO_PKG_VERSION");
    let line = format!("using the mock on {} (skillctl {version})", mock.url);
    assert!(stderr.contains(&line), "{stderr}");
}
