//! A body that is written while it is sent.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A body that is written while it is sent; it ends when its sender is dropped, and breaks off
/// at an error.
pub(crate) struct ChannelBody(Receiver<io::Result<Bytes>>);

impl ChannelBody {
    /// A body of which so many parts may wait to be sent.
    pub(crate) fn open(parts_max: usize) -> (Sender<io::Result<Bytes>>, Body) {
        let (sender, receiver) = channel(parts_max);
        (sender, Body::new(Self(receiver)))
    }
}

impl http_body::Body for ChannelBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
    }
}
