//! `skillctl replay --watch`: runs, waits for a change or a key, and runs again.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use super::{
    cassettes::CaseCassettes,
    changes::{Concerned, concerned},
    head,
    plan::ReplayPlan,
    session::Session,
    show::{RunResult, Show, Unexpected, write_expected},
    watched,
};
use crate::{
    cli::replay::ReplayArgs,
    commands::{
        changed_files::{self, absolute},
        fixtures,
        interrupts::Interrupts,
        repeated_changes::{ChangedByRuns, subject},
    },
    env::Environment,
    exit::{self, Failure, Outcome},
    render::{
        text::{Line, Role},
        units::counted,
    },
    replay::{LastFailed, Plan},
    terminal::{Terminal, keys::Keys},
    watch::sources::{FileChange, SourceWatch},
};

/// What changes this soon after a run may still be written by the skill.
const AFTER_A_RUN: Duration = Duration::from_millis(200);
/// How long a skill that runs elsewhere may take to listen again after a change.
const RESTART_TIMEOUT: Duration = Duration::from_secs(10);

/// What to run next.
enum Next {
    /// All cases, with a new skill.
    All,
    /// The cases that failed.
    Failed,
    /// The cases that these changes concern.
    Changed(Vec<FileChange>),
}

/// Why a run ended early.
enum Cancelled {
    Changed,
    RunAll,
    Quit,
}

struct Watch<'a> {
    arguments: &'a ReplayArgs,
    plan: &'a ReplayPlan<'a>,
    environment: &'a Environment,
    terminal: &'a Terminal,
    interrupts: Interrupts,
    keys: Option<Keys>,
    files: SourceWatch,
    session: Option<Session<'a>>,
    last_failed: LastFailed,
    /// The absolute names of all cases, when they were last read.
    known: BTreeSet<PathBuf>,
    unexpected: Vec<Unexpected>,
    by_runs: ChangedByRuns,
    /// Changes, and whether all cases, that no complete run has covered yet.
    owed: Vec<FileChange>,
    owes_all: bool,
    is_first: bool,
    run_ended: Instant,
    outcome: Outcome,
}

/// Watches until the user ends it. The outcome is that of the last run.
pub(super) async fn run(
    arguments: &ReplayArgs,
    plan: &ReplayPlan<'_>,
    last_failed: LastFailed,
    environment: &Environment,
    terminal: &Terminal,
) -> Outcome {
    watched::check_fixtures(plan.fixtures)?;
    let interrupts = Interrupts::listen();
    let files = changed_files::watch(
        arguments.config.as_deref(),
        watched::fixture_roots(plan.fixtures),
        watched::own_files(arguments),
    )?;
    let mut watch = Watch {
        arguments,
        plan,
        environment,
        terminal,
        interrupts,
        keys: terminal.draws.then(Keys::listen).flatten(),
        files,
        session: None,
        last_failed,
        known: BTreeSet::new(),
        unexpected: Vec::new(),
        by_runs: ChangedByRuns::new(watched::typed_files(arguments)),
        owed: Vec::new(),
        owes_all: false,
        is_first: true,
        run_ended: Instant::now(),
        outcome: Ok(()),
    };
    let mut next = if arguments.last_failed && !watch.last_failed.cases().is_empty() {
        Next::Failed
    } else {
        Next::All
    };
    while let Some(following) = watch.run_and_wait(next).await {
        next = following;
    }
    if let Some(session) = watch.session.take() {
        session.end().await;
    }
    watch.outcome
}

