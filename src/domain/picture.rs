//! Decoding of pictures: bounded in memory, and upright.

use std::io::{BufRead, Seek};

use image::{DynamicImage, ImageDecoder, ImageReader, ImageResult, Limits};

/// Decodes a picture within `limits`, turned as its EXIF orientation says: cameras store a portrait as a
/// landscape with a note.
///
/// # Errors
/// If it is not a picture of a known type, or exceeds the limits.
pub fn decode_upright(from: impl BufRead + Seek, limits: Limits) -> ImageResult<DynamicImage> {
    let mut reader = ImageReader::new(from).with_guessed_format()?;
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder()?;
    let mut limits = limits;
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;

    /// An EXIF segment of a JPEG with nothing but this orientation.
    fn exif(orientation: u8) -> Vec<u8> {
        let mut segment = vec![0xff, 0xe1, 0, 34];
        segment.extend_from_slice(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
        segment.extend_from_slice(&[orientation, 0, 0, 0, 0, 0, 0]);
        segment
    }

    /// A JPEG of 16 by 8 pixels whose left half is white.
    fn turned(orientation: u8) -> Vec<u8> {
        let picture = RgbImage::from_fn(16, 8, |x, _| Rgb([if x < 8 { 255 } else { 0 }; 3]));
        let mut jpeg = Cursor::new(Vec::new());
        DynamicImage::from(picture)
            .write_to(&mut jpeg, ImageFormat::Jpeg)
            .expect("a picture");
        let jpeg = jpeg.into_inner();
        [&jpeg[..2], &exif(orientation), &jpeg[2..]].concat()
    }

    #[test]
    fn a_picture_is_turned_as_its_orientation_says() {
        let decoded = |orientation| {
            let bytes = turned(orientation);
            let picture = decode_upright(Cursor::new(bytes), Limits::default());
            picture.expect("a picture").into_luma8()
        };
        let plain = decoded(1);
        assert_eq!(plain.dimensions(), (16, 8));
        assert!(plain.get_pixel(2, 4).0[0] > 200);
        let upright = decoded(6);
        assert_eq!(upright.dimensions(), (8, 16));
        assert!(
            upright.get_pixel(4, 2).0[0] > 200,
            "its left is its top now"
        );
        assert!(upright.get_pixel(4, 13).0[0] < 50);
    }

    #[test]
    fn limits_hold_for_the_decoded_picture() {
        let mut limits = Limits::default();
        limits.max_alloc = Some(16);
        assert!(decode_upright(Cursor::new(turned(1)), limits).is_err());
    }
}
