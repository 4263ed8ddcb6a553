//! What the user wants ended, and how soon: the first Ctrl-C lets what is in flight finish, the
//! second ends at once. SIGTERM counts as one.

use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// The wish to end.
#[derive(Clone, Debug)]
pub(super) struct Interrupts {
    /// True once nothing new is to be begun.
    pub(super) stop: watch::Receiver<bool>,
    /// True once everything is to be ended.
    pub(super) at_once: watch::Receiver<bool>,
}

impl Interrupts {
    /// Begins to listen. Must be called inside a Tokio runtime.
    pub(super) fn listen() -> Self {
        let (stop, stopped) = watch::channel(false);
        let (at_once, ended) = watch::channel(false);
        // Both are heard from here on: between two waits none is lost.
        let signals = (
            signal(SignalKind::interrupt()),
            signal(SignalKind::terminate()),
        );
        tokio::spawn(async move {
            if let (Ok(mut pressed), Ok(mut terminated)) = signals {
                for wish in [&stop, &at_once] {
                    tokio::select! {
                        _ = pressed.recv() => {}
                        _ = terminated.recv() => {}
                    }
                    wish.send_replace(true);
                }
            }
            // Held open: a run asks until its end.
            stop.closed().await;
            at_once.closed().await;
        });
        Self {
            stop: stopped,
            at_once: ended,
        }
    }

    /// Whether the user wants an end.
    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Returns when nothing new is to be begun; never, where nobody can say so.
    pub(super) async fn stopped(&self) {
        wait(self.stop.clone()).await;
    }

    /// Returns when everything is to be ended.
    pub(super) async fn ended(&self) {
        wait(self.at_once.clone()).await;
    }
}

async fn wait(mut wish: watch::Receiver<bool>) {
    if wish.wait_for(|wish| *wish).await.is_err() {
        std::future::pending::<()>().await;
    }
}
