//! The value of `--skill`: where events go.

use std::str::FromStr;

use url::Url;

use super::values::http_url;

/// Where a skill gets its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkillUrl {
    /// At an http(s) URL.
    Url(Url),
    /// At a path, with its query, on the port of a program that is started: `/api/skill`.
    Path(String),
}

impl FromStr for SkillUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.starts_with('/') && !text.starts_with("//") {
            return Ok(Self::Path(text.to_owned()));
        }
        http_url(text).map(Self::Url)
    }
}

impl SkillUrl {
    /// The URL at the host and port of `root`, or the one that was given.
    ///
    /// # Errors
    /// A sentence, for a path that cannot be in a URL.
    pub fn at(&self, root: &Url) -> Result<Url, String> {
        match self {
            Self::Url(url) => Ok(url.clone()),
            Self::Path(path) => root
                .join(path)
                .map_err(|error| format!("{path} is not the path of a URL: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_joined_to_the_root_and_a_url_is_kept() {
        let root = Url::parse("http://127.0.0.1:20001/").expect("a URL");
        let at = |text: &str| SkillUrl::from_str(text).expect(text).at(&root);
        assert_eq!(
            at("/api/skill?code=a").expect("a URL").as_str(),
            "http://127.0.0.1:20001/api/skill?code=a"
        );
        assert_eq!(
            at("http://127.0.0.1:80/x").expect("a URL").as_str(),
            "http://127.0.0.1/x"
        );
        for text in ["//host/", "skill", "127.0.0.1:8080", ""] {
            assert!(SkillUrl::from_str(text).is_err(), "{text}");
        }
    }
}
