//! Pictures: format, dimensions, and a thumbnail of the size that Box's preview shows.

use std::io::Cursor;

use base64::{Engine, prelude::BASE64_STANDARD};
use image::{DynamicImage, ImageFormat, ImageReader, Limits, imageops::FilterType};

/// Pixels on each side of a thumbnail, as in Box's kit.
const THUMBNAIL_SIDE: u32 = 45;
/// Pixels of the longest side that is read.
const MAX_SIDE: u32 = 16_384;
/// Bytes that decoding may take.
const MAX_MEMORY: u64 = 256 * 1024 * 1024;

/// The facts that the cards show of a picture.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) format: &'static str,
    pub(super) width: u32,
    pub(super) height: u32,
    /// A PNG as a data URI.
    pub(super) thumbnail: String,
}

/// The format by the first bytes, if it is one that is read here.
pub(super) fn format_of(bytes: &[u8]) -> Option<ImageFormat> {
    image::guess_format(bytes).ok().filter(|format| {
        matches!(
            format,
            ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Gif
        )
    })
}

/// Decodes a picture.
///
/// # Errors
/// The reason why it cannot be decoded.
pub(super) fn read(bytes: &[u8]) -> Result<Picture, String> {
    let format = format_of(bytes).ok_or("it is neither PNG, JPEG nor GIF")?;
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let picture = reader.decode().map_err(|error| error.to_string())?;
    Ok(Picture {
        format: match format {
            ImageFormat::Png => "PNG",
            ImageFormat::Jpeg => "JPEG",
            _ => "GIF",
        },
        width: picture.width(),
        height: picture.height(),
        thumbnail: thumbnail(&picture)?,
    })
}

/// The middle of the picture as a square.
fn thumbnail(picture: &DynamicImage) -> Result<String, String> {
    let side = picture.width().min(picture.height());
    let small = picture
        .crop_imm(
            (picture.width() - side) / 2,
            (picture.height() - side) / 2,
            side,
            side,
        )
        .resize_exact(THUMBNAIL_SIDE, THUMBNAIL_SIDE, FilterType::Triangle);
    let mut png = Cursor::new(Vec::new());
    DynamicImage::ImageRgba8(small.to_rgba8())
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| error.to_string())?;
    Ok(format!(
        "data:image/png;base64,{}",
        BASE64_STANDARD.encode(png.into_inner())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(format: ImageFormat, width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height)
            .write_to(&mut bytes, format)
            .expect("an empty picture can be written");
        bytes.into_inner()
    }

    #[test]
    fn each_format_is_detected_by_its_bytes() {
        for (format, name) in [
            (ImageFormat::Png, "PNG"),
            (ImageFormat::Jpeg, "JPEG"),
            (ImageFormat::Gif, "GIF"),
        ] {
            let read = read(&picture(format, 64, 20)).expect("it is a picture");
            assert_eq!((read.format, read.width, read.height), (name, 64, 20));
        }
    }

    #[test]
    fn the_thumbnail_is_a_png_of_45_by_45() {
        let uri = read(&picture(ImageFormat::Png, 3, 200))
            .expect("it is a picture")
            .thumbnail;
        let data = uri
            .strip_prefix("data:image/png;base64,")
            .expect("it is a data URI");
        let png = BASE64_STANDARD.decode(data).expect("it is base64");
        let small = image::load_from_memory(&png).expect("it is a picture");
        assert_eq!((small.width(), small.height()), (45, 45));
    }

    #[test]
    fn a_broken_picture_is_an_error() {
        let mut bytes = picture(ImageFormat::Png, 64, 64);
        bytes.truncate(40);
        assert!(read(&bytes).is_err());
        assert!(read(b"not a picture").is_err());
        assert!(read(b"").is_err());
    }
}
