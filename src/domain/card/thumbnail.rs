//! Images for cards, as small as the preview shows them.

use std::io::Cursor;

use base64::{Engine, engine::general_purpose::STANDARD};
use image::{ImageFormat, Limits, imageops::FilterType};

use crate::domain::picture::decode_upright;

/// Width and height of a thumbnail in pixels, as the official kit makes them.
pub const THUMBNAIL_PIXELS: u32 = 45;

/// Converts an image (PNG, JPEG or GIF) to a data URI of a 45×45 PNG of its middle square,
/// turned as its EXIF orientation says.
///
/// # Errors
/// A message for the user, if the bytes are not such an image or if it would take more than
/// 256 MiB in memory.
pub fn thumbnail(bytes: &[u8]) -> Result<String, String> {
    const MAX_MEMORY: u64 = 256 << 20;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    let image = decode_upright(Cursor::new(bytes), limits).map_err(|error| error.to_string())?;
    let small = image.resize_to_fill(THUMBNAIL_PIXELS, THUMBNAIL_PIXELS, FilterType::Lanczos3);
    let mut png = Cursor::new(Vec::new());
    small
        .to_rgba8()
        .write_to(&mut png, ImageFormat::Png)
        .map_err(|error| error.to_string())?;
    Ok(format!(
        "data:image/png;base64,{}",
        STANDARD.encode(png.into_inner())
    ))
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, GenericImageView};

    use super::*;

    #[test]
    fn a_thumbnail_is_a_small_png() {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(120, 80)
            .write_to(&mut bytes, ImageFormat::Jpeg)
            .expect("an image");
        let uri = thumbnail(bytes.get_ref()).expect("a thumbnail");
        let data = uri.strip_prefix("data:image/png;base64,").expect("a PNG");
        let png = STANDARD.decode(data).expect("base64");
        let image = image::load_from_memory(&png).expect("an image");
        assert_eq!(image.dimensions(), (45, 45));
        assert!(thumbnail(b"no image").is_err());
        assert!(thumbnail(b"\x89PNG\r\n\x1a\n").is_err());
    }
}
