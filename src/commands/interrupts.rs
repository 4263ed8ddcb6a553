//! SIGINT and SIGTERM: after the first, work under way is finished; after the second, it is ended at
//! once.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// The signals received so far.
#[derive(Clone, Debug)]
pub(super) struct Interrupts {
    /// True after the first signal: nothing new is started.
    pub(super) stop: watch::Receiver<bool>,
    /// True after the second signal: everything ends at once.
    at_once: watch::Receiver<bool>,
}

impl Interrupts {
    /// Starts to listen. Must be called inside a Tokio runtime.
    pub(super) fn listen() -> Self {
        let (stop, stopped) = watch::channel(false);
        let (at_once, ended) = watch::channel(false);
        // The handlers are installed here, so that no signal is lost later.
        let signals = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        );
        tokio::spawn(async move {
            if let (Ok(mut pressed), Ok(mut terminated)) = signals {
                for received in [&stop, &at_once] {
                    tokio::select! {
                        _ = pressed.recv() => {}
                        _ = terminated.recv() => {}
                    }
                    received.send_replace(true);
                }
            }
            // A run reads the channels until its end.
            stop.closed().await;
            at_once.closed().await;
        });
        Self {
            stop: stopped,
            at_once: ended,
        }
    }

    /// Whether a signal was received.
    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns after the first signal; never if signals cannot be received.
    pub(super) async fn stopped(&self) {
        wait(self.stop.clone()).await;
    }

    /// Returns after the second signal.
    pub(super) async fn ended(&self) {
        wait(self.at_once.clone()).await;
    }
}

async fn wait(mut received: watch::Receiver<bool>) {
    if received.wait_for(|received| *received).await.is_err() {
        std::future::pending::<()>().await;
    }
}
