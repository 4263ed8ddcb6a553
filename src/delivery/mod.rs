//! The delivery of an event to a Skill, as Box does it: headers, signatures, envelope, deadline. A
//! client makes one attempt and returns its reply; callers repeat attempts by the one [`schedule`].

mod answer;
mod callback;
mod client;
mod direct;
mod general;
mod headers;
mod resettable_timeout;
pub mod schedule;

pub use callback::CallbackClient;
pub use client::{Delivery, Envelope, SkillClient, SkillConnection};
pub use resettable_timeout::ResettableTimeout;
