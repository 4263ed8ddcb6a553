//! The mock of a run: one that the user names, one that is already running, or the run's own.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use url::Url;

use super::plan::{MockChoice, ReplayPlan, SkillChoice};
use crate::{
    client::Connections,
    commands::mock,
    domain::{cassette::deck::Deck, secret::redact_url},
    env::Environment,
    exit::{Failure, Problem},
    render::text::{Line, Role},
    replay::{Mock, mock::Health},
    server::{
        mock::{MockBox, MockOptions},
        proxy::egress::Egress,
    },
    skill::runtimes::{
        own::own_environment,
        run_folder::{Reach, RunFiles, RunFolder},
    },
    terminal::Terminal,
};

/// The default port of a mock.
const DEFAULT_PORT: u16 = 7269;

/// The mock of a run: that of another process, or its own.
pub(super) struct MockSource {
    pub(super) url: Url,
    own: Option<MockBox>,
    reach: Reach,
    folder: Option<RunFolder>,
}

impl MockSource {
    /// The mock that the plan names, else the one on the default port, else a new one: on the default
    /// port for a skill that is already running, on a free port for a skill that the run starts.
    /// `None` for a run without a mock.
    pub(super) async fn open(
        plan: &ReplayPlan<'_>,
        deck: Option<Arc<Deck>>,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Option<Self>, Failure> {
        match &plan.mock {
            MockChoice::None => return Ok(None),
            MockChoice::At(url) => {
                let mock = Mock::new(Connections::new(environment), url.clone(), None);
                let health = mock
                    .health()
                    .await
                    .map_err(|error| Problem::new(error.to_string()).outside())?;
                return Ok(Some(Self::other(url.clone(), &health, terminal)));
            }
            MockChoice::FoundOrStarted => {}
        }
        let default = SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT));
        // A mock that another process started may permit other hosts, and has other cassettes.
        if !plan.no_egress
            && deck.is_none()
            && let Some((url, health)) = answering(default, environment).await
        {
            return Ok(Some(Self::other(url, &health, terminal)));
        }
        let listen = match plan.skill {
            SkillChoice::Running(_) => default,
            SkillChoice::Started(..) => SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let reach = match &deck {
            Some(deck) if deck.goes_out() => Reach::ThroughMock,
            Some(_) => Reach::MockAlone,
            None if plan.no_egress => Reach::NoOther,
            None => Reach::Direct,
        };
        let own = mock::start(MockOptions {
            listen,
            deck,
            egress: if plan.no_egress {
                Egress::none()
            } else {
                Egress::from_environment(&own_environment(environment))
            },
            ..MockOptions::default()
        })
        .await?;
        let url = Url::parse(&own.url())
            .map_err(|error| Problem::new(format!("the mock has no URL: {error}")).outside())?;
        Ok(Some(Self {
            url,
            own: Some(own),
            reach,
            folder: None,
        }))
    }

    /// Whether the run started it.
    pub(super) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// Resets the mock, if it is the run's own.
    pub(super) async fn reset(&self) {
        if let Some(own) = &self.own {
            // It fails only if a record cannot be written, and this mock writes none.
            let _ = own.store().reset().await;
        }
    }

    /// Stops the mock, if it is the run's own.
    pub(super) async fn end(self) {
        if let Some(own) = self.own {
            own.stop().await;
        }
    }

    /// A mock that the run did not start, which is printed.
    fn other(url: Url, health: &Health, terminal: &Terminal) -> Self {
        let version = health.version.as_deref().unwrap_or("of an unknown version");
        terminal.note_line(
            Line::from("using the mock on ")
                .with(Role::Strong, redact_url(&url).trim_end_matches('/'))
                .plain(format!(" (skillctl {version})")),
        );
        Self {
            url,
            own: None,
            reach: Reach::Direct,
            folder: None,
        }
    }

    /// The files by which a skill reaches and trusts the mock. A mock of another process reports
    /// where its files are. If they are not on this machine, only the base URLs point the skill at
    /// it.
    pub(super) async fn trust(
        &mut self,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Option<RunFiles>, Failure> {
        let Some(own) = &self.own else {
            let mock = Mock::new(Connections::new(environment), self.url.clone(), None);
            let trust = mock
                .trust()
                .await
                .map_err(|error| Problem::new(error.to_string()).outside())?;
            return Ok(trust.ca.as_deref().and_then(RunFiles::next_to));
        };
        if let Some(folder) = &self.folder {
            return Ok(Some(folder.files()));
        }
        let folder = mock::trust_files(own, self.reach, environment).await?;
        for warning in &folder.warnings {
            terminal.warn(warning);
        }
        let files = folder.files();
        self.folder = Some(folder);
        Ok(Some(files))
    }
}

/// The mock at an address, if one answers there.
async fn answering(address: SocketAddr, environment: &Environment) -> Option<(Url, Health)> {
    const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
    timeout(ANSWER_TIMEOUT, TcpStream::connect(address))
        .await
        .ok()?
        .ok()?;
    let url = Url::parse(&format!("http://{address}")).ok()?;
    let mock = Mock::new(Connections::new(environment), url.clone(), None);
    let health = timeout(ANSWER_TIMEOUT, mock.health()).await.ok()?.ok()?;
    Some((url, health))
}
