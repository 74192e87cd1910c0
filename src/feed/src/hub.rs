//! The one listener that all feeds of a table share, and the channels that it tells.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use photondb_base::{LogPosition, TableId};
use photondb_plan::feed::{FeedIdentity, Squash, Wake};
use photondb_reql::ReqlError;
use photondb_table::{Change, CloseReason, ReadSnapshot, Subscriber, Subscription, TableError};

use crate::channel::{Channel, Mail};
use crate::error::failed;
use crate::expression::Expression;
use crate::ground::Ground;
use crate::limits::FEEDS_PER_TABLE_MAX;
use crate::readers::ReaderId;
use crate::routes::{Routes, Wakes};

/// The hubs of all tables that have feeds.
pub(crate) struct Hubs {
    ground: Arc<Ground>,
    hubs: Mutex<HashMap<TableId, Weak<Hub>>>,
}

/// What a reader asks to be told.
pub(crate) struct Wanted {
    pub(crate) expression: Expression,
    pub(crate) identity: Option<FeedIdentity>,
    pub(crate) squash: Squash,
    pub(crate) rows_max: usize,
}

/// The feeds of one table, from the first one that opens to the last one that ends.
pub(crate) struct Hub {
    table: TableId,
    exchange: Arc<Exchange>,
    members: Mutex<Members>,
    /// Ends the listening when the last feed is gone.
    _subscription: Subscription,
}

#[derive(Default)]
struct Members {
    /// Channels that others may join.
    channels: HashMap<Arc<FeedIdentity>, Arc<Channel>>,
    readers: usize,
}

/// The listener.
struct Exchange {
    ground: Arc<Ground>,
    state: Mutex<ExchangeState>,
}

#[derive(Default)]
struct ExchangeState {
    routes: Routes,
    closed: Option<CloseReason>,
}

/// One reader of a channel; dropping it ends the feed.
pub(crate) struct Reader {
    hub: Arc<Hub>,
    channel: Arc<Channel>,
    id: ReaderId,
    /// By which others find the channel.
    identity: Option<Arc<FeedIdentity>>,
}

impl Hubs {
    pub(crate) fn new(ground: Arc<Ground>) -> Self {
        Self { ground, hubs: Mutex::default() }
    }

    /// Bytes of all changes that wait for somebody.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.ground.gauge.bytes()
    }

    /// Starts to tell a reader the changes that it wants.
    pub(crate) fn join(&self, table: TableId, wanted: Wanted) -> Result<Reader, ReqlError> {
        self.hub(table)?.join(wanted)
    }

    /// A channel without a table, to be told rows.
    pub(crate) fn channel(&self, expression: Expression) -> Channel {
        Channel::new(expression, Squash::Off)
    }

    fn hub(&self, table: TableId) -> Result<Arc<Hub>, ReqlError> {
        let mut hubs = self.hubs.lock();
        let entry = hubs.entry(table);
        if let Entry::Occupied(entry) = &entry
            && let Some(hub) = entry.get().upgrade().filter(|hub| hub.exchange.state.lock().closed.is_none())
        {
            return Ok(hub);
        }
        let exchange = Arc::new(Exchange { ground: Arc::clone(&self.ground), state: Mutex::default() });
        let subscriber = Arc::clone(&exchange) as Arc<dyn Subscriber>;
        let mut subscription =
            self.ground.shards.subscribe(table, subscriber).map_err(|error| failed(&error))?;
        drop(subscription.take_snapshot());
        let members = Mutex::default();
        let hub = Arc::new(Hub { table, exchange, members, _subscription: subscription });
        entry.insert_entry(Arc::downgrade(&hub));
        hubs.retain(|_, hub| hub.strong_count() > 0);
        Ok(hub)
    }
}

impl Hub {
    fn join(self: Arc<Self>, wanted: Wanted) -> Result<Reader, ReqlError> {
        let Wanted { expression, identity, squash, rows_max } = wanted;
        let mut members = self.members.lock();
        if members.readers >= FEEDS_PER_TABLE_MAX {
            let error = TableError::Limit { what: "feeds of one table", max: FEEDS_PER_TABLE_MAX };
            return Err(failed(&error));
        }
        members.readers += 1;
        let found = identity.as_ref().and_then(|identity| members.channels.get_key_value(identity));
        if let Some((identity, channel)) = found {
            let (channel, identity) = (Arc::clone(channel), Some(Arc::clone(identity)));
            let id = channel.join(rows_max);
            drop(members);
            return Ok(Reader { hub: self, channel, id, identity });
        }
        let channel = Arc::new(Channel::new(expression, squash));
        let id = channel.join(rows_max);
        self.exchange.add(&channel);
        let identity = identity.map(Arc::new);
        if let Some(identity) = &identity {
            members.channels.insert(Arc::clone(identity), Arc::clone(&channel));
        }
        drop(members);
        Ok(Reader { hub: self, channel, id, identity })
    }

    fn leave(&self, reader: &Reader) {
        let mut members = self.members.lock();
        members.readers -= 1;
        let (left, wake) = reader.channel.leave(reader.id);
        if left == 0 {
            if let Some(identity) = &reader.identity {
                members.channels.remove(identity);
            }
            self.exchange.remove(&reader.channel);
        }
        drop(members);
        if let Some(wake) = wake {
            wake();
        }
    }
}

impl Exchange {
    fn add(&self, channel: &Arc<Channel>) {
        let mut state = self.state.lock();
        match state.closed {
            Some(why) => channel.close(why),
            None => state.routes.add(channel),
        }
    }

    fn remove(&self, channel: &Arc<Channel>) {
        self.state.lock().routes.remove(channel);
    }
}

impl Subscriber for Exchange {
    fn change(&self, change: &Arc<Change>) {
        let mut wakes = Wakes::new();
        self.state.lock().routes.tell(self.ground.shards.as_ref(), change, &mut wakes);
        // Not under the lock: whoever is woken may be the last to hold a feed, and end it.
        wakes.into_iter().for_each(|wake| wake());
    }

    fn closed(&self, why: CloseReason) {
        let channels = {
            let mut state = self.state.lock();
            state.closed.get_or_insert(why);
            state.routes.clear()
        };
        for channel in channels {
            channel.close(why);
        }
    }
}

impl Reader {
    pub(crate) fn expression(&self) -> &Expression {
        &self.channel.expression
    }

    /// The newest state of the table; the reader is told what comes after it.
    pub(crate) fn start(&self) -> Result<ReadSnapshot, ReqlError> {
        let snapshot =
            self.expression().ground.shards.snapshot(self.hub.table).map_err(|error| failed(&error))?;
        self.start_after(snapshot.position());
        Ok(snapshot)
    }

    /// Tells the reader nothing up to here.
    pub(crate) fn start_after(&self, position: LogPosition) {
        self.channel.start_after(self.id, position);
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(crate) fn id(&self) -> ReaderId {
        self.id
    }

    /// See [`Channel::take`].
    pub(crate) fn take(&self, events_max: usize, mail: &mut Mail) {
        self.channel.take(self.id, events_max, mail);
    }

    pub(crate) fn prepare(&self) {
        self.channel.prepare(self.id);
    }

    pub(crate) fn on_ready(&self, wake: Wake) {
        self.channel.on_ready(self.id, wake);
    }

    pub(crate) fn due_in_us(&self) -> Option<u64> {
        self.channel.due_in_us(self.id)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.hub.leave(self);
    }
}
