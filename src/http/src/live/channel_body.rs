//! A body that is written while it is sent.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes};
use http_body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// A body that is written while it is sent; it ends when its sender is dropped.
pub(crate) struct ChannelBody(Receiver<Bytes>);

impl ChannelBody {
    /// A body of which so many parts may wait to be sent.
    pub(crate) fn open(parts_max: usize) -> (Sender<Bytes>, Body) {
        let (sender, receiver) = channel(parts_max);
        (sender, Body::new(Self(receiver)))
    }
}

impl http_body::Body for ChannelBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| Ok(Frame::data(part))))
    }
}
