//! Which of Box's calls a method and path name, in all the forms that clients use: with and
//! without `/2.0`, below `/api` on the upload host, and on the download hosts.

use std::borrow::Cow;

use http::Method;
use smol_str::SmolStr;

use crate::{domain::operation::Operation, mock_box::model::instance::InstancePath};

/// One of Box's calls, with the ids from its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `GET /files/{id}`.
    FileInfo(SmolStr),
    /// `PUT /files/{id}`.
    FileUpdate(SmolStr),
    /// `DELETE /files/{id}`.
    FileDelete(SmolStr),
    /// `POST /files/{id}/copy`.
    FileCopy(SmolStr),
    /// `GET /files/{id}/versions`.
    FileVersions(SmolStr),
    /// `GET /files/{id}/versions/{version}`.
    FileVersion(SmolStr, SmolStr),
    /// `GET /files/{id}/content`.
    FileContent(SmolStr),
    /// The bytes behind the 302, on a download host.
    Bytes(SmolStr),
    /// `POST /files/content`, on the upload host.
    Upload,
    /// `POST /files/{id}/content`, on the upload host.
    UploadVersion(SmolStr),
    /// `GET /internal_files/…/representations/{rep}`.
    RepresentationInfo(RepresentationPath),
    /// `GET /internal_files/…/representations/{rep}/content/{asset_path}`.
    RepresentationContent(RepresentationPath),
    /// `GET /files/{id}/metadata`.
    InstanceList(SmolStr),
    /// `GET …/metadata/{scope}/{template}`.
    InstanceGet(InstancePath),
    /// `POST …/metadata/{scope}/{template}`.
    InstanceCreate(InstancePath),
    /// `PUT …/metadata/{scope}/{template}`.
    InstancePatch(InstancePath),
    /// `DELETE …/metadata/{scope}/{template}`.
    InstanceDelete(InstancePath),
    /// `PUT /skill_invocations/{skill}`.
    Invocation(SmolStr),
    /// `GET /folders/{id}`.
    FolderInfo(SmolStr),
    /// `GET /folders/{id}/items`.
    FolderItems(SmolStr),
    /// `POST /folders`.
    FolderCreate,
    /// `GET /users/me`.
    Me,
    /// `POST /oauth2/token`.
    TokenGrant,
    /// `POST /oauth2/revoke`.
    TokenRevoke,
    /// A call that Box has and the mock does not play: it says so.
    NotPlayed(NotPlayed),
}

/// A call that the mock does not play.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotPlayed {
    /// What it is, in words.
    pub what: &'static str,
    /// What it would do.
    pub operation: Operation,
    /// The file it names.
    pub file_id: Option<SmolStr>,
}

/// Where a representation is: file, version, representation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepresentationPath {
    /// The file.
    pub file_id: SmolStr,
    /// The file's version.
    pub version_id: SmolStr,
    /// `mp3`, `jpg_1024x1024`.
    pub representation: SmolStr,
}

/// Why a path names no call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// There is such a path, for other methods.
    Method,
    /// There is no such path; the closest one, as it is documented.
    Path {
        /// The documented form of the closest call.
        closest: Option<String>,
    },
}

impl Route {
    /// The operation, for tokens, faults and logs.
    pub fn operation(&self) -> Operation {
        match self {
            Self::FileInfo(_) | Self::FileVersions(_) | Self::FileVersion(..) => Operation::Info,
            Self::FileUpdate(_) | Self::FileDelete(_) | Self::FileCopy(_) => Operation::File,
            Self::FileContent(_) | Self::Bytes(_) => Operation::Download,
            Self::Upload | Self::UploadVersion(_) => Operation::Upload,
            Self::RepresentationInfo(_) | Self::RepresentationContent(_) => {
                Operation::Representation
            }
            Self::InstanceList(_) | Self::InstanceGet(_) => Operation::CardsRead,
            Self::InstanceCreate(_) | Self::InstancePatch(_) | Self::InstanceDelete(_) => {
                Operation::Cards
            }
            Self::Invocation(_) => Operation::Invocation,
            Self::FolderInfo(_) | Self::FolderItems(_) | Self::FolderCreate => Operation::Folder,
            Self::Me => Operation::User,
            Self::TokenGrant | Self::TokenRevoke => Operation::Token,
            Self::NotPlayed(missing) => missing.operation,
        }
    }

