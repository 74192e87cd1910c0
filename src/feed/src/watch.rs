//! A registration at one table: where changes arrive and initial values are read.

use std::sync::Arc;

use photondb_base::{Clock, TableId};
use photondb_datum::Datum;
use photondb_plan::feed::{FeedTransform, Squash};
use photondb_reql::ReqlError;
use photondb_table::{ReadSnapshot, Shards, Subscriber, Subscription};

use crate::error::failed;
use crate::interest::Interest;
use crate::mailbox::{Mail, Mailbox};

/// One table as one feed sees it.
pub(crate) struct Watch {
    pub(crate) shards: Arc<dyn Shards>,
    pub(crate) table: TableId,
    pub(crate) mailbox: Arc<Mailbox>,
    transform: Option<Arc<dyn FeedTransform>>,
    subscription: Subscription,
}

/// How the waiting changes of a watch are kept.
pub(crate) struct WaitingOptions {
    pub(crate) squash: Squash,
    pub(crate) rows_max: usize,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Watch {
    /// Registers; changes arrive from now on. Keeps the state that they start from only
    /// for who wants it: it holds space.
    pub(crate) fn open(
        shards: Arc<dyn Shards>,
        table: TableId,
        interest: Interest,
        transform: Option<Arc<dyn FeedTransform>>,
        waiting: WaitingOptions,
        with_snapshot: bool,
    ) -> Result<Self, ReqlError> {
        let mailbox = Arc::new(Mailbox::new(interest, waiting.squash, waiting.rows_max, waiting.clock));
        let subscriber = Arc::clone(&mailbox) as Arc<dyn Subscriber>;
        let mut subscription = shards.subscribe(table, subscriber).map_err(|error| failed(&error))?;
        if !with_snapshot {
            drop(subscription.take_snapshot());
        }
        Ok(Self { shards, table, mailbox, transform, subscription })
    }

    /// The state that the changes start from; nobody else gets it afterwards.
    pub(crate) fn take_snapshot(&mut self) -> Result<ReadSnapshot, ReqlError> {
        match self.subscription.take_snapshot() {
            Some(snapshot) => Ok(snapshot),
            None => Err(ReqlError::internal("the initial state of a changefeed was taken twice")),
        }
    }

    /// Takes what waits.
    pub(crate) fn take(&self, rows_max: usize) -> Mail {
        self.mailbox.take(rows_max)
    }

    /// What a document looks like in the feed; `None` when it is filtered out.
    pub(crate) fn view(&self, document: &Datum) -> Result<Option<Datum>, ReqlError> {
        match &self.transform {
            Some(transform) => transform.apply(document),
            None => Ok(Some(document.clone())),
        }
    }

    /// [`Watch::view`] of a document that may be absent.
    pub(crate) fn view_of(&self, document: Option<&Datum>) -> Result<Option<Datum>, ReqlError> {
        document.map_or(Ok(None), |document| self.view(document))
    }
}
