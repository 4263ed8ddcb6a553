//! The skill of a `replay` or a `mock-box`: one that is already running, or a program that is started
//! with variables that point it at the mock, and stopped with all of its processes.

mod access;
mod launch;
mod output;
mod running;

pub(super) use self::{
    access::{connections, log, path_alone},
    launch::{SkillLaunch, start},
    output::{SkillLog, report_lines},
    running::{RunningSkill, connect},
};
