//! A mock Box inside this process: started, with its sockets and the files that lead a Skill to
//! it, and ended again. For `mock-box`, and for a replay that brings its own.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::Path,
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::{
    domain::secret::Secret,
    env::{Environment, wall_clock},
    exit::{Failure, Problem},
    mock_box::{Settings, faults::Faults},
    server::{
        admin::{Admin, Trust},
        app::App,
        certificate_authority::CertificateAuthority,
        guard::Guard,
        listener::{Listener, serve},
        options::ListenerOptions,
        proxy::egress::Egress,
    },
    skill::runtimes::run_folder::{RunFolder, TrustFiles},
    store::{JournalError, Options, Store},
};

/// How a mock is started.
pub(super) struct Start<'a> {
    /// Where it listens.
    pub(super) listen: SocketAddr,
    /// How Box behaves.
    pub(super) settings: Settings,
    /// The file that records its writes.
    pub(super) record: Option<&'a Path>,
    /// Whether a write is answered only when the disk itself has it.
    pub(super) fsync: bool,
    /// What goes wrong.
    pub(super) faults: Faults,
    /// The token of its admin API.
    pub(super) admin_token: Option<Secret>,
    /// How other hosts are reached.
    pub(super) egress: Egress,
    /// Who is answered.
    pub(super) guard: Guard,
    /// Where its authority is kept.
    pub(super) ca_dir: Option<&'a Path>,
    /// How many threads of their own serve its connections; with none the runtime that starts it does.
    pub(super) threads: usize,
}

/// A mock that runs.
pub(super) struct RunningMock {
    /// The mock without its sockets.
    pub(super) store: Arc<Store>,
    /// Where it listens.
    pub(super) address: SocketAddr,
    /// What a person should know of what was resumed.
    pub(super) warning: Option<String>,
    authority: Arc<CertificateAuthority>,
    trust: watch::Sender<Option<Trust>>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

impl RunningMock {
    /// Its URL, as programs on this machine reach it.
    pub(super) fn url(&self) -> String {
        format!("http://{}", reachable(self.address))
    }

    /// Makes the files that lead a Skill's TLS here; they live as long as the folder.
    pub(super) async fn trust_files(
        &self,
        environment: &Environment,
    ) -> Result<RunFolder, Failure> {
        let (address, environment) = (reachable(self.address), environment.clone());
        let pem = self.authority.certificate_pem().to_owned();
        let made =
            tokio::task::spawn_blocking(move || RunFolder::create(address, &pem, &environment));
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
        self.trust.send_replace(Some(Trust {
            ca: Some(ca),
            bundle: Some(bundle),
            preload: Some(preload),
        }));
        Ok(folder)
    }

    /// Ends it: what is in flight gets a moment, then everything is gone.
    pub(super) async fn stop(self) {
        // It may have ended by itself.
        let _ = self.stop.send(());
        let _ = self.served.await;
        self.store.settle();
    }
}

/// Starts a mock; it listens when this returns.
pub(super) fn start(start: Start<'_>) -> Result<RunningMock, Failure> {
    let clock = wall_clock();
    let now = clock();
    let port = Listener::bind(start.listen).map_err(|error| {
        Problem::new(format!("cannot listen on {}: {error}", start.listen))
            .help("choose another address with --listen; port 0 takes a free one")
            .outside()
    })?;
    let address = port.local_addr();
    let (store, warning) = Store::start(
        Options {
            settings: start.settings,
            record: start.record,
            fsync: start.fsync,
            seed: seed(),
            faults: start.faults,
        },
        clock,
    )
    .map_err(|error| not_started(&error))?;
    let authority = match start.ca_dir {
        None => CertificateAuthority::in_memory(now),
        Some(folder) => CertificateAuthority::kept_in(folder, now),
    };
    let authority = Arc::new(authority.map_err(|error| Problem::new(error.to_string()).outside())?);
    let (trust, trust_made) = watch::channel(None);
    let admin = Admin {
        url: format!("http://{}", reachable(address)),
        certificate: authority.certificate_pem().to_owned(),
        token: start.admin_token,
        trust: trust_made,
    };
    let app = App::new(Arc::clone(&store), admin, address).behind(start.guard);
    let app = Arc::new(app);
    let mut options = ListenerOptions::new(Arc::clone(&authority), start.egress);
    // The streams of the admin API stay open for ever: nothing is lost by cutting them.
    options.timeouts.grace = Duration::from_millis(500);
    options.threads = start.threads;
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        serve(port, app, options, async {
            let _ = stopped.await;
        })
        .await;
    });
    Ok(RunningMock {
        store,
        address,
        warning,
        authority,
        trust,
        stop,
        served,
    })
}

/// Where a program on this machine reaches a port that listens on every address.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

fn not_started(error: &JournalError) -> Failure {
    let problem = Problem::new(error.to_string());
    match error {
        JournalError::Line { .. } => problem
            .help("a record file holds what mock-box has written to it and nothing else")
            .usage(),
        JournalError::Taken { .. } => problem
            .help("end the other mock, or record to another file")
            .outside(),
        _ => problem
            .help("--record takes a file that can be read and written; it is made where it is not there")
            .outside(),
    }
}

/// Where the ids and tokens of a mock start: nobody is to guess them.
fn seed() -> u64 {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    high ^ low.rotate_left(32)
}
