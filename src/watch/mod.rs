//! Files that change: a folder of this machine that a mock serves as files and folders of Box.

pub mod folder;
mod inspect;
mod sync;
mod unsettled;
