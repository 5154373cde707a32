//! A request's body: read with bounds on size, time and memory, and checked against what was signed.

use crate::RelayError;
use crate::auth::Asker;
use axum::body::Body;
use axum::http::header;
use axum::http::request::Parts as Head;
use futures_util::StreamExt as _;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use wire::sha256;

/// Memory for bodies is counted in pieces of this size.
const PIECE: usize = 1024;

/// The memory that all bodies share.
#[derive(Debug, Clone)]
pub struct Budget(Arc<Semaphore>);

/// A body, and its share of the memory until it is dropped.
#[derive(Debug)]
pub struct Held {
    /// The bytes.
    pub bytes: Vec<u8>,
    _share: OwnedSemaphorePermit,
}

impl Budget {
    /// So many bytes for all bodies together.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new(bytes / PIECE)))
    }

    /// Reads a body of at most `limit` bytes that comes within `within`.
    ///
    /// # Errors
    /// [`RelayError::Foreign`] for a body without a digest or the reverse, [`RelayError::TooLarge`],
    /// [`RelayError::Busy`] when no memory is left, [`RelayError::Interrupted`], [`RelayError::Hash`].
    pub async fn read(
        &self,
        head: &Head,
        body: Body,
        asker: &Asker,
        limit: usize,
        within: Duration,
    ) -> Result<Held, RelayError> {
        let length = head
            .headers
            .get(header::CONTENT_LENGTH)
            .and_then(|v| v.to_str().ok())
            .and_then(|v| v.parse::<usize>().ok());
        let chunked = head.headers.contains_key(header::TRANSFER_ENCODING);
        let empty = !chunked && length.unwrap_or(0) == 0;
        if empty == asker.digest.is_some() {
            return Err(RelayError::Foreign);
        }
        if length.is_some_and(|length| length > limit) {
            return Err(RelayError::TooLarge);
        }
        let most = if empty { 0 } else { length.unwrap_or(limit) };
        let pieces = u32::try_from(most.div_ceil(PIECE)).map_err(|_| RelayError::TooLarge)?;
        // refused before a byte is read, so that a crowd of large bodies cannot fill the memory
        let share = self
            .0
            .clone()
            .try_acquire_many_owned(pieces)
            .map_err(|_| RelayError::Busy)?;
        let bytes = tokio::time::timeout(within, collect(body, length, limit))
            .await
            .map_err(|_| RelayError::Interrupted)??;
        match asker.digest {
            Some(digest) if sha256(&[&bytes]) != digest => Err(RelayError::Hash),
            _ => Ok(Held {
                bytes,
                _share: share,
            }),
        }
    }
}

async fn collect(body: Body, length: Option<usize>, limit: usize) -> Result<Vec<u8>, RelayError> {
    let mut bytes = Vec::with_capacity(length.unwrap_or(0));
    let mut pieces = body.into_data_stream();
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(|_| RelayError::Interrupted)?;
        if bytes.len() + piece.len() > limit {
            return Err(RelayError::TooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}
