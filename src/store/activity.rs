//! What happens, for those who follow it: the notices and the call log.

use super::{call_log::CallLog, notices::Notices};

/// What happens in a mock.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Everything that happens, in order.
    pub(super) notices: Notices,
    /// The last calls, with heads and bodies.
    pub(super) call_log: CallLog,
}
