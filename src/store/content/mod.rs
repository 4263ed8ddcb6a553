//! The bytes of files: where they are while the mock runs, and what is made of them, the text of a
//! document and the thumbnail of a picture. Which file has which content is the state's.

pub mod docx;
pub mod file;
pub mod picture;
pub mod spool;