impl Watch<'_> {
    /// Runs once, and waits until there is something to run. `None` when the user ends it.
    async fn run_and_wait(&mut self, next: Next) -> Option<Next> {
        let (mut seen, cancelled) = self.run_once(next).await;
        self.is_first = false;
        self.run_ended = Instant::now();
        self.by_runs.add(&seen);
        if self.interrupts.is_stopped() {
            return None;
        }
        match cancelled {
            Some(Cancelled::Quit) => {
                self.outcome = Err(Failure::Interrupted);
                return None;
            }
            Some(Cancelled::RunAll) => return Some(self.run_all()),
            Some(Cancelled::Changed) | None => {}
        }
        loop {
            if seen.is_empty() {
                match self.wait().await? {
                    Next::Changed(changes) => seen = changes,
                    next => return Some(next),
                }
            }
            for path in self.by_runs.end_run() {
                self.leave_out(&path, &mut seen);
            }
            if !seen.is_empty() {
                return Some(Next::Changed(seen));
            }
        }
    }

    fn leave_out(&mut self, path: &Path, seen: &mut Vec<FileChange>) {
        self.files.leave_out(path);
        seen.retain(|change| subject(change) != path);
        let warning = changed_files::left_out(path);
        let hint = match self.keys {
            Some(_) => "; Enter watches it again",
            None => "",
        };
        self.terminal.warn(&format!("{warning}{hint}"));
    }

    /// Runs the cases of `next`. Returns the files that changed meanwhile, and why the run ended early.
    async fn run_once(&mut self, next: Next) -> (Vec<FileChange>, Option<Cancelled>) {
        self.unexpected.clear();
        self.by_runs.start_run();
        let (mut seen, mut cancelled) = (Vec::new(), None);
        match self.try_run(next, &mut seen, &mut cancelled).await {
            Ok(Some(result)) => {
                self.unexpected = result.unexpected;
                self.outcome = result.outcome;
                self.print_problem();
            }
            // Cancelled, or nothing to run.
            Ok(None) => {}
            Err(failure) => {
                self.outcome = Err(failure);
                self.print_problem();
            }
        }
        (seen, cancelled)
    }

    /// Prints the problem of the outcome, which is then not printed again at the end.
    fn print_problem(&mut self) {
        if let Some(problem) = exit::problem(&self.outcome) {
            self.terminal.problem(problem);
            self.outcome = Err(Failure::Printed(exit::code(&self.outcome)));
        }
    }

    async fn try_run(
        &mut self,
        next: Next,
        seen: &mut Vec<FileChange>,
        cancelled: &mut Option<Cancelled>,
    ) -> Result<Option<RunResult>, Failure> {
        if !self.is_first {
            self.terminal.clear_screen();
        }
        let reason = self.take_reason(&next);
        let read = self.read_cases();
        let (before, all) = match read {
            Ok(read) => read,
            Err(failure) => {
                self.print_reason(reason, None);
                return Err(failure);
            }
        };
        let total = counted(all.count, "case", "cases");
        let total_count = all.count;
        let Some(cases) = self.choose(&next, &before, all)? else {
            self.print_reason(reason, Some("no case to run".to_owned()));
            self.owed.clear();
            return Ok(None);
        };
        let number = match cases.count {
            count if count == total_count => format!("running all {total}"),
            count => format!("running {count} of {total}"),
        };
        if !self.is_first {
            self.print_reason(reason, Some(number));
        }
        self.run_cases(cases, seen, cancelled).await
    }

    /// Reads all cases. Returns the names of those before, too.
    fn read_cases(&mut self) -> Result<(BTreeSet<PathBuf>, Plan), Failure> {
        let plan = self.plan.cases(self.terminal)?;
        let now = names(&plan, self.terminal)?;
        let before = std::mem::replace(&mut self.known, now);
        Ok((before, plan))
    }

    /// The cases to run; `None` if the changes concern none.
    fn choose(
        &mut self,
        next: &Next,
        before: &BTreeSet<PathBuf>,
        mut all: Plan,
    ) -> Result<Option<Plan>, Failure> {
        let names = match next {
            Next::Failed if !self.owes_all => Some(self.last_failed.cases().clone()),
            Next::Changed(_) if !self.owes_all => {
                match concerned(&self.owed, before, &self.known) {
                    Concerned::All => None,
                    Concerned::Cases(names) if names.is_empty() => return Ok(None),
                    Concerned::Cases(names) => Some(names),
                }
            }
            Next::All | Next::Failed | Next::Changed(_) => None,
        };
        if let Some(names) = names {
            let some = self.plan.cases_of(names, self.terminal)?;
            return Ok(Some(if some.count == 0 { all } else { some }));
        }
        self.owes_all = true;
        all.put_first(self.last_failed.cases());
        Ok(Some(all))
    }

    /// Prints what changed, and what runs.
    fn print_reason(&self, changed: Option<String>, runs: Option<String>) {
        let words: Vec<String> = changed.into_iter().chain(runs).collect();
        if !words.is_empty() {
            self.terminal.note_line(Line::from(words.join("; ")));
        }
    }

    /// Restarts the skill if all cases are to run, and runs the cases.
    async fn run_cases(
        &mut self,
        cases: Plan,
        seen: &mut Vec<FileChange>,
        cancelled: &mut Option<Cancelled>,
    ) -> Result<Option<RunResult>, Failure> {
        let restarts = self.owes_all;
        let session = match &mut self.session {
            Some(session) => session,
            none => none.insert(open(self.plan, self.environment, self.terminal).await?),
        };
        let end = until_cancelled(
            &mut self.files,
            &mut self.keys,
            &self.by_runs,
            seen,
            self.terminal,
        );
        let mut end = std::pin::pin!(end);
        if restarts || !session.has_skill() {
            session.stop_skill().await;
            tokio::select! {
                started = session.start_skill(self.plan, RESTART_TIMEOUT) => started?,
                () = self.interrupts.stopped() => return Err(Failure::Interrupted),
                reason = &mut end => {
                    *cancelled = Some(reason);
                    self.owes_all = true;
                    return Ok(None);
                }
            }
        }
        let head = head::run_record(self.arguments, self.plan, self.environment);
        let mut show = Show::new(
            self.plan.output,
            head,
            &mut self.last_failed,
            self.environment,
            self.terminal,
        )?;
        show.mock_is_own = session.mock_is_own();
        show.cassettes = session.cassettes();
        let interrupts = &self.interrupts;
        let reason = async { *cancelled = Some(end.await) };
        let result = session
            .run(cases, self.plan, show, interrupts, reason)
            .await;
        if result.is_some() {
            self.owed.clear();
            self.owes_all = false;
        } else {
            // The skill may be in the middle of an event.
            self.owes_all = true;
        }
        Ok(result)
    }

    /// Remembers the changes, and returns them in words.
    fn take_reason(&mut self, next: &Next) -> Option<String> {
        match next {
            Next::All => {
                self.owes_all = true;
                None
            }
            Next::Failed => None,
            Next::Changed(changes) => {
                self.owed.extend(changes.iter().cloned());
                let config = self.arguments.config.as_deref().map(absolute);
                if changes.iter().any(|it| Some(&it.path) == config.as_ref()) {
                    let line =
                        "the options in skillctl.toml are read at the start: start skillctl again";
                    self.terminal.warn(line);
                }
                Some(changed_files::describe(changes))
            }
        }
    }

    /// Waits for a change or a key. `None` when the user ends it.
    async fn wait(&mut self) -> Option<Next> {
        let mut is_skill_there = self.session.as_ref().is_some_and(Session::has_skill);
        self.print_help();
        loop {
            let ended = async {
                match &self.session {
                    Some(session) if is_skill_there => session.skill_ended().await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.interrupts.stopped() => return None,
                reason = ended => {
                    is_skill_there = false;
                    let line = format!("{reason}; the next run starts it again");
                    self.terminal.note_line(Line::new().with(Role::Warn, line));
                }
                changes = changed_files::next(&mut self.files, self.terminal) => {
                    if self.run_ended.elapsed() < AFTER_A_RUN {
                        self.by_runs.add(&changes);
                    }
                    return Some(Next::Changed(changes));
                }
                key = next_key(&mut self.keys) => match key {
                    '\n' | '\r' => return Some(self.run_all()),
                    'f' if !self.last_failed.cases().is_empty() => return Some(Next::Failed),
                    'u' if !self.unexpected.is_empty() => {
                        self.accept_results();
                        return Some(Next::Failed);
                    }
                    'q' => return None,
                    _ => {}
                },
            }
        }
    }

    fn print_help(&self) {
        let mut line = Line::from("waiting for changes");
        if self.keys.is_some() {
            let mut keys = "  Enter: run all".to_owned();
            if !self.last_failed.cases().is_empty() {
                keys.push_str("  f: run failed");
            }
            if !self.unexpected.is_empty() {
                keys.push_str("  u: accept results");
            }
            keys.push_str("  q: quit");
            line.push(Role::Dim, keys);
        }
        self.terminal.note_line(line);
    }

    /// All cases, and all files are watched again.
    fn run_all(&mut self) -> Next {
        self.by_runs.clear();
        self.files.watch_again();
        Next::All
    }

    /// Writes the results that are not as expected to `expected.json`.
    fn accept_results(&mut self) {
        for Unexpected { path, text } in std::mem::take(&mut self.unexpected) {
            let written = write_expected(&path, &text);
            self.files.accept(&absolute(&path));
            if let Some(problem) = exit::problem(&written) {
                self.terminal.problem(problem);
            }
        }
    }
}

