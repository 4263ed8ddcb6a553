//! Path templates such as `files/{file_id}/versions/{version_id}`, and the router that finds the
//! one that a method and a path match. Paths come with and without `/2.0`, and below `/api` on the
//! upload host. No endpoint is known here.

use std::borrow::Cow;

use http::Method;
use smol_str::SmolStr;

/// The most captures of a template.
const MAX_CAPTURES: usize = 4;

/// What a path has where its template has `{name}`.
#[derive(Clone, Debug, Default)]
pub struct Captures {
    names: &'static [&'static str],
    values: [SmolStr; MAX_CAPTURES],
}

impl Captures {
    /// The capture `name`; `None` where the template has none of that name.
    pub fn get(&self, name: &str) -> Option<&SmolStr> {
        let index = self.names.iter().position(|own| *own == name)?;
        self.values.get(index)
    }
}

/// Why a path matches no route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoRoute {
    /// The path exists, with other methods.
    Method,
    /// The path does not exist.
    Path {
        /// The closest route as it is documented, where one is close enough.
        closest: Option<String>,
    },
}

/// Finds routes by method and path.
#[derive(Debug)]
pub(crate) struct Router<T: 'static> {
    /// The routes, by the number of segments of their templates.
    by_length: Vec<Vec<Route<T>>>,
}

#[derive(Debug)]
struct Route<T: 'static> {
    method: &'static Method,
    template: Template,
    target: &'static T,
}

#[derive(Debug)]
struct Template {
    /// The segments; a capture is `None`.
    segments: Vec<Option<&'static str>>,
    /// The names of the captures.
    names: Vec<&'static str>,
}

impl<T> Router<T> {
    /// A router for rows of a method, a template and a target. Where several match, the
    /// first wins.
    pub(crate) fn new(
        rows: impl Iterator<Item = (&'static Method, &'static str, &'static T)>,
    ) -> Self {
        let mut by_length = Vec::new();
        for (method, path, target) in rows {
            let template = Template::parse(path);
            let length = template.segments.len();
            if by_length.len() <= length {
                by_length.resize_with(length + 1, Vec::new);
            }
            by_length[length].push(Route {
                method,
                template,
                target,
            });
        }
        Self { by_length }
    }

    /// The route that `method` and the decoded `segments` of a path match.
    ///
    /// # Errors
    /// [`NoRoute`], with the closest route.
    pub(crate) fn find(
        &'static self,
        method: &Method,
        segments: &[Cow<'_, str>],
    ) -> Result<(&'static T, Captures), NoRoute> {
        let path = below_version(segments);
        // HEAD is answered as GET is, without the body.
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let mut is_path = false;
        for route in self.by_length.get(path.len()).into_iter().flatten() {
            if route.template.matches(path) {
                if route.method == method {
                    return Ok((route.target, route.template.captures(path)));
                }
                is_path = true;
            }
        }
        Err(if is_path {
            NoRoute::Method
        } else {
            NoRoute::Path {
                closest: self.closest(method, path),
            }
        })
    }

    fn closest(&self, method: &Method, path: &[Cow<'_, str>]) -> Option<String> {
        const MIN_LIKENESS: f64 = 0.6;
        /// In bytes. The time to compare grows with the square of the length, and no path of Box's
        /// is nearly as long.
        const MAX_LENGTH: usize = 300;
        let asked = format!("{method} {}", path.join("/"));
        if asked.len() > MAX_LENGTH {
            return None;
        }
        let routes = self.by_length.iter().flatten();
        routes
            .map(|route| {
                let filled = format!("{} {}", route.method, route.template.filled_from(path));
                (strsim::jaro_winkler(&asked, &filled), route)
            })
            .filter(|(likeness, _)| *likeness > MIN_LIKENESS)
            .max_by(|(left, _), (right, _)| left.total_cmp(right))
            .map(|(_, route)| format!("{} /2.0/{}", route.method, route.template.shown()))
    }
}

/// The path without `/api` and `/2.0`, however often a custom base URL repeats them.
fn below_version<'a, 'text>(segments: &'a [Cow<'text, str>]) -> &'a [Cow<'text, str>] {
    let mut path = segments;
    while let Some((first, rest)) = path.split_first() {
        if first != "api" && first != "2.0" {
            break;
        }
        path = rest;
    }
    path
}

impl Template {
    fn parse(text: &'static str) -> Self {
        let name = |segment: &'static str| segment.strip_prefix('{')?.strip_suffix('}');
        let names: Vec<&'static str> = text.split('/').filter_map(name).collect();
        assert!(names.len() <= MAX_CAPTURES, "{text} has too many captures");
        let segments = text.split('/').map(|segment| match name(segment) {
            Some(_) => None,
            None => Some(segment),
        });
        Self {
            segments: segments.collect(),
            names,
        }
    }

