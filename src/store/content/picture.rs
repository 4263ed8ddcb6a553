//! Converts pictures: the representations `jpg` and `png` of a picture. The memory to decode one is
//! bounded, whatever size its head declares.

use std::io::{BufRead, BufReader, Cursor, Seek};

use image::{DynamicImage, ImageFormat, Limits, imageops::FilterType};

use super::file;
use crate::{
    domain::picture::decode_upright,
    mock_box::{PictureOf, Source},
};

/// The most pixels in either direction.
const MAX_PIXELS: u32 = 16_384;
/// The most memory for decoding, in bytes.
const MAX_MEMORY: u64 = 128 * 1024 * 1024;

/// Why a picture cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PictureError {
    /// It cannot be read from disk.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is not a picture, or it is too large.
    #[error("it is not a picture: {0}")]
    Picture(#[from] image::ImageError),
}

/// The bytes of the requested picture: of the requested type, and scaled down if it is larger than
/// requested.
///
/// # Errors
/// Where the source cannot be read as a picture.
pub fn make(wanted: &PictureOf) -> Result<Vec<u8>, PictureError> {
    match &wanted.content.source {
        Source::Static(bytes) => convert(Cursor::new(*bytes), wanted),
        Source::Spooled(path) | Source::Disk(path) => {
            convert(BufReader::new(file::open(path)?), wanted)
        }
    }
}

fn convert(from: impl BufRead + Seek, wanted: &PictureOf) -> Result<Vec<u8>, PictureError> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_PIXELS);
    limits.max_image_height = Some(MAX_PIXELS);
    limits.max_alloc = Some(MAX_MEMORY);
    let picture = decode_upright(from, limits)?;
    let is_larger = picture.width() > wanted.width || picture.height() > wanted.height;
    let picture = if is_larger {
        picture.resize(
            wanted.width.max(1),
            wanted.height.max(1),
            FilterType::Triangle,
        )
    } else {
        picture
    };
    let mut bytes = Cursor::new(Vec::new());
    if wanted.is_png {
        picture.write_to(&mut bytes, ImageFormat::Png)?;
    } else {
        // JPEG has no transparency.
        DynamicImage::ImageRgb8(picture.into_rgb8()).write_to(&mut bytes, ImageFormat::Jpeg)?;
    }
    Ok(bytes.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mock_box::model::content::placeholder;

    fn wanted(name: &str, pixels: u32, is_png: bool) -> PictureOf {
        PictureOf {
            content: placeholder(name),
            width: pixels,
            height: pixels,
            is_png,
            otherwise: placeholder("a.jpg"),
        }
    }

    #[test]
    fn pictures_become_the_type_and_no_larger_than_asked() {
        for (name, is_png, format) in [
            ("a.png", false, ImageFormat::Jpeg),
            ("a.gif", false, ImageFormat::Jpeg),
            ("a.jpg", true, ImageFormat::Png),
        ] {
            let bytes = make(&wanted(name, 1024, is_png)).expect(name);
            assert_eq!(image::guess_format(&bytes).expect("a format"), format);
            let small = make(&wanted(name, 1, is_png)).expect(name);
            let small = image::load_from_memory(&small).expect("a picture");
            assert_eq!((small.width(), small.height()), (1, 1), "{name}");
        }
    }

    #[test]
    fn a_picture_keeps_its_proportions_within_the_size_asked_for() {
        let wide = DynamicImage::new_rgb8(200, 100);
        let mut jpeg = Cursor::new(Vec::new());
        wide.write_to(&mut jpeg, ImageFormat::Jpeg)
            .expect("a picture");
        let made = convert(Cursor::new(jpeg.get_ref()), &wanted("a.jpg", 32, false));
        let small = image::load_from_memory(&made.expect("a picture")).expect("a picture");
        assert_eq!((small.width(), small.height()), (32, 16));
    }

    #[test]
    fn a_file_that_is_not_a_picture_or_is_too_large_is_refused() {
        assert!(make(&wanted("a.pdf", 9, true)).is_err());
        // A PNG's head that promises 60,000 by 60,000 pixels.
        let mut bomb =
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\xea\x60\0\0\xea\x60\x08\x06\0\0\0".to_vec();
        bomb.extend_from_slice(&[0; 100]);
        assert!(convert(Cursor::new(&bomb), &wanted("a.png", 9, true)).is_err());
    }
}
