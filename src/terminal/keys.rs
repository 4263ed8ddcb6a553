//! Single keys from the terminal, without Enter. The terminal's settings are restored on drop.

use std::{
    io::{self, Read},
    thread,
};

use rustix::{
    process::getpgrp,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetpgrp, tcsetattr},
};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// The keys that are pressed. Ctrl-C stays a signal.
#[derive(Debug)]
pub struct Keys {
    pressed: UnboundedReceiver<char>,
    before: Termios,
}

impl Keys {
    /// Starts to read keys, if standard input is a terminal and this process is in its foreground: a
    /// process in the background would be stopped.
    pub fn listen() -> Option<Self> {
        let before = tcgetattr(io::stdin()).ok()?;
        if tcgetpgrp(io::stdin()).ok()? != getpgrp() {
            return None;
        }
        let mut settings = before.clone();
        settings.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
        tcsetattr(io::stdin(), OptionalActions::Now, &settings).ok()?;
        let (sender, pressed) = unbounded_channel();
        // A read cannot be cancelled: the thread ends with the process.
        thread::spawn(move || {
            let mut byte = [0];
            while io::stdin()
                .lock()
                .read(&mut byte)
                .is_ok_and(|read| read > 0)
            {
                if sender.send(char::from(byte[0])).is_err() {
                    return;
                }
            }
        });
        Some(Self { pressed, before })
    }

    /// Waits for the next key. Never returns after the end of the input.
    pub async fn next(&mut self) -> char {
        match self.pressed.recv().await {
            Some(key) => key,
            None => std::future::pending().await,
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        // There is nobody to report an error to.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}
