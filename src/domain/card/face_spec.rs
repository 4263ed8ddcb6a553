//! A face of a timeline as it is written on the command line: `LABEL=FACE.png@1-5,9-12`.

use std::path::PathBuf;

use crate::domain::subtitles::seconds;

/// A face with its label, image and times.
#[derive(Clone, Debug, PartialEq)]
pub struct FaceSpec {
    /// Its label.
    pub label: String,
    /// The image, a file or an https address; none for a label alone.
    pub image: Option<ImageSource>,
    /// When it appears: starts and ends, in seconds.
    pub appears: Vec<(f64, Option<f64>)>,
}

/// The source of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageSource {
    /// A file.
    File(PathBuf),
    /// An https or data URI, which is copied into the card.
    Address(String),
}

impl FaceSpec {
    /// Parses `LABEL=FACE.png@1-5,9-12`; image and times are optional.
    ///
    /// # Errors
    /// A message for the user.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (rest, appears) = match text.rsplit_once('@') {
            // A file name or an address may have an `@` of its own.
            Some((rest, times)) if times.starts_with(|it: char| it.is_ascii_digit()) => {
                match parse_times(times) {
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
            Some((label, image)) => (label, Some(image_source(image))),
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

fn image_source(image: &str) -> ImageSource {
    if image.starts_with("https://") || image.starts_with("data:") {
        ImageSource::Address(image.to_owned())
    } else {
        ImageSource::File(PathBuf::from(image))
    }
}

/// Parses `1-5,9-12,1:07`: seconds or clock times; the end of each is optional.
pub fn parse_times(text: &str) -> Result<Vec<(f64, Option<f64>)>, String> {
    text.split(',')
        .map(|period| {
            let (start, end) = match period.split_once('-') {
                Some((start, end)) => (start, Some(end)),
                None => (period, None),
            };
            let read = |text: &str| {
                seconds(text).ok_or_else(|| format!("`{text}` is not a time; write 5, 5.5 or 1:05"))
            };
            let (start, end) = (read(start)?, end.map(read).transpose()?);
            match end {
                Some(end) if end < start => Err(format!("`{period}` ends before it starts")),
                _ => Ok((start, end)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_has_a_label_and_optionally_an_image_and_times() {
        let face = FaceSpec::parse("Anna B=faces/anna.png@1-5,9-12,1:07").expect("a face");
        assert_eq!(face.label, "Anna B");
        assert_eq!(face.image, Some(ImageSource::File("faces/anna.png".into())));
        assert_eq!(
            face.appears,
            [(1.0, Some(5.0)), (9.0, Some(12.0)), (67.0, None)]
        );
        let bare = FaceSpec::parse("Anna").expect("a face");
        assert_eq!((bare.image, bare.appears), (None, vec![]));
        let file = FaceSpec::parse("Anna=icon@2x.png").expect("a face");
        assert_eq!(file.image, Some(ImageSource::File("icon@2x.png".into())));
        let web = FaceSpec::parse("Anna=https://a.example/b.png@3").expect("a face");
        assert_eq!(
            web.image,
            Some(ImageSource::Address("https://a.example/b.png".into()))
        );
    }

    #[test]
    fn a_malformed_face_is_refused_with_the_reason() {
        assert!(
            FaceSpec::parse("=a.png")
                .expect_err("no label")
                .contains("label")
        );
        assert!(
            FaceSpec::parse("A=")
                .expect_err("no image")
                .contains("no image")
        );
        assert!(
            FaceSpec::parse("A=a.png@5-1")
                .expect_err("ends early")
                .contains("ends before")
        );
        assert!(
            FaceSpec::parse("A=a.png@1-x")
                .expect_err("no time")
                .contains("`x` is not a time")
        );
    }
}
