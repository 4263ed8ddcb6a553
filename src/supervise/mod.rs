//! A skill command as a child process: started in a process group of its own, watched, its output
//! kept, and ended with everything it started; and the variables that lead it to a mock.
//!
//! What is sent to the skill, and what it means when it dies, is for the commands.

pub mod handler;
pub mod output;
pub mod ports;
pub mod process;
pub mod run_folder;
pub mod variables;
