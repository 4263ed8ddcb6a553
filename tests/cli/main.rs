//! The commands, tested by running the real binary.

mod support;
mod tiny_box;
mod world;

mod admin;
mod basics;
mod box_client;
mod capture;
mod cards;
mod completions;
mod crash;
mod docs;
mod env;
mod event;
mod faults;
mod fetch;
mod fetch_mock;
mod handler;
mod help;
mod hostile;
mod inputs;
mod layers;
mod load;
mod misbehaviour;
mod mock_box;
mod mock_log;
mod mock_port;
mod pump;
mod record;
mod record_lost;
mod replay;
mod reports;
mod sample_skill;
mod secrets;
mod skill_start;
mod verdicts;
