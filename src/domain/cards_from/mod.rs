//! Cards from what skills already have: the results of machine-learning services, subtitles, text.
//! A result is read into one form, [`content::Content`], and cards are made of that.

pub mod cards;
pub mod content;
mod failure;
pub mod format;
mod formats;
pub mod read;
#[cfg(test)]
mod tests;
mod value;
pub mod words;
