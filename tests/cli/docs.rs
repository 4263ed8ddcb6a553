//! Checks of docs/ and the README: the commands of the tour run, links have targets, and the members
//! of written formats are named.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use serde_json::Value;
use walkdir::WalkDir;

use crate::{support::project, world::MockBox};

/// A block of a page: the text after its ```, and its content.
struct Block {
    info: String,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let text: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(Block {
                info: info.to_owned(),
                text: text.join("\n"),
            });
        }
    }
    blocks
}

/// A command of a page and what it prints there.
struct Step {
    command: String,
    prints: Vec<String>,
}

fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block.lines() {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step {
                command: command.to_owned(),
                prints: Vec::new(),
            }),
            (None, Some(step)) => step.prints.push(line.to_owned()),
            (None, None) => panic!("a block begins with a command: {line}"),
        }
    }
    steps
}

/// A line without what differs from run to run: times, ids, hashes, ports, the columns that these
/// move, and the folder. Counts and statuses stay.
fn settled(line: &str) -> String {
    let is_hex = |letter: char| letter.is_ascii_hexdigit() || matches!(letter, '-' | '_');
    let mut text = String::new();
    let mut rest = line;
    while let Some(letter) = rest.chars().next() {
        let hex = rest.find(|it| !is_hex(it)).unwrap_or(rest.len());
        let number = rest
            .find(|it: char| !it.is_ascii_digit() && it != '.')
            .unwrap_or(rest.len());
        let is_id = hex >= 8 && rest[..hex].contains(|it: char| it.is_ascii_digit());
        let is_hour = number == 2 && rest.as_bytes().get(2) == Some(&b':');
        let is_part = is_hour || text.ends_with(':') || rest[..number].contains('.');
        let end = if is_id { hex } else { number.max(1) };
        if is_id || (number > 0 && letter.is_ascii_digit() && is_part) {
            text.push('#');
        } else {
            text.push_str(&rest[..end.max(letter.len_utf8())]);
        }
        rest = &rest[end.max(letter.len_utf8())..];
    }
    let mut words: Vec<&str> = Vec::new();
    for word in text.split_whitespace() {
        match word.trim_end_matches([',', ';']) {
            "ms" | "s" | "µs" | "events/s" => {
                words.pop();
                words.push("time");
            }
            path if path.starts_with("file:///") => words.push("file"),
            _ => words.push(word),
        }
    }
    words.join(" ")
}

/// Whether the lines are the documented ones; a line `…` matches any lines.
fn is_as_promised(promised: &[String], printed: &[String]) -> bool {
    match promised.split_first() {
        None => printed.is_empty(),
        Some((any, rest)) if any == "…" => {
            (0..=printed.len()).any(|skipped| is_as_promised(rest, &printed[skipped..]))
        }
        Some((line, rest)) => printed.split_first().is_some_and(|(first, others)| {
            settled(line) == settled(first) && is_as_promised(rest, others)
        }),
    }
}

#[test]
fn only_what_differs_between_runs_is_ignored() {
    let same = |one: &str, other: &str| settled(one) == settled(other);
    assert!(same(
        "PASS  a  200 in 1.1 ms    success in 66 ms",
        "PASS  a  200 in 978 µs  success in 1.0 s"
    ));
    assert!(same(
        "     +8 ms  GET /files/352077744348",
        "+104 ms  GET /files/99999999"
    ));
    assert!(same(
        "on http://127.0.0.1:7269, ended",
        "on http://127.0.0.1:40123, ended"
    ));
    assert!(same("23:01:23.122  read", "09:15:02.001  read"));
    assert!(!same("7 topics", "8 topics"));
    assert!(!same("PASS  a  200 in 1 ms", "PASS  a  500 in 1 ms"));
    assert!(!same("keyword", "keyword, transcript"));
}

