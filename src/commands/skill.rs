//! The skill of a `replay` or a `mock-box`: one that is already running, or a program that is started
//! with variables that point it at the mock, and stopped with all of its processes.

mod launch;
mod output;
mod running;

pub(super) use self::{
    launch::{SkillLaunch, start},
    running::{RunningSkill, connect},
};
