//! A mock Box inside this process: started with its sockets in one call, and ended when it is dropped.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    num::NonZero,
    path::Path,
    sync::Arc,
    thread,
    time::Duration,
};

use serde_json::Value;
use tokio::{
    runtime::{Builder, Runtime},
    sync::{oneshot, watch},
};
use uuid::Uuid;

use super::{
    admin::{Admin, Trust},
    app::App,
    certificate_authority::{AuthorityError, CertificateAuthority, OtherHosts},
    guard::Guard,
    listener::{Listener, serve},
    options::ListenerOptions,
    proxy::egress::Egress,
};
use crate::{
    domain::{
        call::WriteRecord, cassette::deck::Deck, event::invocation::Invocation, json::tree::Tape,
        secret::Secret,
    },
    env::wall_clock,
    mock_box::{Settings, faults::Faults, register::Registering},
    store::{self, JournalError, Store},
};

/// How long calls in progress may take after the mock ends. The streams of the admin API never end
/// by themselves, so they are cut.
const GRACE: Duration = Duration::from_millis(500);

/// How a mock is started. The default listens on a free port of loopback, records to a file without a
/// name, and reaches no other hosts.
#[derive(Debug)]
pub struct MockOptions<'a> {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How Box behaves.
    pub settings: Settings,
    /// The file to which its writes are appended, and from which it resumes.
    pub record: Option<&'a Path>,
    /// Whether a write is answered only when it is on the disk itself.
    pub fsync: bool,
    /// The faults that apply to calls.
    pub faults: Faults,
    /// The token that its admin API asks for.
    pub admin_token: Option<Secret>,
    /// How hosts that are not Box's are reached through it, as a proxy.
    pub egress: Egress,
    /// Which requests of browsers it refuses.
    pub guard: Guard,
    /// The folder that keeps its certificate authority; in memory where there is none.
    pub ca_dir: Option<&'a Path>,
    /// The cassettes that answer calls to other hosts, or record them. Its certificate authority then
    /// makes certificates for those hosts too, unless `ca_dir` keeps it.
    pub deck: Option<Arc<Deck>>,
}

impl Default for MockOptions<'_> {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::LOCALHOST, 0).into(),
            settings: Settings::default(),
            record: None,
            fsync: false,
            faults: Faults::default(),
            admin_token: None,
            egress: Egress::none(),
            guard: Guard::default(),
            ca_dir: None,
            deck: None,
        }
    }
}

/// Why a mock could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// The record file cannot be used.
    #[error(transparent)]
    Record(#[from] JournalError),
    /// The certificate authority cannot be made or kept.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// The system has no threads or descriptors to spare.
    #[error("cannot start the threads of the mock: {0}")]
    Threads(io::Error),
}

/// An event cannot be registered: a member is missing that every skill needs.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({pointer})")]
pub struct InvalidEvent {
    /// What is wrong.
    pub message: String,
    /// The JSON pointer of the member: `/source/id`.
    pub pointer: String,
}

/// A running mock Box. It serves on threads of its own, and ends when it is dropped: the
/// port is closed, and calls in flight get half a second.
///
/// ```
/// use serde_json::json;
/// use skillctl::{MockBox, MockOptions};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let _ = rustls::crypto::ring::default_provider().install_default();
/// let mock = MockBox::start(MockOptions::default()).await?;
/// let event = mock.register(&json!({
///     "source": {"id": "7", "name": "a.txt"},
///     "token": {"read": {"access_token": ""}, "write": {"access_token": ""}}
/// })).await?;
///
/// // What a skill does with its event:
/// let url = format!("{}/2.0/skill_invocations/137", mock.url());
/// let token = event["token"]["write"]["access_token"].as_str().unwrap_or_default();
/// let report = json!({
///     "status": "success",
///     "file": {"type": "file", "id": event["source"]["id"]},
///     "metadata": {"cards": []},
/// });
/// let client = reqwest::Client::new();
/// let request = client.put(url).bearer_auth(token).body(report.to_string());
/// assert_eq!(request.send().await?.status(), 200);
///
/// let writes = mock.writes()?;
/// assert_eq!(writes.len(), 1);
/// assert_eq!(writes[0].status.as_deref(), Some("success"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct MockBox {
    store: Arc<Store>,
    address: SocketAddr,
    warning: Option<String>,
    certificate: String,
    trust: watch::Sender<Option<Trust>>,
    /// Dropped, it ends the mock.
    stop: oneshot::Sender<()>,
    /// Closed when everything is closed.
    served: oneshot::Receiver<()>,
}

