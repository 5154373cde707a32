//! How many connections there may be, in all and from one address: those beyond are closed at once, before TLS.

use axum_server::accept::Accept;
use std::collections::HashMap;
use std::future::Future;
use std::io::{Error, Result};
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What is open, by address.
#[derive(Debug)]
pub struct Doors {
    open: Mutex<HashMap<IpAddr, usize>>,
    most: usize,
    most_per_address: usize,
}

impl Doors {
    /// So many connections in all, and from one address; loopback is where a proxy stands, and has only the first bound.
    #[must_use]
    pub fn new(most: usize, most_per_address: usize) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::new(HashMap::new()),
            most,
            most_per_address,
        })
    }

    fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Inside> {
        let from = from.to_canonical();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = open.values().sum();
        let own = open.get(&from).copied().unwrap_or_default();
        if all >= self.most || (own >= self.most_per_address && !from.is_loopback()) {
            return None;
        }
        open.insert(from, own + 1);
        Some(Inside {
            doors: self.clone(),
            from,
        })
    }
}

/// One place, free again when dropped.
#[derive(Debug)]
struct Inside {
    doors: Arc<Doors>,
    from: IpAddr,
}

impl Drop for Inside {
    fn drop(&mut self) {
        let mut open = self
            .doors
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.from) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                open.remove(&self.from);
            }
        }
    }
}

/// Another acceptor with doors in front.
#[derive(Debug, Clone)]
pub struct Guarded<A> {
    inner: A,
    doors: Arc<Doors>,
}

impl<A> Guarded<A> {
    /// Puts doors in front of `inner`.
    #[must_use]
    pub fn new(inner: A, doors: Arc<Doors>) -> Self {
        Self { inner, doors }
    }
}

type Accepted<T, S> = Pin<Box<dyn Future<Output = Result<(Kept<T>, S)>> + Send>>;

impl<A, S> Accept<TcpStream, S> for Guarded<A>
where
    A: Accept<TcpStream, S>,
    A::Future: Send + 'static,
    A::Stream: 'static,
    A::Service: 'static,
    S: 'static,
{
    type Stream = Kept<A::Stream>;
    type Service = A::Service;
    type Future = Accepted<A::Stream, A::Service>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let place = stream
            .peer_addr()
            .ok()
            .and_then(|from| self.doors.enter(from.ip()));
        let Some(place) = place else {
            return Box::pin(async { Err(Error::other("too many connections")) });
        };
        let accepted = stream
            .set_nodelay(true)
            .map(|()| self.inner.accept(stream, service));
        Box::pin(async move {
            let (stream, service) = accepted?.await?;
            let kept = Kept {
                stream,
                _place: place,
            };
            Ok((kept, service))
        })
    }
}

/// A connection and its place.
#[derive(Debug)]
pub struct Kept<T> {
    stream: T,
    _place: Inside,
}

impl<T: AsyncRead + Unpin> AsyncRead for Kept<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Kept<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail here")]
    use super::*;

    #[test]
    fn places_are_counted_in_all_and_by_address_and_given_back() {
        let doors = Doors::new(3, 2);
        let (a, b): (IpAddr, IpAddr) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        let first = doors.enter(a).unwrap();
        let second = doors.enter(a).unwrap();
        assert!(doors.enter(a).is_none(), "two from one address");
        let third = doors.enter(b).unwrap();
        assert!(doors.enter(b).is_none(), "three in all");
        drop(first);
        let again = doors.enter(a).unwrap();
        drop((second, third, again));
        assert!(
            doors.open.lock().unwrap().is_empty(),
            "addresses are not kept"
        );
    }
}
