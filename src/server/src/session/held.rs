//! Answers that wait until the log is written.
//!
//! A soft write is done before its record has left the process. Its answer waits here while the
//! connection's other queries of the same read run, and those of other connections that are at
//! hand; then one write of the log serves them all, and the answers leave together.

use std::time::Instant;

use parking_lot::Mutex;
use photondb_base::LogPosition;
use photondb_reql::ReqlError;
use photondb_storage::Acknowledgement;
use photondb_wire::Token;

use super::Session;
use crate::durability::wait_for_log;
use crate::metrics::QueryKind;

/// With so many answers the next query waits for the log.
const HELD_ANSWERS_MAX: usize = 32;

/// The answer of a query that has run.
pub(super) struct HeldAnswer {
    pub token: Token,
    pub began: Instant,
    pub kind: QueryKind,
    pub rows: usize,
    pub answer: Result<Vec<u8>, ReqlError>,
    /// Nobody waits for the answer, but somebody may for it being logged.
    pub noreply: bool,
}

/// The answers that a connection holds back.
#[derive(Default)]
pub(super) struct HeldAnswers(Mutex<Held>);

#[derive(Default)]
struct Held {
    answers: Vec<HeldAnswer>,
    /// The log must be written up to here.
    position: LogPosition,
}

impl HeldAnswers {
    pub(super) fn hold(&self, answer: HeldAnswer, position: LogPosition) {
        let mut held = self.0.lock();
        held.answers.push(answer);
        held.position = held.position.max(position);
    }

    pub(super) fn is_full(&self) -> bool {
        self.0.lock().answers.len() >= HELD_ANSWERS_MAX
    }
}

impl Session {
    /// Waits for the log and puts the answers that were held back into the outbox.
    pub(crate) async fn release_answers(&self) {
        let Held { answers, position } = std::mem::take(&mut *self.held.0.lock());
        if answers.is_empty() {
            return;
        }
        let acknowledgement = Acknowledgement { written: position, ..Acknowledgement::default() };
        let logged = wait_for_log(self.context.engine.as_ref(), acknowledgement).await;
        let metrics = &self.context.metrics.driver;
        for HeldAnswer { token, began, kind, rows, answer, noreply } in answers {
            let answer = logged.clone().and(answer);
            metrics.record(if answer.is_ok() { kind } else { QueryKind::Error }, began.elapsed());
            metrics.rows.add(rows);
            if !noreply {
                self.tell_started(token, answer);
            }
        }
    }
}
