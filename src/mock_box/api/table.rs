//! The table of endpoints: all that the mock knows of Box's calls. A new endpoint is a row in its
//! family's file, and a function.

use std::{borrow::Cow, sync::LazyLock};

use http::Method;

use super::{
    downloads,
    endpoint::{Endpoint, Matched},
    files, folder_changes, folders, invocations, metadata, oauth, representations, unplayed,
    upload_sessions, uploads, users,
};
use crate::mock_box::http::route::{NoRoute, Router};

static FAMILIES: [&[Endpoint]; 12] = [
    files::ENDPOINTS,
    uploads::ENDPOINTS,
    upload_sessions::ENDPOINTS,
    downloads::ENDPOINTS,
    representations::ENDPOINTS,
    metadata::ENDPOINTS,
    invocations::ENDPOINTS,
    folders::ENDPOINTS,
    folder_changes::ENDPOINTS,
    users::ENDPOINTS,
    oauth::ENDPOINTS,
    unplayed::ENDPOINTS,
];

static ROUTER: LazyLock<Router<Endpoint>> = LazyLock::new(|| {
    let row = |endpoint: &'static Endpoint| (&endpoint.method, endpoint.path, endpoint);
    Router::new(endpoints().map(row))
});

/// All endpoints, by family.
pub fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    FAMILIES.into_iter().flatten()
}

/// The endpoint that `method` and the decoded `segments` of a path match.
///
/// # Errors
/// [`NoRoute`], with the closest endpoint for the log.
pub(crate) fn find(method: &Method, segments: &[Cow<'_, str>]) -> Result<Matched, NoRoute> {
    let (endpoint, captures) = ROUTER.find(method, segments)?;
    Ok(Matched { endpoint, captures })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_endpoint_hides_another() {
        for endpoint in endpoints() {
            let path = endpoint.path.replace(['{', '}'], "");
            let segments: Vec<Cow<'_, str>> = path.split('/').map(Cow::from).collect();
            let found = find(&endpoint.method, &segments).expect(endpoint.path);
            assert_eq!(found.endpoint.path, endpoint.path, "{}", endpoint.method);
        }
    }
}
