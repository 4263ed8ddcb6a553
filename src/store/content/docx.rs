//! The words of a .docx: its zip and XML read just far enough for the representation
//! `extracted_text`. Nothing is unpacked as a whole, and no file, however it is made, takes more
//! than the limits here.

use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, SeekFrom};

use flate2::read::DeflateDecoder;
use quick_xml::{Reader, events::Event};

use super::file;
use crate::mock_box::Source;

/// The part of the zip that holds the words.
const DOCUMENT: &[u8] = b"word/document.xml";
/// The most of its XML that is read, in bytes after unpacking.
const MAX_XML: u64 = 32 * 1024 * 1024;
/// The most text that is given, in bytes.
const MAX_TEXT: usize = 4 * 1024 * 1024;

/// Why a document has no words to give.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It cannot be read from disk, or ends too early.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is not a zip archive.
    #[error("it is not a zip archive")]
    NoZip,
    /// It is a zip without a document in it.
    #[error("there is no word/document.xml in it")]
    NoDocument,
    /// Its document is packed in a way that is not read here.
    #[error("its document is packed by method {0}, not by deflate")]
    Method(u16),
    /// Its document is not XML.
    #[error("its document is not valid XML: {0}")]
    Xml(#[from] quick_xml::Error),
}

/// The words of the document in `source`, a line for each paragraph, cut off at 4 MiB.
///
/// # Errors
/// Where it cannot be read as a document.
pub fn text(source: &Source) -> Result<String, DocumentError> {
    match source {
        Source::Static(bytes) => text_of(Cursor::new(*bytes)),
        Source::Spooled(path) | Source::Disk(path) => text_of(file::open(path)?),
    }
}

/// The words of the document in the bytes of a zip, as [`text`] gives them.
///
/// # Errors
/// Where it cannot be read as a document.
pub fn text_of(mut zip: impl Read + Seek) -> Result<String, DocumentError> {
    let directory = find_directory(&mut zip)?;
    let entry = find_document(&mut zip, &directory)?;
    zip.seek(SeekFrom::Start(entry.offset))?;
    let head: [u8; 30] = read_array(&mut zip)?;
    if !head.starts_with(b"PK\x03\x04") {
        return Err(DocumentError::NoZip);
    }
    // Name and extra field are repeated before the bytes, and the extra field may have another
    // length there.
    let skip = i64::from(u16_at(&head, 26)) + i64::from(u16_at(&head, 28));
    zip.seek(SeekFrom::Current(skip))?;
    let packed = zip.take(entry.packed);
    match entry.method {
        0 => words(packed.take(MAX_XML)),
        8 => words(DeflateDecoder::new(packed).take(MAX_XML)),
        other => Err(DocumentError::Method(other)),
    }
}

/// The list of what a zip holds.
struct Directory {
    offset: u64,
    entries: u16,
}

/// One thing that a zip holds.
struct Entry {
    method: u16,
    packed: u64,
    offset: u64,
}

/// The end of a zip, where it says where its list is: behind it only a comment of at most 64 KiB.
fn find_directory(zip: &mut (impl Read + Seek)) -> Result<Directory, DocumentError> {
    const END: usize = 22;
    let length = zip.seek(SeekFrom::End(0))?;
    let tail = length.min(u64::from(u16::MAX) + END as u64);
    zip.seek(SeekFrom::Start(length - tail))?;
    let mut bytes = Vec::new();
    zip.take(tail).read_to_end(&mut bytes)?;
    let at = bytes
        .windows(END)
        .rposition(|window| window.starts_with(b"PK\x05\x06"))
        .ok_or(DocumentError::NoZip)?;
    let end = &bytes[at..];
    Ok(Directory {
        entries: u16_at(end, 10),
        offset: u64::from(u32_at(end, 16)),
    })
}

/// Walks the list to the document, holding one name at a time.
fn find_document(
    zip: &mut (impl Read + Seek),
    directory: &Directory,
) -> Result<Entry, DocumentError> {
    zip.seek(SeekFrom::Start(directory.offset))?;
    let mut list = BufReader::new(zip);
    for _ in 0..directory.entries {
        let head: [u8; 46] = read_array(&mut list)?;
        if !head.starts_with(b"PK\x01\x02") {
            return Err(DocumentError::NoZip);
        }
        let mut name = vec![0; usize::from(u16_at(&head, 28))];
        list.read_exact(&mut name)?;
        if name == DOCUMENT {
            return Ok(Entry {
                method: u16_at(&head, 10),
                packed: u64::from(u32_at(&head, 20)),
                offset: u64::from(u32_at(&head, 42)),
            });
        }
        let skip = u64::from(u16_at(&head, 30)) + u64::from(u16_at(&head, 32));
        io::copy(&mut (&mut list).take(skip), &mut io::sink())?;
    }
    Err(DocumentError::NoDocument)
}

