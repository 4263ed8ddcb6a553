//! The mock of a run: one that the user names, one that is already there, or one of the run's own.

use std::{net::SocketAddr, time::Duration};

use tokio::{net::TcpStream, time::timeout};
use url::Url;

use crate::{
    cli::replay::ReplayArgs,
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

/// Where a mock listens unless it is told otherwise.
const USUAL_PORT: u16 = 7269;

/// The mock of a run: another's, or its own.
pub(super) struct BoxSide {
    pub(super) url: Url,
    own: Option<MockBox>,
    folder: Option<RunFolder>,
}

impl BoxSide {
    /// The one that `--box` names, else the one on the usual port, else one of our own: on the
    /// usual port for a Skill that already runs and can know no other, on a free one for a Skill
    /// that is started here.
    pub(super) async fn find(
        arguments: &ReplayArgs,
        environment: &Environment,
    ) -> Result<Self, Failure> {
        let usual = SocketAddr::from(([127, 0, 0, 1], USUAL_PORT));
        if let Some(url) = &arguments.box_url {
            return Ok(Self::other(url.clone()));
        }
        if let Some(url) = answering(usual, environment).await {
            return Ok(Self::other(url));
        }
        let starts_skill =
            arguments.sample_skill || arguments.handler.is_some() || !arguments.command.is_empty();
        let listen = if starts_skill {
            SocketAddr::from(([127, 0, 0, 1], 0))
        } else {
            usual
        };
        let own = mock::start(MockOptions {
            listen,
            egress: Egress::from_environment(environment),
            ..MockOptions::default()
        })
        .await?;
        let url = Url::parse(&own.url())
            .map_err(|error| Problem::new(format!("the mock has no URL: {error}")).outside())?;
        Ok(Self {
            url,
            own: Some(own),
            folder: None,
        })
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

    /// The files that lead a Skill's TLS to this mock. Those of another's mock are found where it
    /// says, on the same machine; else the Skill is led by its base URLs alone.
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
    const PATIENCE: Duration = Duration::from_secs(2);
    timeout(PATIENCE, TcpStream::connect(address))
        .await
        .ok()?
        .ok()?;
    let url = Url::parse(&format!("http://{address}")).ok()?;
    let mock = Mock::new(Connections::new(environment), url.clone(), None);
    timeout(PATIENCE, mock.health()).await.ok()?.ok()?;
    Some(url)
}
