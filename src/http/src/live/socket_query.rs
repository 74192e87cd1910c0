//! One query of a WebSocket, from its message to its end.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use photondb_server::door::{DoorAnswer, DoorReply, DoorSession, RowCursor};
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::oneshot;

use super::feed::LiveFeed;
use super::message::{self, QueryMessage, RowsHead};
use super::resume::Claimed;
use super::socket::Outgoing;
use crate::door::Shared;
use crate::error::HttpError;
use crate::query_request::{Prepared, QuerySource};

/// What the client wants of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    More,
    Cancel,
}

/// One query of a WebSocket. Its last message is `done` or an error.
pub(super) struct SocketQuery {
    id: u64,
    shared: Arc<Shared>,
    session: DoorSession,
    /// Ends when the connection is lost.
    requests: Receiver<Request>,
    out: Sender<Outgoing>,
    /// Requests for rows that came early.
    asked: usize,
}

/// Why a query ends before its answer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interrupt {
    Cancelled,
    Lost,
}

/// How a query ended.
enum Outcome {
    Done,
    Failed(HttpError),
    /// Nobody is there to be told.
    Lost,
}

impl From<HttpError> for Outcome {
    fn from(error: HttpError) -> Self {
        Self::Failed(error)
    }
}

impl From<Interrupt> for Outcome {
    fn from(interrupt: Interrupt) -> Self {
        match interrupt {
            Interrupt::Cancelled => Self::Done,
            Interrupt::Lost => Self::Lost,
        }
    }
}

impl SocketQuery {
    pub(super) fn new(
        id: u64,
        shared: Arc<Shared>,
        session: DoorSession,
        requests: Receiver<Request>,
        out: Sender<Outgoing>,
    ) -> Self {
        Self { id, shared, session, requests, out, asked: 0 }
    }

    /// Runs the query to its end.
    pub(super) async fn run(mut self, message: QueryMessage) {
        let text = match self.answer(message).await {
            Ok(()) | Err(Outcome::Done) => message::done(self.id),
            Err(Outcome::Failed(error)) => message::error(Some(self.id), &error),
            Err(Outcome::Lost) => return,
        };
        // Fails when nobody is there to be told.
        drop(self.out.send(Outgoing { id: self.id, text, is_last: true }).await);
    }

    async fn answer(&mut self, message: QueryMessage) -> Result<(), Outcome> {
        let began = Instant::now();
        let QueryMessage { request, resume, restart, .. } = message;
        let decode = move || request.prepare();
        let decoded = self.shared.context.workers.run(decode).await.map_err(HttpError::from)?;
        let Prepared { query, source, explain } = decoded?;
        let wire = query.wire().clone();
        let mut restarted = false;
        if let Some(token) = resume {
            let resumed = self.shared.door.live.resume(&token, self.session.user(), &wire).await;
            match resumed {
                Ok((feed, claimed)) => return self.feed(feed, claimed, &source, false).await,
                Err(error) if restart && error.status == StatusCode::GONE => restarted = true,
                Err(error) => return Err(error.into()),
            }
        }
        let session = self.session.clone();
        let reply = self.interruptible(session.run(query)).await?;
        let DoorReply { answer, profile } = reply.map_err(|error| source.locate(error))?;
        let time_ms = Some(began.elapsed().as_secs_f64() * 1000.0);
        let head = RowsHead { id: self.id, time_ms, profile: profile.as_ref(), ..RowsHead::default() };
        match answer {
            DoorAnswer::Atom(value) => {
                let head = RowsHead { kind: if explain { "explain" } else { "atom" }, ..head };
                self.send(head.with_rows(&[value]).map_err(|error| source.locate(error))?).await
            }
            DoorAnswer::Rows(rows, rest) => {
                let head = RowsHead { kind: "sequence", more: rest.is_some(), ..head };
                self.send(head.with_rows(&rows).map_err(|error| source.locate(error))?).await?;
                match rest {
                    Some(cursor) => self.rows(cursor, &source).await,
                    None => Ok(()),
                }
            }
            DoorAnswer::Feed(reader) => {
                let feed = LiveFeed::new(self.session.user().clone(), wire, reader);
                let claimed = self.shared.door.live.hold(&feed);
                self.feed(feed, claimed, &source, restarted).await
            }
        }
    }

    /// Sends the rest of a sequence, a batch for each request.
    async fn rows(&mut self, mut cursor: RowCursor, source: &QuerySource) -> Result<(), Outcome> {
        loop {
            self.wait_for_request().await?;
            let began = Instant::now();
            let batch = self.interruptible(cursor.next()).await?.map_err(|error| source.locate(error))?;
            let time_ms = Some(began.elapsed().as_secs_f64() * 1000.0);
            let head =
                RowsHead { id: self.id, kind: "sequence", more: batch.more, time_ms, ..RowsHead::default() };
            self.send(head.with_rows(&batch.rows).map_err(|error| source.locate(error))?).await?;
            if !batch.more {
                return Ok(());
            }
        }
    }

