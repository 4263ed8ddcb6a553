//! The commands, tested by running the real binary.

mod support;

mod basics;
mod sample_skill;