    /// Whether it matches a path of the same length.
    fn matches(&self, path: &[Cow<'_, str>]) -> bool {
        let mut pairs = self.segments.iter().zip(path);
        pairs.all(|(own, segment)| own.is_none_or(|own| own == segment))
    }

    fn captures(&'static self, path: &[Cow<'_, str>]) -> Captures {
        let pairs = self.segments.iter().zip(path);
        let mut captured = pairs.filter(|(own, _)| own.is_none());
        Captures {
            names: &self.names,
            values: std::array::from_fn(|_| {
                let next = captured.next();
                next.map_or_else(SmolStr::default, |(_, segment)| SmolStr::new(segment))
            }),
        }
    }

    /// The template with the segments of `path` in place of its captures.
    fn filled_from(&self, path: &[Cow<'_, str>]) -> String {
        let mut given = path.iter();
        let segments = self.segments.iter().map(|own| match (own, given.next()) {
            (Some(own), _) => *own,
            (None, Some(segment)) => segment,
            (None, None) => "{}",
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// The template as the log shows it.
    fn shown(&self) -> String {
        let segments = self.segments.iter().map(|own| own.unwrap_or("…"));
        segments.collect::<Vec<_>>().join("/")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;

    static ROUTER: LazyLock<Router<&str>> = LazyLock::new(|| {
        Router::new(
            [
                (&Method::GET, "files/{file_id}", &"info"),
                (&Method::POST, "files/content", &"upload"),
                (&Method::PUT, "skill_invocations/{skill_id}", &"invocation"),
                (
                    &Method::POST,
                    "files/{file_id}/metadata/{scope}/{template}",
                    &"create",
                ),
            ]
            .into_iter(),
        )
    });

    fn find(method: &Method, path: &str) -> Result<(&'static str, Captures), NoRoute> {
        let segments: Vec<Cow<'_, str>> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(Cow::from)
            .collect();
        let (target, captures) = ROUTER.find(method, &segments)?;
        Ok((*target, captures))
    }

    fn missed(method: &Method, path: &str) -> NoRoute {
        find(method, path).expect_err("it matches no route")
    }

    #[test]
    fn every_prefix_form_names_the_same_call() {
        for path in [
            "/2.0/files/7",
            "/files/7",
            "/api/2.0/files/7",
            "/2.0/2.0/files/7",
        ] {
            let (target, captures) = find(&Method::GET, path).expect(path);
            assert_eq!(target, "info", "{path}");
            assert_eq!(captures.get("file_id").map(SmolStr::as_str), Some("7"));
            assert_eq!(captures.get("scope"), None);
        }
    }

    #[test]
    fn captures_are_found_by_their_names() {
        let (_, captures) = find(&Method::POST, "/2.0/files/7/metadata/global/cards").expect("one");
        let values = ["file_id", "scope", "template"].map(|name| captures.get(name));
        assert_eq!(
            values.map(|value| value.map(SmolStr::as_str)),
            [Some("7"), Some("global"), Some("cards")]
        );
    }

    #[test]
    fn a_known_path_with_another_method_is_405() {
        assert_eq!(
            missed(&Method::POST, "/2.0/skill_invocations/1"),
            NoRoute::Method
        );
    }

    #[test]
    fn a_path_as_long_as_a_head_is_not_compared() {
        // It would take many minutes.
        let path = format!("/2.0/files/{}/nonsense", "x".repeat(60_000));
        assert_eq!(missed(&Method::GET, &path), NoRoute::Path { closest: None });
    }

    #[test]
    fn an_unknown_path_names_the_closest() {
        assert_eq!(
            missed(&Method::POST, "/2.0/files/7/metadata/boxSkillsCards"),
            NoRoute::Path {
                closest: Some("POST /2.0/files/…/metadata/…/…".to_owned())
            }
        );
    }
}