impl MockBox {
    /// Starts a mock; it listens when this returns.
    ///
    /// # Errors
    /// Where the address, the record file or the folder of the certificate authority cannot be used, or
    /// the system has no threads to spare.
    pub async fn start(options: MockOptions<'_>) -> Result<Self, StartError> {
        let clock = wall_clock();
        let now = clock();
        let listener = Listener::bind(options.listen).map_err(|source| StartError::Listen {
            address: options.listen,
            source,
        })?;
        let address = listener.local_addr();
        let (store, warning) = Store::start(
            store::Options {
                settings: options.settings,
                record: options.record,
                fsync: options.fsync,
                seed: seed(),
                faults: options.faults,
            },
            clock,
        )?;
        let authority = Arc::new(match options.ca_dir {
            None => CertificateAuthority::in_memory_for(now, other_hosts(options.deck.as_deref()))?,
            Some(folder) => CertificateAuthority::kept_in(folder, now)?,
        });
        let certificate = authority.certificate_pem().to_owned();
        let (trust, trust_made) = watch::channel(None);
        let admin = Admin {
            url: url_of(address),
            certificate: certificate.clone(),
            token: options.admin_token,
            page_token: Uuid::new_v4().to_string(),
            trust: trust_made,
        };
        let app = App::new(Arc::clone(&store), admin, address).behind(options.guard);
        let mut listener_options = ListenerOptions::new(authority, options.egress);
        listener_options.timeouts.grace = GRACE;
        listener_options.deck = options.deck;
        let (stop, stopped) = oneshot::channel();
        let serving = serve(listener, Arc::new(app), listener_options, async {
            // Nothing is ever sent.
            let _: Result<(), _> = stopped.await;
        });
        let served = run(serving).await.map_err(StartError::Threads)?;
        Ok(Self {
            store,
            address,
            warning,
            certificate,
            trust,
            stop,
            served,
        })
    }

    /// Its URL, as programs on this machine reach it: `http://127.0.0.1:7269`.
    pub fn url(&self) -> String {
        url_of(self.address)
    }

    /// The same as an address.
    pub fn address(&self) -> SocketAddr {
        reachable(self.address)
    }

    /// Registers an event, which makes it one that Box might have sent just now: its file exists,
    /// and it has fresh tokens. Returns the event with them.
    ///
    /// # Errors
    /// Where it has no `source.id` or lacks one of its two tokens, which may be empty.
    pub async fn register(&self, event: &Value) -> Result<Value, InvalidEvent> {
        let event = Invocation::read(Tape::from_value(event)).map_err(|found| InvalidEvent {
            message: found.message,
            pointer: found.pointer.to_string(),
        })?;
        let events = vec![(event.into_owned(), Registering::default())];
        let registered = self.store.register(events).await;
        let registered = registered.first().map(|event| Value::from(event.tree()));
        Ok(registered.unwrap_or_default())
    }

    /// The metadata writes since the start, or since the last reset, in order; with a record file
    /// also those that were resumed.
    ///
    /// # Errors
    /// Where the record file cannot be read.
    pub fn writes(&self) -> Result<Vec<WriteRecord>, JournalError> {
        self.store.records(0).collect()
    }

    /// A warning about the record file that was resumed.
    pub fn warning(&self) -> Option<&str> {
        self.warning.as_deref()
    }

    /// The certificate of its authority, in PEM.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// The mock without its sockets.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// Publishes where the files of its certificate are, for `GET /_mock/trust`.
    pub fn set_trust(&self, trust: Trust) {
        self.trust.send_replace(Some(trust));
    }

    /// Ends it, and returns when everything is closed and recorded.
    pub async fn stop(self) {
        drop(self.stop);
        // Nothing is ever sent. A panic of a thread was reported by itself.
        let _ = self.served.await;
        self.store.settle().await;
    }
}

/// The hosts besides Box's that cassettes need certificates for.
fn other_hosts(deck: Option<&Deck>) -> OtherHosts {
    match deck {
        None => OtherHosts::None,
        Some(deck) if deck.goes_out() => OtherHosts::All,
        Some(deck) => OtherHosts::Named(deck.hosts().to_vec()),
    }
}

fn url_of(address: SocketAddr) -> String {
    format!("http://{}", reachable(address))
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

/// The runtime that serves, whatever the caller's runtime is busy with: a thread for each core, up to
/// eight, because what they record goes into one file.
fn runtime() -> io::Result<Runtime> {
    const MAX_THREADS: usize = 8;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread()
        .thread_name("serve")
        .worker_threads(cores.min(MAX_THREADS))
        .enable_all()
        .build()
}

/// Serves on threads of its own, until `serving` ends. The channel that it returns is closed then.
async fn run(
    serving: impl Future<Output = ()> + Send + 'static,
) -> io::Result<oneshot::Receiver<()>> {
    let (start, started) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let serve = move || {
        let runtime = match runtime() {
            Ok(runtime) => runtime,
            Err(error) => return drop(start.send(Err(error))),
        };
        // The caller may have left; then `serving` ends at once.
        let _ = start.send(Ok(()));
        runtime.block_on(serving);
        // A disk read that no call waits for any more is abandoned.
        runtime.shutdown_background();
        drop(end);
    };
    thread::Builder::new()
        .name("listen".to_owned())
        .spawn(serve)?;
    started.await.map_err(io::Error::other)??;
    Ok(ended)
}

/// The seed of the ids and tokens of a mock, which must not be guessable.
fn seed() -> u64 {
    let (high, low) = Uuid::new_v4().as_u64_pair();
    high ^ low.rotate_left(32)
}
