//! What doors other than the drivers' are built on: listening, logging in, queries and feeds.
//!
//! A door turns bytes of its protocol into these calls and their answers into bytes again. It
//! has no logic of its own: permissions, limits, jobs, durability and cancellation are the same
//! whichever door a query came through.

mod cursor;
mod feed;
mod listener;
mod login;
mod session;
mod throttle;

pub use cursor::{RowBatch, RowCursor};
pub use feed::{FeedBatch, FeedReader};
pub use listener::{Accepted, ConnectionPlace, DoorListener};
pub use login::{Identity, LoginError, Logins};
pub use photondb_plan::feed::{FeedKind, FeedRow};
pub use session::{DoorAnswer, DoorQuery, DoorReply, DoorSession};
pub use throttle::{FAILURES_PER_CLIENT_MAX, FAILURES_PER_USER_MAX};
