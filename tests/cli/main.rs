//! The commands, tested by running the real binary.

mod support;
mod world;

mod basics;
mod replay;
mod event;
mod handler;
mod tiny_box;

mod basics;
mod fetch;
mod env;
mod sample_skill;
mod verdicts;
