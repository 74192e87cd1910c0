//! Many tables read side by side, as of nearly the same moment.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use photondb_base::limits::THREAD_STACK_BYTES;

use crate::command_error::CommandError;
use crate::session::{Rows, Session, SessionPool};

/// Reads of one session that are begun together: each keeps its first rows in memory.
const READS_OPEN_MAX: usize = 256;

/// What the help of dumps and exports promises.
pub const CONSISTENCY: &str = "\
The reads of all tables begin together, before the first row is taken, and each sees its table
as of that moment for as long as the server keeps it, which is a minute; what a larger table
has not given by then is read as of later moments. Writes meanwhile may thus be in one table and
not in another. For the state of one moment, stop the writers.";

/// Reads tables in several sessions. `queries` has one for each table; `take` is given its rows,
/// and what it makes of them goes to `done`, on the thread of the caller.
pub fn read_tables<T: Send>(
    pool: &SessionPool,
    clients: usize,
    queries: &[Vec<u8>],
    take: impl Fn(usize, Rows<'_>) -> Result<T, CommandError> + Sync,
    mut done: impl FnMut(usize, T) -> Result<(), CommandError>,
) -> Result<(), CommandError> {
    let clients = clients.clamp(1, queries.len().max(1));
    let sessions = (0..clients).map(|_| pool.open()).collect::<Result<Vec<Session>, _>>()?;
    let stop = AtomicBool::new(false);
    let (sender, receiver) = sync_channel(clients);
    thread::scope(|scope| {
        for (number, mut session) in sessions.into_iter().enumerate() {
            let mine: Vec<usize> = (number..queries.len()).step_by(clients).collect();
            let (sender, take, stop) = (sender.clone(), &take, &stop);
            let work = move || read_some(&mut session, queries, &mine, take, &sender, stop);
            // Documents may nest deeply.
            let thread = thread::Builder::new().stack_size(THREAD_STACK_BYTES);
            thread.spawn_scoped(scope, work).map_err(CommandError::Thread)?;
        }
        drop(sender);
        let outcome = receiver.iter().try_for_each(|read| {
            let (table, value) = read?;
            done(table, value)
        });
        // Whoever waits to be heard ends with the receiver.
        stop.store(true, Ordering::Relaxed);
        drop(receiver);
        outcome
    })
}

type Read<T> = Result<(usize, T), CommandError>;

fn read_some<T: Send>(
    session: &mut Session,
    queries: &[Vec<u8>],
    mine: &[usize],
    take: &(impl Fn(usize, Rows<'_>) -> Result<T, CommandError> + Sync),
    sender: &SyncSender<Read<T>>,
    stop: &AtomicBool,
) {
    for together in mine.chunks(READS_OPEN_MAX) {
        let mut tickets = Vec::with_capacity(together.len());
        for table in together {
            match session.send(&queries[*table]) {
                Ok(ticket) => tickets.push((*table, ticket)),
                Err(error) => return drop(sender.send(Err(error))),
            }
        }
        for (table, ticket) in tickets {
            if stop.load(Ordering::Relaxed) {
                return;
            }
            let read = session.receive(ticket).and_then(|rows| take(table, rows));
            let failed = read.is_err();
            if sender.send(read.map(|value| (table, value))).is_err() || failed {
                return;
            }
        }
    }
}