    /// The file that the path names.
    pub fn file_id(&self) -> Option<&str> {
        match self {
            Self::FileInfo(id)
            | Self::FileUpdate(id)
            | Self::FileDelete(id)
            | Self::FileCopy(id)
            | Self::FileVersions(id)
            | Self::FileVersion(id, _)
            | Self::FileContent(id)
            | Self::UploadVersion(id)
            | Self::InstanceList(id) => Some(id),
            Self::RepresentationInfo(path) | Self::RepresentationContent(path) => {
                Some(&path.file_id)
            }
            Self::InstanceGet(path)
            | Self::InstanceCreate(path)
            | Self::InstancePatch(path)
            | Self::InstanceDelete(path) => Some(&path.file_id),
            Self::NotPlayed(missing) => missing.file_id.as_deref(),
            // A download URL begins with the file it is for.
            Self::Bytes(ticket) => ticket.split('.').next(),
            Self::Upload
            | Self::Invocation(_)
            | Self::FolderInfo(_)
            | Self::FolderItems(_)
            | Self::FolderCreate
            | Self::Me
            | Self::TokenGrant
            | Self::TokenRevoke => None,
        }
    }

    /// Whether the call changes nothing, whatever comes of it.
    pub fn is_look(&self) -> bool {
        match self {
            Self::FileInfo(_)
            | Self::FileVersions(_)
            | Self::FileVersion(..)
            | Self::FileContent(_)
            | Self::Bytes(_)
            | Self::RepresentationInfo(_)
            | Self::RepresentationContent(_)
            | Self::InstanceList(_)
            | Self::InstanceGet(_)
            | Self::FolderInfo(_)
            | Self::FolderItems(_)
            | Self::Me
            | Self::NotPlayed(_) => true,
            Self::FileUpdate(_)
            | Self::FileDelete(_)
            | Self::FileCopy(_)
            | Self::Upload
            | Self::UploadVersion(_)
            | Self::InstanceCreate(_)
            | Self::InstancePatch(_)
            | Self::InstanceDelete(_)
            | Self::Invocation(_)
            | Self::FolderCreate
            | Self::TokenGrant
            | Self::TokenRevoke => false,
        }
    }

    /// Whether the call speaks the metadata endpoints' form of errors.
    pub fn is_metadata(&self) -> bool {
        matches!(self.operation(), Operation::Cards | Operation::CardsRead)
    }
}

