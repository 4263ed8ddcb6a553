//! A mock in this process, for `mock-box` and `replay`: its start, and the files that make a skill
//! trust its certificate.

use crate::{
    env::Environment,
    exit::{Failure, Problem},
    server::{
        admin::Trust,
        mock::{MockBox, MockOptions, StartError},
    },
    skill::runtimes::run_folder::{Reach, RunFolder, RunSettings},
    store::JournalError,
};

/// Starts a mock; it listens when this returns.
pub(super) async fn start(options: MockOptions<'_>) -> Result<MockBox, Failure> {
    let started = MockBox::start(options).await;
    started.map_err(|error| not_started(&error))
}

/// Writes the files by which a skill reaches and trusts the mock. They are deleted with the folder.
pub(super) async fn trust_files(
    mock: &MockBox,
    reach: Reach,
    environment: &Environment,
) -> Result<RunFolder, Failure> {
    let (address, environment) = (mock.address(), environment.clone());
    let pem = mock.certificate().to_owned();
    let made = tokio::task::spawn_blocking(move || {
        let settings = RunSettings {
            mock: address,
            certificate: &pem,
            reach,
        };
        RunFolder::create(&settings, &environment)
    });
    let folder = match made.await {
        Ok(Ok(folder)) => folder,
        Ok(Err(error)) => {
            let message = format!("cannot make a temporary folder: {error}");
            return Err(Problem::new(message).outside());
        }
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let files = folder.files();
    mock.set_trust(Trust {
        ca: Some(files.ca()),
        bundle: Some(files.bundle()),
    });
    Ok(folder)
}

fn not_started(error: &StartError) -> Failure {
    let problem = Problem::new(error.to_string());
    match error {
        StartError::Listen { .. } => problem
            .help("choose another address with --listen; port 0 chooses a free port")
            .outside(),
        StartError::Authority(_) | StartError::Threads(_) => problem.outside(),
        StartError::Record(JournalError::Line { .. }) => problem
            .help("a record file may hold only lines that mock-box has written")
            .usage(),
        StartError::Record(JournalError::Taken { .. }) => problem
            .help("stop the other mock, or record to another file")
            .outside(),
        StartError::Record(_) => problem
            .help("--record needs a file that can be read and written; a missing file is created")
            .outside(),
    }
}
