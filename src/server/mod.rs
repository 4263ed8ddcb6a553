//! Sockets: one port that speaks HTTP/1.1 in clear and over TLS and acts as a proxy, its limits
//! and time-outs, the carrying out of faults, and the handler that brings calls to the host and
//! to the admin API. What is answered is decided by the state machine.

mod address;
pub mod admin;
pub mod app;
pub mod authority;
mod connection;
pub mod egress;
mod forward;
pub mod guard;
pub mod multipart;
pub mod port;
mod respond;
mod service;
mod stream;
mod watch;
pub mod wire;
mod workers;
