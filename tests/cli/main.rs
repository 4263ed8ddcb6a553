//! The commands, tested by running the real binary.

mod support;
mod world;

mod basics;
mod replay;
mod event;
mod handler;
mod sample_skill;
mod verdicts;
