//! The commands, tested by running the real binary.

mod support;
mod world;

mod basics;
mod replay;
mod sample_skill;
mod verdicts;