/// The next key; never, without a keyboard.
async fn next_key(keys: &mut Option<Keys>) -> char {
    match keys {
        Some(keys) => keys.next().await,
        None => std::future::pending().await,
    }
}

/// Waits until a run is obsolete: a file changed that the skill does not seem to write, or the user
/// wants another run. Collects the changes in `seen`.
async fn until_cancelled(
    files: &mut SourceWatch,
    keys: &mut Option<Keys>,
    by_runs: &ChangedByRuns,
    seen: &mut Vec<FileChange>,
    terminal: &Terminal,
) -> Cancelled {
    loop {
        tokio::select! {
            changes = changed_files::next(files, terminal) => {
                let is_edited = changes.iter().any(|change| !by_runs.is_suspect(change));
                seen.extend(changes);
                if is_edited {
                    return Cancelled::Changed;
                }
            }
            key = next_key(keys) => match key {
                '\n' | '\r' => return Cancelled::RunAll,
                'q' => return Cancelled::Quit,
                _ => {}
            },
        }
    }
}

fn names(plan: &Plan, terminal: &Terminal) -> Result<BTreeSet<PathBuf>, Failure> {
    let width = terminal.width.saturating_sub(2);
    plan.names()
        .map_err(|error| fixtures::problem(error, width))
}

/// Finds or starts the mock, with the cassettes of all cases.
async fn open<'a>(
    plan: &ReplayPlan<'_>,
    environment: &'a Environment,
    terminal: &'a Terminal,
) -> Result<Session<'a>, Failure> {
    let cases = plan.cases(terminal)?;
    plan.warn_of_signatures(&cases, terminal);
    let cassettes = CaseCassettes::load(&plan.cassettes, &cases, environment, terminal)?;
    Session::open(plan, cassettes, environment, terminal).await
}
