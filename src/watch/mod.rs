//! Files that change: a folder of this machine that a mock serves as files and folders of Box, and the
//! files of a project, for `--watch`. Both use the system's notifications through `notify`, but have
//! little else in common: a served folder is mirrored completely, with moves and copies, once each file
//! has settled; of a project only the paths that changed matter, soon.

pub mod folder;
mod inspect;
pub mod sources;
mod sync;
mod tree;
mod unsettled;
