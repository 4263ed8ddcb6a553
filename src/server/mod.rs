//! Sockets, in three layers: a listener that speaks HTTP/1.1 in clear and over TLS and acts as a
//! proxy, its connections with their limits, time-outs and faults, and bodies. The app behind them
//! takes calls to the host and to the admin API. What is answered is decided in `mock_box`.

pub mod admin;
pub mod app;
pub mod body;
pub mod certificate_authority;
mod connection;
pub mod guard;
pub mod handler;
mod inspector;
pub mod limit;
pub mod listener;
pub mod mock;
pub mod multipart;
pub mod options;
pub mod proxy;
mod raw_part;
mod respond;
