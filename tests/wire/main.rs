//! The listener and its connections, over real sockets, with a handler that echoes requests.

mod authority;
mod support;

mod faults;
mod hostile;
mod http;
mod proxy;
mod tls;