/// The script around the commands of the tour: a free port for the mock, which must listen before the
/// next command runs, and a mark before the output of each command.
const AROUND: &str = "exec 2>&1
export SKILLCTL_MOCK_BOX_LISTEN=127.0.0.1:0 SKILLCTL_MOCK_BOX_READY_FILE=ready.json
ended() { [ $1 = 0 ] || echo \"[exit $1]\"; }
listens() {
  until [ -s ready.json ]; do sleep 0.05; done
  export SKILLCTL_ENV_BOX=$(sed 's/.*\"url\":\"\\([^\"]*\\)\".*/\\1/' ready.json)
}
trap 'kill $! 2>/dev/null' EXIT
";

fn script(steps: &[Step]) -> String {
    let mut script = AROUND.to_owned();
    for (nth, step) in steps.iter().enumerate() {
        let after = if step.command.ends_with('&') {
            "listens"
        } else {
            "ended $?"
        };
        script.extend([
            "echo '@@ ",
            &nth.to_string(),
            "'\n",
            &step.command,
            "\n",
            after,
            "\n",
        ]);
    }
    script
}

fn has(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output();
    found.is_ok_and(|output| output.status.success())
}

#[test]
fn the_tour_prints_what_it_shows() {
    walk("docs/tour.md", 15);
}

#[test]
fn the_skills_of_the_page_on_own_skills_run_as_written() {
    walk("docs/own-skill.md", 0);
}

/// Writes the files of a page, types its commands, of which there are at least this many, and
/// compares what they print. A block is skipped if the program that it needs is not installed.
fn walk(page: &str, at_least: usize) {
    let text = fs::read_to_string(project(page)).expect("a page");
    let folder = tempfile::tempdir().expect("a folder");
    let mut all = Vec::new();
    for block in blocks(&text) {
        match block.info.split_once(' ') {
            None if block.info == "console" => all.extend(steps(&block.text)),
            Some(("console", program)) if has(program) => all.extend(steps(&block.text)),
            Some(("console", _)) | None => {}
            Some((_, file)) => fs::write(folder.path().join(file), block.text).expect("written"),
        }
    }
    assert!(all.len() >= at_least, "the steps were found: {}", all.len());
    let printed = typed(&all, folder.path());
    for (step, printed) in all.iter().zip(printed) {
        let lines = |lines: &[String]| in_order(lines.iter().filter(|it| !it.is_empty()).cloned());
        assert!(
            is_as_promised(&lines(&step.prints), &lines(&printed)),
            "$ {}\nprints\n{}\nand {page} says\n{}",
            step.command,
            printed.join("\n"),
            step.prints.join("\n")
        );
    }
}

/// What a shell in `folder` prints after each of the commands.
fn typed(steps: &[Step], folder: &Path) -> Vec<Vec<String>> {
    let program = Path::new(env!("CARGO_BIN_EXE_skillctl"));
    let mut path = program.parent().expect("a folder").as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let output = Command::new("sh")
        .args(["-c", &script(steps)])
        .current_dir(folder)
        .env_clear()
        .env("PATH", path)
        .output()
        .expect("it runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let printed: Vec<Vec<String>> = text
        .split("@@ ")
        .skip(1)
        .map(|part| part.lines().skip(1).map(str::to_owned).collect())
        .collect();
    assert_eq!(printed.len(), steps.len(), "it ended early:\n{text}");
    printed
}

/// Calls that a skill makes while it replies may come before or after the reply.
fn in_order(lines: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = lines.collect();
    for part in lines.chunk_by_mut(|one, other| {
        [one, other]
            .iter()
            .all(|line| line.trim_start().starts_with('+') && line.contains(" ms "))
    }) {
        part.sort_by_key(|line| settled(line));
    }
    lines
}

/// The pages of the project.
fn pages() -> Vec<std::path::PathBuf> {
    let docs = WalkDir::new(project("docs")).into_iter();
    let docs = docs.map(|entry| entry.expect("it can be walked").into_path());
    let others = ["README.md", "fixtures/README.md", "benches/README.md"].map(project);
    let pages: Vec<_> = docs
        .chain(others)
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .collect();
    assert!(pages.len() > 8);
    pages
}

/// The targets of the links of a page.
fn links(page: &str) -> Vec<&str> {
    let ends = page.split("](").skip(1);
    ends.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://"))
        .collect()
}

#[test]
fn links_between_pages_have_targets() {
    for path in pages() {
        let text = fs::read_to_string(&path).expect("a page");
        for target in links(&text) {
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let to = path.parent().expect("a folder").join(file);
            assert!(to.exists(), "{}: {target}", path.display());
            if !heading.is_empty() {
                let page = fs::read_to_string(&to).expect("a page").to_lowercase();
                let heading = heading.replace('-', " ");
                assert!(
                    page.contains(&format!("# {heading}")),
                    "{}: {target}",
                    path.display()
                );
            }
        }
    }
}

#[test]
fn the_readme_links_every_page() {
    let readme = fs::read_to_string(project("README.md")).expect("the README");
    let linked: BTreeSet<&str> = links(&readme).into_iter().collect();
    for entry in fs::read_dir(project("docs")).expect("docs") {
        let name = entry.expect("an entry").file_name();
        let page = format!("docs/{}", name.to_string_lossy());
        assert!(
            linked.contains(page.as_str()),
            "{page} is not in the README"
        );
    }
}

/// The names of the members of an object.
fn members(value: &Value) -> Vec<String> {
    let object = value.as_object().expect("an object");
    object.keys().cloned().collect()
}

#[test]
fn the_page_of_formats_names_every_member_of_records_and_health() {
    let page = fs::read_to_string(project("docs/formats.md")).expect("the page");
    let mock = MockBox::start();
    let http = crate::world::http();
    let event = fs::read(project("fixtures/events/upload-text/event.json")).expect("an event");
    let registered = http
        .post(format!("{}/_mock/events", mock.url))
        .body(event)
        .send()
        .and_then(reqwest::blocking::Response::bytes)
        .expect("an event");
    let registered: Value = serde_json::from_slice(&registered).expect("JSON");
    let text = |pointer: &str| {
        registered
            .pointer(pointer)
            .and_then(Value::as_str)
            .expect("text")
    };
    let written = http
        .post(format!(
            "{}/2.0/files/{}/metadata/global/boxSkillsCards",
            mock.url,
            text("/source/id")
        ))
        .bearer_auth(text("/token/write/access_token"))
        .header("content-type", "application/json")
        .body("{\"cards\":[]}")
        .send()
        .expect("an answer");
    assert_eq!(written.status().as_u16(), 201);
    let get = |path: &str| -> Value {
        let answer = http.get(format!("{}/_mock/{path}", mock.url)).send();
        let answer = answer.and_then(reqwest::blocking::Response::bytes);
        serde_json::from_slice(&answer.expect("an answer")).expect("JSON")
    };
    let record = get("writes")["writes"][0].clone();
    for name in [members(&record), members(&get("health"))].concat() {
        assert!(
            page.contains(&format!("`{name}`")),
            "docs/formats.md does not name `{name}`"
        );
    }
}
