//! A part of an upload session: the body as it is, spooled to disk as it arrives.

use std::{error::Error as StdError, io};

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::Body;

use super::limit::{Limited, ReadError};
use crate::{
    mock_box::{Answer, Spooled, errors},
    store::content::spool::Spool,
};

/// Takes a part of at most `limit` bytes in.
///
/// # Errors
/// The answer: 413 for a larger one, 400 for one that ends early, 500 where the disk refuses.
pub(super) async fn read<B>(body: B, limit: u64, spool: &Spool) -> Result<Spooled, Answer>
where
    B: Body<Data = Bytes, Error: StdError + Send + Sync + 'static> + Unpin,
{
    let failed = |error: io::Error| errors::internal(format!("cannot keep the part: {error}"));
    let mut body = Limited::new(body, limit);
    let mut writer = spool.writer().map_err(failed)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| match error {
            ReadError::TooLarge(limit) => errors::too_large(limit),
            ReadError::Body(error) => errors::bad_request(error.to_string()),
        })?;
        if let Ok(piece) = frame.into_data() {
            writer.write(&piece).map_err(failed)?;
        }
    }
    writer.finish().map_err(failed)
}
