//! Queries that stay open: over a WebSocket, several at a time, and as server-sent events.

mod channel_body;
mod events;
mod feed;
mod message;
mod resume;
mod socket;
mod socket_query;

pub(crate) use channel_body::ChannelBody;
pub(crate) use events::changes;
pub(crate) use resume::LiveFeeds;
pub(crate) use socket::open;