/// The documented calls: method, path below `/2.0` with `{}` for what is captured, and how the
/// captures make a route.
type Row = (&'static str, &'static [&'static str], fn(&[&str]) -> Route);

/// The most captures that a path has.
const CAPTURES: usize = 4;

const ROWS: &[Row] = &[
    ("OPTIONS", &["files", "content"], |_| {
        not_played("the preflight check of uploads", Operation::Upload, None)
    }),
    ("OPTIONS", &["files", "{}", "content"], |id| {
        not_played(
            "the preflight check of uploads",
            Operation::Upload,
            Some(id[0]),
        )
    }),
    ("POST", &["files", "content"], |_| Route::Upload),
    ("POST", &["files", "upload_sessions"], |_| {
        not_played("uploads in chunks", Operation::Upload, None)
    }),
    ("POST", &["files", "{}", "upload_sessions"], |id| {
        not_played("uploads in chunks", Operation::Upload, Some(id[0]))
    }),
    ("GET", &["files", "{}"], |id| Route::FileInfo(id[0].into())),
    ("PUT", &["files", "{}"], |id| {
        Route::FileUpdate(id[0].into())
    }),
    ("DELETE", &["files", "{}"], |id| {
        Route::FileDelete(id[0].into())
    }),
    ("GET", &["files", "{}", "content"], |id| {
        Route::FileContent(id[0].into())
    }),
    ("POST", &["files", "{}", "content"], |id| {
        Route::UploadVersion(id[0].into())
    }),
    ("POST", &["files", "{}", "copy"], |id| {
        Route::FileCopy(id[0].into())
    }),
    ("GET", &["files", "{}", "versions"], |id| {
        Route::FileVersions(id[0].into())
    }),
    ("GET", &["files", "{}", "versions", "{}"], |ids| {
        Route::FileVersion(ids[0].into(), ids[1].into())
    }),
    ("GET", &["files", "{}", "thumbnail.png"], |id| {
        not_played("thumbnails", Operation::Representation, Some(id[0]))
    }),
    ("GET", &["files", "{}", "thumbnail.jpg"], |id| {
        not_played("thumbnails", Operation::Representation, Some(id[0]))
    }),
    ("GET", &["files", "{}", "metadata"], |id| {
        Route::InstanceList(id[0].into())
    }),
    ("GET", &["files", "{}", "metadata", "{}", "{}"], |ids| {
        Route::InstanceGet(instance(ids))
    }),
    ("POST", &["files", "{}", "metadata", "{}", "{}"], |ids| {
        Route::InstanceCreate(instance(ids))
    }),
    ("PUT", &["files", "{}", "metadata", "{}", "{}"], |ids| {
        Route::InstancePatch(instance(ids))
    }),
    ("DELETE", &["files", "{}", "metadata", "{}", "{}"], |ids| {
        Route::InstanceDelete(instance(ids))
    }),
    ("PUT", &["skill_invocations", "{}"], |id| {
        Route::Invocation(id[0].into())
    }),
    (
        "GET",
        &[
            "internal_files",
            "{}",
            "versions",
            "{}",
            "representations",
            "{}",
        ],
        |ids| Route::RepresentationInfo(representation(ids)),
    ),
    (
        "GET",
        &[
            "internal_files",
            "{}",
            "versions",
            "{}",
            "representations",
            "{}",
            "content",
        ],
        |ids| Route::RepresentationContent(representation(ids)),
    ),
    (
        "GET",
        &[
            "internal_files",
            "{}",
            "versions",
            "{}",
            "representations",
            "{}",
            "content",
            "{}",
        ],
        |ids| Route::RepresentationContent(representation(ids)),
    ),
    ("GET", &["d", "1", "{}", "download"], |ticket| {
        Route::Bytes(ticket[0].into())
    }),
    ("POST", &["folders"], |_| Route::FolderCreate),
    ("GET", &["folders", "{}"], |id| {
        Route::FolderInfo(id[0].into())
    }),
    ("GET", &["folders", "{}", "items"], |id| {
        Route::FolderItems(id[0].into())
    }),
    ("PUT", &["folders", "{}"], |_| {
        not_played("the changing of folders", Operation::Folder, None)
    }),
    ("DELETE", &["folders", "{}"], |_| {
        not_played("the deleting of folders", Operation::Folder, None)
    }),
    ("GET", &["users", "me"], |_| Route::Me),
    ("POST", &["oauth2", "token"], |_| Route::TokenGrant),
    ("POST", &["oauth2", "revoke"], |_| Route::TokenRevoke),
];

fn instance(ids: &[&str]) -> InstancePath {
    InstancePath::new(ids[0], ids[1], ids[2])
}

fn representation(ids: &[&str]) -> RepresentationPath {
    RepresentationPath {
        file_id: ids[0].into(),
        version_id: ids[1].into(),
        representation: ids[2].into(),
    }
}

fn not_played(what: &'static str, operation: Operation, file_id: Option<&str>) -> Route {
    Route::NotPlayed(NotPlayed {
        what,
        operation,
        file_id: file_id.map(SmolStr::from),
    })
}

/// Finds the call that `method` and the decoded `segments` of a path name.
///
/// # Errors
/// [`NoRoute`], with the closest documented call for the log.
pub fn route(method: &Method, segments: &[Cow<'_, str>]) -> Result<Route, NoRoute> {
    let path = below_version(segments);
    // HEAD is answered as GET is, without the body.
    let method = if method == Method::HEAD {
        "GET"
    } else {
        method.as_str()
    };
    let mut is_path = false;
    for (row_method, template, make) in ROWS {
        if matches(template, path) {
            if *row_method == method {
                return Ok(make(&captures(template, path)));
            }
            is_path = true;
        }
    }
    Err(if is_path {
        NoRoute::Method
    } else {
        NoRoute::Path {
            closest: closest(method, path),
        }
    })
}

/// The path without `/api` and `/2.0`, in whatever number a custom base URL doubled them.
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

/// Whether a path has the form of a template.
fn matches(template: &[&str], path: &[Cow<'_, str>]) -> bool {
    let fits = |(part, segment): (&&str, &Cow<'_, str>)| *part == "{}" || *part == &**segment;
    template.len() == path.len() && template.iter().zip(path).all(fits)
}

/// What stands in a path where its template has `{}`.
fn captures<'a>(template: &[&str], path: &'a [Cow<'_, str>]) -> [&'a str; CAPTURES] {
    let parts = template.iter().zip(path);
    let mut captured = parts.filter(|(part, _)| **part == "{}");
    std::array::from_fn(|_| captured.next().map_or("", |(_, segment)| &**segment))
}

fn closest(method: &str, path: &[Cow<'_, str>]) -> Option<String> {
    const NEAR_ENOUGH: f64 = 0.6;
    /// Comparing takes the square of the length, and the longest heads would take minutes; no call
    /// of Box's is nearly as long.
    const LONGEST: usize = 300;
    let asked = format!("{method} {}", path.join("/"));
    if asked.len() > LONGEST {
        return None;
    }
    ROWS.iter()
        .map(|(row_method, template, _)| {
            let mut filled = path.iter();
            let documented = template
                .iter()
                .map(|part| match filled.next() {
                    Some(segment) if *part == "{}" => segment,
                    _ => *part,
                })
                .collect::<Vec<_>>()
                .join("/");
            let likeness = strsim::jaro_winkler(&asked, &format!("{row_method} {documented}"));
            (
                likeness,
                format!(
                    "{row_method} /2.0/{}",
                    template.join("/").replace("{}", "…")
                ),
            )
        })
        .filter(|(likeness, _)| *likeness > NEAR_ENOUGH)
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &str, path: &str) -> Result<Route, NoRoute> {
        let segments: Vec<Cow<'_, str>> = path
            .split('/')
            .filter(|segment| !segment.is_empty())
            .map(Cow::from)
            .collect();
        route(&method.parse().expect("a method"), &segments)
    }

    #[test]
    fn every_prefix_form_names_the_same_call() {
        for path in [
            "/2.0/files/7",
            "/files/7",
            "/api/2.0/files/7",
            "/2.0/2.0/files/7",
        ] {
            assert_eq!(find("GET", path), Ok(Route::FileInfo("7".into())), "{path}");
        }
    }

    #[test]
    fn a_known_path_with_another_method_is_405() {
        assert_eq!(
            find("POST", "/2.0/skill_invocations/1"),
            Err(NoRoute::Method)
        );
    }

    #[test]
    fn a_path_as_long_as_a_head_is_not_pondered() {
        // It would take many minutes.
        let missed = find(
            "GET",
            &format!("/2.0/files/{}/nonsense", "x".repeat(60_000)),
        );
        assert_eq!(missed, Err(NoRoute::Path { closest: None }));
    }

    #[test]
    fn an_unknown_path_names_the_closest() {
        let missed = find("POST", "/2.0/files/7/metadata/boxSkillsCards");
        assert_eq!(
            missed,
            Err(NoRoute::Path {
                closest: Some("POST /2.0/files/…/metadata/…/…".to_owned())
            })
        );
    }
}
