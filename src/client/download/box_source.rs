//! Box as the source of a download: the content of a file or of one of its representations, and
//! what Box says of it.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, header};
use reqwest::Response;
use url::Url;

use super::{
    resume::{ContentRange, Head, Identity, strong_etag},
    source::{Body, Source},
};
use crate::client::{
    box_api::{BoxClient, ContentLocation, Range},
    connection_error::connection_error,
    error::{BoxError, is_page},
    file::{FileInfo, Representation},
    retry::{Ending, Tries},
};

/// What is to be downloaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSelection {
    /// The file.
    pub file_id: String,
    /// The version, where it is not the current one.
    pub version: Option<String>,
    /// The hint of a representation (`mp3`, `jpg?dimensions=1024x1024`), where it is not the file
    /// itself.
    pub representation: Option<String>,
}

/// What is to be downloaded, at Box.
#[derive(Debug)]
pub struct BoxSource<'a> {
    client: &'a BoxClient,
    selection: FileSelection,
    /// What was seen last, until a download asks for it.
    seen: Mutex<Option<Identity>>,
    /// Where the bytes of the representation are.
    location: Mutex<Option<ContentLocation>>,
}

impl<'a> BoxSource<'a> {
    /// A source for `selection`. Nothing is sent yet.
    pub fn new(client: &'a BoxClient, selection: FileSelection) -> Self {
        Self {
            client,
            selection,
            seen: Mutex::default(),
            location: Mutex::default(),
        }
    }

    /// Looks the file up before a download, which then does not ask again; returns its name. `None`
    /// where the token may not read it.
    pub async fn name(&self) -> Result<Option<String>, BoxError> {
        let (identity, name) = self.look().await?;
        *lock(&self.seen) = Some(identity);
        Ok(name)
    }

    async fn look(&self) -> Result<(Identity, Option<String>), BoxError> {
        let FileSelection {
            file_id,
            version,
            representation,
        } = &self.selection;
        if let Some(hint) = representation {
            return self.look_at_representation(hint).await;
        }
        let unknown = Identity {
            file_id: file_id.clone(),
            version: version.clone(),
            ..Identity::default()
        };
        let info = match self.client.file_info(file_id, None).await {
            // Refused by Box itself, and not by a page of something in between.
            Err(error) if status(&error) == Some(403) && !is_a_page(&error) => {
                return Ok((unknown, None));
            }
            other => other?,
        };
        let current = info.file_version.as_ref().map(|version| &version.id);
        let Some(version) = version.as_ref().filter(|version| Some(*version) != current) else {
            return Ok(known(unknown, info));
        };
        match self.client.version_info(file_id, version).await {
            Ok(old) => {
                let (identity, _) = known(unknown, old);
                Ok((identity, info.name))
            }
            Err(error) if matches!(status(&error), Some(403..=405)) => Ok((unknown, info.name)),
            Err(error) => Err(error),
        }
    }

    /// Waits until a representation is made, and notes where it is.
    async fn look_at_representation(
        &self,
        hint: &str,
    ) -> Result<(Identity, Option<String>), BoxError> {
        let info = self
            .client
            .file_info(&self.selection.file_id, Some(hint))
            .await?;
        let refused = |reason: String| {
            self.client
                .no_representation(&self.selection.file_id, reason)
        };
        let entry = info
            .representations
            .as_ref()
            .and_then(|list| list.entries.first().cloned())
            .ok_or_else(|| refused(format!("Box makes no `{hint}` of this file")))?;
        let ready = self.until_made(entry).await?;
        let location = self
            .client
            .representation_content(&ready)
            .ok_or_else(|| refused("Box does not say where the representation is".to_owned()))?;
        *lock(&self.location) = Some(location);
        let identity = Identity {
            file_id: self.selection.file_id.clone(),
            version: info.file_version.map(|version| version.id),
            etag: info.etag,
            representation: Some(hint.to_owned()),
            ..Identity::default()
        };
        Ok((identity, info.name))
    }

    async fn until_made(&self, mut entry: Representation) -> Result<Representation, BoxError> {
        let refused = |reason: String| {
            self.client
                .no_representation(&self.selection.file_id, reason)
        };
        let mut tries = Tries::default();
        loop {
            match entry.status.state.as_str() {
                "success" | "viewable" => return Ok(entry),
                "error" => {
                    let code = entry.status.code.unwrap_or_else(|| "error".to_owned());
                    let kind = entry.kind;
                    return Err(refused(format!("Box could not make the {kind}: {code}")));
                }
                _ => {}
            }
            let url = Url::parse(&entry.info.url).map_err(|_| {
                refused("Box does not say where to ask whether it is ready".to_owned())
            })?;
            if tries.pending > 0 || entry.status.state == "pending" {
                let error = self.client.not_ready(&url);
                let ending = Ending::Pending { retry_after: None };
                let backoff = self.client.backoff();
                tries = backoff
                    .pause(tries, error, ending)
                    .await
                    .map_err(|(error, tries)| BoxError { tries, ..error })?;
            } else {
                // The first request for a representation makes Box start to create it.
                tries.pending = 1;
            }
            entry = self.client.representation(&url).await?;
        }
    }
}

impl Source for BoxSource<'_> {
    type Body = BoxBody;

    async fn identity(&self) -> Result<Identity, BoxError> {
        if let Some(seen) = lock(&self.seen).take() {
            return Ok(seen);
        }
        Ok(self.look().await?.0)
    }

    async fn open(&self, range: Option<&Range>) -> Result<(Head, BoxBody), BoxError> {
        let location = lock(&self.location).clone();
        let location = location.unwrap_or_else(|| {
            let FileSelection {
                file_id, version, ..
            } = &self.selection;
            self.client.content(file_id, version.as_deref())
        });
        let response = self.client.open(&location, range).await?;
        let head = head(&response);
        Ok((head, BoxBody { response }))
    }
}

/// The bytes of an answer.
#[derive(Debug)]
pub struct BoxBody {
    response: Response,
}

impl Body for BoxBody {
    async fn chunk(&mut self) -> Result<Option<Bytes>, BoxError> {
        let url = self.response.url().clone();
        self.response
            .chunk()
            .await
            .map_err(|error| BoxError::elsewhere(&Method::GET, &url, connection_error(error, &url)))
    }
}

fn known(unknown: Identity, info: FileInfo) -> (Identity, Option<String>) {
    let identity = Identity {
        version: info
            .file_version
            .map(|version| version.id)
            .or(unknown.version),
        etag: info.etag,
        size: info.size,
        sha1: info
            .sha1
            .filter(|sha1| !sha1.is_empty())
            .map(|sha1| sha1.to_ascii_lowercase()),
        ..unknown
    };
    (identity, info.name)
}

fn status(error: &BoxError) -> Option<u16> {
    error.status().map(|status| status.as_u16())
}

fn is_a_page(error: &BoxError) -> bool {
    error.refusal().is_some_and(|refusal| refusal.page)
}

fn head(response: &Response) -> Head {
    let headers = response.headers();
    Head {
        status: response.status().as_u16(),
        length: response.content_length(),
        range: text(headers, header::CONTENT_RANGE).and_then(ContentRange::parse),
        etag: text(headers, header::ETAG).and_then(strong_etag),
        page: is_page(headers),
    }
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
