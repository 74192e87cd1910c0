//! Going on with a feed after a connection was lost.
//!
//! The log keeps what documents became and not what they were, so the changes of a feed cannot
//! be made of it again. Instead the feed itself outlives its connection for a while: it goes on
//! to collect changes in its queue, and keeps the last rows that it told, for they may have been
//! lost on the way. A token names the run of the server, the feed and the row; it is the same
//! for every kind of feed. After a restart of the server, whose log may have lost what was
//! written softly and given its positions out again, no token of before means anything.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use axum::http::StatusCode;
use bytes::Bytes;
use parking_lot::Mutex;
use photondb_datum::Text;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::feed::LiveFeed;
use crate::error::HttpError;
use crate::limits::{LOST_FEEDS_MAX, RESUME_HANDOVER_MAX, RESUME_TIME_MAX};

/// The feeds that can be gone on with.
pub(crate) struct LiveFeeds {
    /// This run of the server.
    run: Uuid,
    feeds: Mutex<HashMap<Uuid, Entry>>,
    /// How many have lost their connection.
    lost: Mutex<usize>,
}

/// Who may go on with a feed, and how.
struct Entry {
    user: Text,
    query: Bytes,
    claim: Claim,
}

/// Asks whoever holds a feed to hand it over.
type Claim = oneshot::Sender<oneshot::Sender<LiveFeed>>;

/// Told that somebody else goes on with the feed.
pub(crate) struct Claimed(oneshot::Receiver<oneshot::Sender<LiveFeed>>);

/// A token that was sent with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Token {
    run: Uuid,
    feed: Uuid,
    row: u64,
}

impl Default for LiveFeeds {
    fn default() -> Self {
        Self { run: Uuid::new_v4(), feeds: Mutex::default(), lost: Mutex::default() }
    }
}

impl LiveFeeds {
    /// Notes who holds a feed.
    pub(crate) fn hold(&self, feed: &LiveFeed) -> Claimed {
        let (claim, claimed) = oneshot::channel();
        let (user, query) = (feed.user.clone(), feed.query.clone());
        self.feeds.lock().insert(feed.id, Entry { user, query, claim });
        Claimed(claimed)
    }

    /// Forgets a feed that has ended.
    pub(crate) fn end(&self, feed: Uuid) {
        self.feeds.lock().remove(&feed);
    }

    /// How many have lost their connection.
    pub(crate) fn lost(&self) -> usize {
        *self.lost.lock()
    }

    /// The token of a row.
    pub(crate) fn token(&self, feed: Uuid, row: u64) -> String {
        Token { run: self.run, feed, row }.to_text()
    }

    /// Keeps a feed whose connection was lost until somebody goes on with it, or for so long.
    pub(crate) fn keep(self: &Arc<Self>, mut feed: LiveFeed, claimed: Claimed) {
        {
            let mut lost = self.lost.lock();
            if *lost >= LOST_FEEDS_MAX {
                drop(lost);
                return self.end(feed.id);
            }
            *lost += 1;
        }
        let feeds: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            let claimed = feed.hold(timeout(RESUME_TIME_MAX, claimed.0)).await;
            let Some(feeds) = feeds.upgrade() else { return };
            *feeds.lost.lock() -= 1;
            match claimed {
                Ok(Ok(claimant)) => drop(claimant.send(feed)),
                _ => feeds.end(feed.id),
            }
        });
    }

    /// The feed of a token, at the row after it.
    pub(crate) async fn resume(
        &self,
        token: &str,
        user: &Text,
        query: &Bytes,
    ) -> Result<(LiveFeed, Claimed), HttpError> {
        let token = Token::parse(token)
            .ok_or_else(|| HttpError::bad_request("This is no token to go on with a feed."))?;
        if token.run != self.run {
            return Err(too_old("the server was restarted since the token was given out"));
        }
        let gone = || too_old("the feed has ended, or was left alone for too long");
        let claim = {
            let mut feeds = self.feeds.lock();
            let entry = feeds.get(&token.feed).filter(|entry| entry.user == *user).ok_or_else(gone)?;
            if entry.query != *query {
                return Err(HttpError::bad_request("The token belongs to another query."));
            }
            feeds.remove(&token.feed).ok_or_else(gone)?.claim
        };
        let (give, given) = oneshot::channel();
        claim.send(give).map_err(|_| gone())?;
        let mut feed = tokio::select! {
            feed = given => feed.map_err(|_| gone())?,
            () = sleep(RESUME_HANDOVER_MAX) => return Err(gone()),
        };
        let claimed = self.hold(&feed);
        match feed.rewind(token.row) {
            Ok(()) => Ok((feed, claimed)),
            Err(_) => {
                self.end(feed.id);
                Err(too_old("more rows have been told since than are kept"))
            }
        }
    }
}

impl Claimed {
    /// Waits until somebody else goes on with the feed.
    pub(crate) async fn wait(&mut self) -> Option<oneshot::Sender<LiveFeed>> {
        (&mut self.0).await.ok()
    }
}

impl Token {
    fn to_text(self) -> String {
        format!("{}.{}.{}", self.run.simple(), self.feed.simple(), self.row)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let token = Self {
            run: Uuid::try_parse(parts.next()?).ok()?,
            feed: Uuid::try_parse(parts.next()?).ok()?,
            row: parts.next()?.parse().ok()?,
        };
        parts.next().is_none().then_some(token)
    }
}

fn too_old(why: &str) -> HttpError {
    HttpError::new(
        StatusCode::GONE,
        "ResumeTooOld",
        format!(
            "The feed cannot be gone on with: {why}. Ask the query anew, with `includeInitial` for what the \
             documents are now, or let `restart` do that."
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_survive_being_text() {
        let token = Token { run: Uuid::from_u128(1), feed: Uuid::from_u128(2), row: 3 };
        assert_eq!(Token::parse(&token.to_text()), Some(token));
        let text = token.to_text();
        for bad in ["", "..", &text[1..], &format!("{text}.1"), &format!("{text}x")] {
            assert_eq!(Token::parse(bad), None, "{bad}");
        }
    }
}
