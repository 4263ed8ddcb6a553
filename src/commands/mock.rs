//! What `mock-box` and `replay` share about a mock inside this process: the files that lead a skill's
//! TLS to it, and how a failed start is reported.

use crate::{
    env::Environment,
    exit::{Failure, Problem},
    server::{
        admin::Trust,
        mock::{MockBox, MockOptions, StartError},
    },
    skill::runtimes::run_folder::{RunFolder, TrustFiles},
    store::JournalError,
};

/// Starts a mock; it listens when this returns.
pub(super) async fn start(options: MockOptions<'_>) -> Result<MockBox, Failure> {
    let started = MockBox::start(options).await;
    started.map_err(|error| not_started(&error))
}

/// Makes the files that lead a skill's TLS to the mock; they live as long as the folder.
pub(super) async fn trust_files(
    mock: &MockBox,
    environment: &Environment,
) -> Result<RunFolder, Failure> {
    let (address, environment) = (mock.address(), environment.clone());
    let pem = mock.certificate().to_owned();
    let made = tokio::task::spawn_blocking(move || RunFolder::create(address, &pem, &environment));
    let folder = match made.await {
        Ok(Ok(folder)) => folder,
        Ok(Err(error)) => {
            let message = format!("cannot make the folder of this run: {error}");
            return Err(Problem::new(message).outside());
        }
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    };
    let TrustFiles {
        ca,
        bundle,
        preload,
    } = folder.files();
    mock.set_trust(Trust {
        ca: Some(ca),
        bundle: Some(bundle),
        preload: Some(preload),
    });
    Ok(folder)
}

fn not_started(error: &StartError) -> Failure {
    let problem = Problem::new(error.to_string());
    match error {
        StartError::Listen { .. } => problem
            .help("choose another address with --listen; port 0 takes a free one")
            .outside(),
        StartError::Authority(_) => problem.outside(),
        StartError::Record(JournalError::Line { .. }) => problem
            .help("a record file holds what mock-box has written to it and nothing else")
            .usage(),
        StartError::Record(JournalError::Taken { .. }) => problem
            .help("end the other mock, or record to another file")
            .outside(),
        StartError::Record(_) => problem
            .help("--record takes a file that can be read and written; it is made where it is not there")
            .outside(),
    }
}
