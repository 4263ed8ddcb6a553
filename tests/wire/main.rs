//! The one port, tested over real sockets with a handler that says back what it was given.

mod authority;
mod support;

mod faults;
mod hostile;
mod http;
mod proxy;
mod tls;
