//! Faces for a timeline: the spelling of one on the command line, and its image made as small as
//! the preview shows it.

use std::{io::Cursor, path::PathBuf};

use base64::{Engine, engine::general_purpose::STANDARD};
use image::{ImageFormat, ImageReader, Limits, imageops::FilterType};

use super::subtitles::seconds;

/// Pixels of a thumbnail in either direction, as the official kit makes them.
pub const THUMBNAIL_PIXELS: u32 = 45;

/// A face as it is spelt on the command line.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// Its label.
    pub label: String,
    /// The image, a file or an https address; none for a label alone.
    pub image: Option<Source>,
    /// When it appears: starts and ends, in seconds.
    pub appears: Vec<(f64, Option<f64>)>,
}

/// Where an image comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file.
    File(PathBuf),
    /// An address that goes into the card as it is.
    Address(String),
}

impl Face {
    /// Reads `LABEL=FACE.png@1-5,9-12`; image and times may be left out. Gives what is wrong with
    /// it in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (rest, appears) = match text.rsplit_once('@') {
            // A file name or an address may have an `@` of its own.
            Some((rest, times)) if times.starts_with(|it: char| it.is_ascii_digit()) => {
                match times_of(times) {
                    Ok(appears) => (rest, appears),
                    Err(_) if times.contains('.') && times.contains(char::is_alphabetic) => {
                        (text, Vec::new())
                    }
                    Err(why) => return Err(why),
                }
            }
            _ => (text, Vec::new()),
        };
        let (label, image) = match rest.split_once('=') {
            Some((label, "")) => return Err(format!("there is no image after `{label}=`")),
            Some((label, image)) => (label, Some(source(image))),
            None => (rest, None),
        };
        if label.trim().is_empty() {
            return Err("a face needs a label: LABEL=FACE.png@1-5".to_owned());
        }
        Ok(Self {
            label: label.trim().to_owned(),
            image,
            appears,
        })
    }
}

fn source(image: &str) -> Source {
    if image.starts_with("https://") || image.starts_with("data:") {
        Source::Address(image.to_owned())
    } else {
        Source::File(PathBuf::from(image))
    }
}

/// Reads `1-5,9-12,1:07`: seconds or clock times, an end where there is one.
pub fn times_of(text: &str) -> Result<Vec<(f64, Option<f64>)>, String> {
    text.split(',')
        .map(|stretch| {
            let (start, end) = match stretch.split_once('-') {
                Some((start, end)) => (start, Some(end)),
                None => (stretch, None),
            };
            let read = |text: &str| {
                seconds(text).ok_or_else(|| format!("`{text}` is no time: 5, 5.5 or 1:05"))
            };
            let (start, end) = (read(start)?, end.map(read).transpose()?);
            match end {
                Some(end) if end < start => Err(format!("`{stretch}` ends before it starts")),
                _ => Ok((start, end)),
            }
        })
        .collect()
}

/// An image (PNG, JPEG or GIF) as a data URI of a 45×45 PNG, cut to its middle square. Gives what
/// is wrong with it in words; an image that would take more than 256 MiB is refused.
pub fn thumbnail(bytes: &[u8]) -> Result<String, String> {
    const MAX_MEMORY: u64 = 256 << 20;
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MAX_MEMORY);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| error.to_string())?;
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
    fn a_face_is_spelt_with_image_and_times() {
        let face = Face::parse("Anna B=faces/anna.png@1-5,9-12,1:07").expect("a face");
        assert_eq!(face.label, "Anna B");
        assert_eq!(face.image, Some(Source::File("faces/anna.png".into())));
        assert_eq!(
            face.appears,
            [(1.0, Some(5.0)), (9.0, Some(12.0)), (67.0, None)]
        );
        let bare = Face::parse("Anna").expect("a face");
        assert_eq!((bare.image, bare.appears), (None, vec![]));
        let file = Face::parse("Anna=icon@2x.png").expect("a face");
        assert_eq!(file.image, Some(Source::File("icon@2x.png".into())));
        let web = Face::parse("Anna=https://a.example/b.png@3").expect("a face");
        assert_eq!(
            web.image,
            Some(Source::Address("https://a.example/b.png".into()))
        );
    }

    #[test]
    fn what_is_no_face_says_why() {
        assert!(
            Face::parse("=a.png")
                .expect_err("no label")
                .contains("label")
        );
        assert!(
            Face::parse("A=")
                .expect_err("no image")
                .contains("no image")
        );
        assert!(
            Face::parse("A=a.png@5-1")
                .expect_err("ends early")
                .contains("ends before")
        );
        assert!(
            Face::parse("A=a.png@1-x")
                .expect_err("no time")
                .contains("`x` is no time")
        );
    }

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