    /// Sends changes as they come.
    async fn feed(
        &mut self,
        mut feed: LiveFeed,
        mut claimed: Claimed,
        source: &QuerySource,
        restarted: bool,
    ) -> Result<(), Outcome> {
        let live = Arc::clone(&self.shared.door.live);
        // Tells that the feed is open: nothing may ever come.
        let token = |last| Some(live.token(feed.id, last));
        let head = RowsHead { id: self.id, kind: "feed", more: true, ..RowsHead::default() };
        let opened = RowsHead { resume: token(feed.told()), restarted, ..head }.with_changes(&[]);
        let mut text = opened.map_err(|error| source.locate(error))?;
        let mut more = true;
        loop {
            let out = self.out.clone();
            let sent = tokio::select! {
                // A client that ends its queries goes away next, and does not come back for them.
                biased;
                interrupt = interrupted(&mut self.requests, &mut self.asked) => Err(interrupt),
                permit = feed.hold(out.reserve()) => match permit {
                    Ok(permit) => {
                        permit.send(Outgoing { id: self.id, text, is_last: false });
                        Ok(())
                    }
                    Err(_) => Err(Interrupt::Lost),
                },
                claimant = claimed.wait() => return hand_over(feed, claimant),
            };
            if let Err(interrupt) = sent {
                return self.leave(feed, claimed, interrupt);
            }
            if !more {
                live.end(feed.id);
                return Ok(());
            }
            let rows = tokio::select! {
                rows = feed.next() => rows,
                interrupt = interrupted(&mut self.requests, &mut self.asked) => {
                    return self.leave(feed, claimed, interrupt);
                }
                claimant = claimed.wait() => return hand_over(feed, claimant),
            };
            let rows = rows.inspect_err(|_| live.end(feed.id)).map_err(|error| source.locate(error))?;
            let head = RowsHead {
                id: self.id,
                kind: "feed",
                more: rows.more,
                resume: Some(live.token(feed.id, rows.last)),
                ..RowsHead::default()
            };
            text = head.with_changes(&rows.rows).map_err(|error| source.locate(error))?;
            more = rows.more;
        }
    }

    /// Leaves a feed: for good, or until somebody comes back for it.
    fn leave(&self, feed: LiveFeed, claimed: Claimed, interrupt: Interrupt) -> Result<(), Outcome> {
        match interrupt {
            Interrupt::Cancelled => self.shared.door.live.end(feed.id),
            Interrupt::Lost => self.shared.door.live.keep(feed, claimed),
        }
        Err(interrupt.into())
    }

    /// Waits until the client wants more rows.
    async fn wait_for_request(&mut self) -> Result<(), Outcome> {
        if self.asked > 0 {
            self.asked -= 1;
            return Ok(());
        }
        match self.requests.recv().await {
            Some(Request::More) => Ok(()),
            Some(Request::Cancel) => Err(Interrupt::Cancelled.into()),
            None => Err(Interrupt::Lost.into()),
        }
    }

    /// Waits for something that the client may end.
    async fn interruptible<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Outcome> {
        tokio::select! {
            biased;
            interrupt = interrupted(&mut self.requests, &mut self.asked) => Err(interrupt.into()),
            value = work => Ok(value),
        }
    }

    async fn send(&mut self, text: String) -> Result<(), Outcome> {
        let (id, out) = (self.id, self.out.clone());
        let sent = self.interruptible(out.send(Outgoing { id, text, is_last: false })).await?;
        sent.map_err(|_| Outcome::Lost)
    }
}

/// Waits until the client ends the query or is gone; counts its other requests.
async fn interrupted(requests: &mut Receiver<Request>, asked: &mut usize) -> Interrupt {
    loop {
        match requests.recv().await {
            Some(Request::More) => *asked += 1,
            Some(Request::Cancel) => return Interrupt::Cancelled,
            None => return Interrupt::Lost,
        }
    }
}

/// Gives a feed to another connection that goes on with it.
fn hand_over(feed: LiveFeed, claimant: Option<oneshot::Sender<LiveFeed>>) -> Result<(), Outcome> {
    if let Some(claimant) = claimant {
        // Fails when that one is gone, too; then the feed ends here.
        drop(claimant.send(feed));
    }
    Err(Outcome::Failed(HttpError::new(
        StatusCode::GONE,
        "ResumedElsewhere",
        "Another connection goes on with this feed.",
    )))
}
