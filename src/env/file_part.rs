//! A part of a file, read by offset: neither the file's name nor its cursor matters, and others may
//! read and append meanwhile.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::FileExt,
    sync::Arc,
};

/// The bytes of a file from one offset to before another, or to its end.
#[derive(Debug)]
pub struct FilePart {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl FilePart {
    /// The bytes from offset `at` to before offset `end`.
    pub fn new(file: Arc<File>, at: u64, end: u64) -> Self {
        Self { file, at, end }
    }

    /// All bytes.
    pub fn whole(file: Arc<File>) -> Self {
        Self::new(file, 0, u64::MAX)
    }
}

impl Read for FilePart {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let length = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..length], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_where_it_should_and_readers_do_not_disturb_each_other() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a");
        std::fs::write(&path, "0123456789").expect("it is written");
        let file = Arc::new(File::open(&path).expect("it opens"));
        let mut parts = [
            FilePart::new(Arc::clone(&file), 3, 7),
            FilePart::whole(file),
        ];
        let mut first = [0; 2];
        parts[0].read_exact(&mut first).expect("two bytes");
        let mut rest = parts.map(|mut part| {
            let mut text = String::new();
            part.read_to_string(&mut text).expect("it reads");
            text
        });
        assert_eq!((&first, rest[0].as_str()), (b"34", "56"));
        assert_eq!(std::mem::take(&mut rest[1]), "0123456789");
    }
}
