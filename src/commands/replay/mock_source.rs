//! The mock of a run: one that the user names, one that already runs, or one of the run's own.

use std::{net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use url::Url;

use super::plan::{MockChoice, ReplayPlan, SkillChoice};
use crate::{
    client::Connections,
    commands::mock,
    env::Environment,
    exit::{Failure, Problem},
    replay::Mock,
    server::{
        mock::{MockBox, MockOptions},
        proxy::egress::Egress,
    },
    skill::runtimes::run_folder::{RunFolder, TrustFiles},
    terminal::Terminal,
};

/// The port of a mock by default.
const USUAL_PORT: u16 = 7269;

/// The mock of a run: one of another process, or its own.
pub(super) struct MockSource {
    pub(super) url: Url,
    own: Option<MockBox>,
    folder: Option<RunFolder>,
}

impl MockSource {
    /// The mock that the plan names, else the one on the usual port, else one of the run's own: on
    /// the usual port for a skill that is running already and knows no other, on a free port for a
    /// skill that the run starts. `None` for a run without a mock.
    pub(super) async fn open(
        plan: &ReplayPlan,
        environment: &Environment,
    ) -> Result<Option<Self>, Failure> {
        match &plan.mock {
            MockChoice::None => return Ok(None),
            MockChoice::At(url) => return Ok(Some(Self::other(url.clone()))),
            MockChoice::FoundOrStarted => {}
        }
        let usual = SocketAddr::from(([127, 0, 0, 1], USUAL_PORT));
        if let Some(url) = answering(usual, environment).await {
            return Ok(Some(Self::other(url)));
        }
        let listen = match plan.skill {
            SkillChoice::Running(_) => usual,
            SkillChoice::Started(..) => SocketAddr::from(([127, 0, 0, 1], 0)),
        };
        let own = mock::start(MockOptions {
            listen,
            egress: Egress::from_environment(environment),
            ..MockOptions::default()
        })
        .await?;
        let url = Url::parse(&own.url())
            .map_err(|error| Problem::new(format!("the mock has no URL: {error}")).outside())?;
        Ok(Some(Self {
            url,
            own: Some(own),
            folder: None,
        }))
    }

    /// Ends the mock, where it is the run's own.
    pub(super) async fn end(self) {
        if let Some(own) = self.own {
            own.stop().await;
        }
    }

    fn other(url: Url) -> Self {
        Self {
            url,
            own: None,
            folder: None,
        }
    }

    /// The files that make a skill's TLS trust this mock. A mock of another process says where its
    /// own are; where they are not on this machine, only the base URLs point the skill at it.
    pub(super) async fn trust(
        &mut self,
        environment: &Environment,
        terminal: &Terminal,
    ) -> Result<Option<TrustFiles>, Failure> {
        let Some(own) = &self.own else {
            let mock = Mock::new(Connections::new(environment), self.url.clone(), None);
            let trust = mock
                .trust()
                .await
                .map_err(|error| Problem::new(error.to_string()).outside())?;
            return Ok(match (trust.ca, trust.bundle, trust.preload) {
                (Some(ca), Some(bundle), Some(preload)) if ca.exists() => Some(TrustFiles {
                    ca,
                    bundle,
                    preload,
                }),
                _ => None,
            });
        };
        let folder = mock::trust_files(own, environment).await?;
        for warning in &folder.warnings {
            terminal.warn(warning);
        }
        let files = folder.files();
        self.folder = Some(folder);
        Ok(Some(files))
    }
}

/// The mock on the usual port, if one answers there.
async fn answering(address: SocketAddr, environment: &Environment) -> Option<Url> {
    const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);
    timeout(ANSWER_TIMEOUT, TcpStream::connect(address))
        .await
        .ok()?
        .ok()?;
    let url = Url::parse(&format!("http://{address}")).ok()?;
    let mock = Mock::new(Connections::new(environment), url.clone(), None);
    timeout(ANSWER_TIMEOUT, mock.health()).await.ok()?.ok()?;
    Some(url)
}