fn read_array<const N: usize>(from: &mut impl Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The text of the runs (`w:t`) of a document's XML, with its tabs, breaks and paragraphs.
///
/// # Errors
/// Where it is not XML.
pub fn words(xml: impl Read) -> Result<String, DocumentError> {
    let mut reader = Reader::from_reader(BufReader::new(xml));
    // What is wrong with the pairs of tags does not matter to the words.
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let mut text = Words::default();
    let mut buffer = Vec::new();
    while text.kept.len() < MAX_TEXT && text.take(&mut reader, &mut buffer)? {
        buffer.clear();
    }
    Ok(text.kept)
}

#[derive(Default)]
struct Words {
    kept: String,
    is_run: bool,
}

impl Words {
    /// Takes the next piece; false at the end.
    fn take<R: BufRead>(
        &mut self,
        reader: &mut Reader<R>,
        buffer: &mut Vec<u8>,
    ) -> Result<bool, quick_xml::Error> {
        match reader.read_event_into(buffer)? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "t" => self.is_run = true,
                other => self.blank(other),
            },
            Event::Empty(tag) => self.blank(tag.local_name().as_ref()),
            Event::End(tag) => match tag.local_name().as_ref() {
                "t" => self.is_run = false,
                "p" => self.kept.push('\n'),
                _ => {}
            },
            Event::Text(piece) if self.is_run => self.keep(&piece.xml10_content()),
            Event::CData(piece) if self.is_run => self.keep(&piece.xml10_content()),
            Event::GeneralRef(reference) if self.is_run => {
                let named = quick_xml::escape::resolve_predefined_entity(&reference);
                match (reference.resolve_char_ref()?, named) {
                    (Some(character), _) => self.kept.push(character),
                    (None, Some(known)) => self.keep(known),
                    (None, None) => {}
                }
            }
            Event::Eof => return Ok(false),
            _ => {}
        }
        Ok(true)
    }

    fn blank(&mut self, tag: &str) {
        match tag {
            "tab" => self.kept.push('\t'),
            "br" | "cr" => self.kept.push('\n'),
            _ => {}
        }
    }

    /// Keeps as much of a piece as the limit permits.
    fn keep(&mut self, piece: &str) {
        let mut length = MAX_TEXT.saturating_sub(self.kept.len()).min(piece.len());
        while !piece.is_char_boundary(length) {
            length -= 1;
        }
        self.kept.push_str(&piece[..length]);
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::DeflateEncoder};
    use proptest::prelude::*;

    use super::*;

    const HEAD: &str = "<?xml version=\"1.0\"?><w:document xmlns:w=\"x\"><w:body>";

    /// A zip that holds `xml` as its document behind another entry.
    fn docx(xml: &[u8], method: u16) -> Vec<u8> {
        let mut zip = Vec::new();
        let mut list = Vec::new();
        let packed = if method == 8 {
            let mut deflate = DeflateEncoder::new(Vec::new(), Compression::fast());
            deflate.write_all(xml).expect("memory");
            deflate.finish().expect("memory")
        } else {
            xml.to_vec()
        };
        for (name, bytes, method) in [
            (b"_rels/.rels".as_slice(), b"x".as_slice(), 0),
            (DOCUMENT, &packed, method),
        ] {
            let offset = u32::try_from(zip.len()).expect("small");
            let size = u32::try_from(bytes.len()).expect("small");
            let name_length = u16::try_from(name.len()).expect("small");
            zip.extend_from_slice(b"PK\x03\x04");
            zip.extend_from_slice(&[0; 22]);
            zip.extend_from_slice(&name_length.to_le_bytes());
            zip.extend_from_slice(&3_u16.to_le_bytes());
            zip.extend_from_slice(&[name, b"+++", bytes].concat());
            list.extend_from_slice(b"PK\x01\x02\0\0\0\0\0\0");
            list.extend_from_slice(&method.to_le_bytes());
            list.extend_from_slice(&[0; 8]);
            list.extend_from_slice(&size.to_le_bytes());
            list.extend_from_slice(&[0; 4]);
            list.extend_from_slice(&name_length.to_le_bytes());
            list.extend_from_slice(&[0; 12]);
            list.extend_from_slice(&offset.to_le_bytes());
            list.extend_from_slice(name);
        }
        let start = u32::try_from(zip.len()).expect("small");
        zip.extend_from_slice(&list);
        zip.extend_from_slice(b"PK\x05\x06\0\0\0\0\x02\0\x02\0\0\0\0\0");
        zip.extend_from_slice(&start.to_le_bytes());
        zip.extend_from_slice(b"\0\0");
        zip
    }

    fn read(bytes: &[u8]) -> Result<String, DocumentError> {
        text_of(Cursor::new(bytes))
    }

    #[test]
    fn words_come_with_their_paragraphs_breaks_tabs_and_entities() {
        let xml = format!(
            "{HEAD}<w:p><w:r><w:t>Tom &amp; J&#233;r</w:t><w:tab/><w:t xml:space=\"preserve\"> x \
             </w:t></w:r></w:p><w:p><w:r><w:delText>gone</w:delText><w:br/><w:t>é</w:t></w:r>\
             </w:p></w:body></w:document>"
        );
        for method in [0, 8] {
            let text = read(&docx(xml.as_bytes(), method)).expect("text");
            assert_eq!(text, "Tom & Jér\t x \n\né\n");
        }
    }

    #[test]
    fn the_placeholder_document_has_words() {
        let source = crate::mock_box::model::content::placeholder("a.docx").source;
        let text = text(&source).expect("text");
        assert_eq!(text, "A placeholder of one paragraph\n");
    }

    #[test]
    fn a_zip_bomb_gives_no_more_than_the_limit() {
        let mut xml = format!("{HEAD}<w:p><w:r><w:t>").into_bytes();
        xml.resize(33 * 1024 * 1024, b'x');
        let bomb = docx(&xml, 8);
        assert!(bomb.len() < 1_000_000);
        // Its one word never ends within what is read.
        assert!(read(&bomb).is_ok_and(|text| text.len() <= MAX_TEXT));

        let mut xml = format!("{HEAD}<w:p>").into_bytes();
        for _ in 0..530_000 {
            xml.extend_from_slice(b"<w:r><w:t>xxxxxxxx</w:t></w:r>");
        }
        let text = read(&docx(&xml, 8)).expect("text");
        assert_eq!(text.len(), MAX_TEXT);
    }

    #[test]
    fn entities_of_a_documents_own_are_not_expanded() {
        let mut entities = String::from("<!DOCTYPE d [<!ENTITY a0 \"lol\">");
        for level in 1..=20 {
            let before = format!("&a{};", level - 1).repeat(10);
            entities += &["<!ENTITY a", &level.to_string(), " \"", &before, "\">"].concat();
        }
        entities.push_str("<!ENTITY file SYSTEM \"file:///etc/passwd\">]>");
        let xml = format!("{entities}{HEAD}<w:p><w:t>a&a20;b&file;c</w:t></w:p>");
        assert_eq!(read(&docx(xml.as_bytes(), 8)).expect("text"), "abc\n");
    }

    #[test]
    fn a_document_among_very_many_entries_or_nested_deep_is_read() {
        let one = docx(format!("{HEAD}<w:p><w:t>a</w:t></w:p>").as_bytes(), 0);
        let list = one
            .windows(4)
            .position(|at| at == b"PK\x01\x02")
            .expect("a list");
        let first_entry = one[list..list + 46 + b"_rels/.rels".len()].to_vec();
        let mut many = one[..list].to_vec();
        many.extend(first_entry.repeat(65_534));
        many.extend_from_slice(&one[list..]);
        let end = many.len() - 22;
        many[end + 8..end + 12].fill(0xff);
        // One more than the list may have: the document is the last that is counted.
        assert!(matches!(read(&many), Err(DocumentError::NoDocument)));
        let deep = format!("{HEAD}{}<w:t>a</w:t>", "<w:p>".repeat(500_000));
        assert_eq!(read(&docx(deep.as_bytes(), 8)).expect("text"), "a");
    }

    #[test]
    fn a_file_that_is_not_a_document_is_refused_with_the_reason() {
        assert!(matches!(read(b""), Err(DocumentError::NoZip)));
        assert!(matches!(read(b"words"), Err(DocumentError::NoZip)));
        let other = docx(b"<a/>", 12);
        assert!(matches!(read(&other), Err(DocumentError::Method(12))));
        let zip = include_bytes!("../../../fixtures/files/placeholder.zip");
        assert!(matches!(read(zip), Err(DocumentError::NoDocument)));
        assert!(read(&docx(b"<a><b", 0)).is_err());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = read(&bytes);
            let _ = read(&docx(&bytes, 8));
        }

        #[test]
        fn no_damage_makes_it_panic(at in 0_usize..400, byte in any::<u8>()) {
            let mut zip = docx(format!("{HEAD}<w:p><w:t>a</w:t></w:p>").as_bytes(), 8);
            let at = at % zip.len();
            zip[at] = byte;
            let _ = read(&zip);
        }
    }
}
