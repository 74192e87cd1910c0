//! Plays one vector file against a server.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use photondb_test_support::{Connection, Response, SupportError, kind};
use serde_json::Value;

use crate::judge::judge;
use crate::template::{Bindings, fill};
use crate::vector::{Match, Operation, ValueMatch, Vector, VectorFile};

const QUERY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a fetch of a given number of rows may wait for them.
const FETCH_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a fetch without a number collects what arrives.
const COLLECT_TIME: Duration = Duration::from_secs(1);
/// A server that answers nothing must not cost ten seconds for each of hundreds of lines.
const FILE_TIMEOUT: Duration = Duration::from_secs(60);

const ADMIN: &str = "admin";

/// The outcome of one line that counts.
#[derive(Debug, Clone)]
pub struct Check {
    /// The line's number.
    pub n: usize,
    /// The query, for people.
    pub reql: String,
    /// Why it failed.
    pub failure: Option<String>,
    /// For lines with a recorded backtrace: whether ours is the same.
    pub backtrace_agrees: Option<bool>,
}

/// The outcome of one file.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// The file's name.
    pub name: String,
    /// Its checks, in order.
    pub checks: Vec<Check>,
    /// How long it took.
    pub elapsed: Duration,
}

impl FileReport {
    /// How many checks passed.
    pub fn passes(&self) -> usize {
        self.checks.iter().filter(|check| check.failure.is_none()).count()
    }
}

/// Plays `file` against the server on `port`.
pub fn play(port: u16, file: &VectorFile) -> FileReport {
    let start = Instant::now();
    let mut player = Player::new(port);
    if let Err(error) = player.reset(file.uses_scratch_table) {
        eprintln!("{}: emptying the server: {error}", file.name);
    }
    player.forget_connections();
    let mut checks = Vec::with_capacity(file.checks());
    for vector in &file.vectors {
        player.backtrace = None;
        let outcome = if start.elapsed() > FILE_TIMEOUT {
            Err("not run: the file took too long".to_owned())
        } else {
            player.step(vector).unwrap_or_else(|error| {
                player.forget_connections();
                Err(error.to_string())
            })
        };
        if vector.ok {
            checks.push(Check {
                n: vector.n,
                reql: vector.reql.clone().unwrap_or_else(|| format!("{:?}", vector.operation)),
                failure: outcome.err(),
                backtrace_agrees: vector.backtrace.as_ref().map(|b| Some(b) == player.backtrace.as_ref()),
            });
        }
    }
    FileReport { name: file.name.clone(), checks, elapsed: start.elapsed() }
}

/// A kept cursor.
struct Cursor {
    user: String,
    token: u64,
    rows: VecDeque<Value>,
    /// The response that ended it.
    end: Option<Response>,
}

struct Player {
    port: u16,
    connections: HashMap<String, Connection>,
    cursors: HashMap<usize, Cursor>,
    bindings: Bindings,
    /// Of the last error answer.
    backtrace: Option<Value>,
}

/// The verdict on a line that could be played.
type Verdict = Result<(), String>;

impl Player {
    fn new(port: u16) -> Self {
        Self {
            port,
            connections: HashMap::new(),
            cursors: HashMap::new(),
            bindings: Bindings::new(),
            backtrace: None,
        }
    }

    /// Cursors live on their connection, so they go with it.
    fn forget_connections(&mut self) {
        self.connections.clear();
        self.cursors.clear();
    }

    fn connection(&mut self, user: &str) -> Result<&mut Connection, SupportError> {
        if !self.connections.contains_key(user) {
            let connection = Connection::open(self.port, user, "", QUERY_TIMEOUT)?;
            self.connections.insert(user.to_owned(), connection);
        }
        Ok(self.connections.get_mut(user).expect("it was put there"))
    }

    /// Leaves nothing but an empty database `test`.
    fn reset(&mut self, with_scratch_table: bool) -> Result<(), SupportError> {
        let connection = self.connection(ADMIN)?;
        let mut run = |term: String| connection.run(&format!("[1,{term},{{}}]"), QUERY_TIMEOUT);
        let databases = names(run("[59,[]]".into())?.response);
        for database in databases.iter().filter(|name| !["rethinkdb", "test"].contains(&name.as_str())) {
            run(format!("[58,[{}]]", Value::from(database.as_str())))?;
        }
        if !databases.iter().any(|name| name == "test") {
            run("[57,[\"test\"]]".into())?;
        }
        for table in names(run("[62,[[14,[\"test\"]]]]".into())?.response) {
            run(format!("[61,[[14,[\"test\"]],{}]]", Value::from(table)))?;
        }
        if with_scratch_table {
            run("[54,[[15,[[14,[\"rethinkdb\"]],\"_debug_scratch\"]]]]".into())?;
        }
        Ok(())
    }

    fn step(&mut self, vector: &Vector) -> Result<Verdict, SupportError> {
        let user = vector.user.as_deref().unwrap_or(ADMIN);
        let query = vector.query.as_ref().map(|raw| fill(raw.get(), &self.bindings)).unwrap_or_default();
        match vector.operation {
            Operation::Sleep => {
                std::thread::sleep(Duration::from_secs_f64(vector.seconds.unwrap_or(0.0)));
                Ok(Ok(()))
            }
            Operation::Setup => self.connection(user)?.run(&query, QUERY_TIMEOUT).map(|_| Ok(())),
            Operation::Query => {
                let response = self.connection(user)?.run(&query, QUERY_TIMEOUT)?.response;
                self.backtrace.clone_from(&response.backtrace);
                Ok(judge(vector, &response, &mut self.bindings))
            }
            Operation::Noreply => self.connection(user)?.send(&query).map(|_| Ok(())),
            Operation::NoreplyWait => {
                let response = self.connection(user)?.noreply_wait(QUERY_TIMEOUT)?;
                Ok(expect_kind(&response, kind::WAIT_COMPLETE))
            }
            Operation::Open => self.open(vector, user, &query),
            Operation::Fetch | Operation::Drain | Operation::Close => self.use_cursor(vector),
        }
    }

    fn open(&mut self, vector: &Vector, user: &str, query: &str) -> Result<Verdict, SupportError> {
        let connection = self.connection(user)?;
        let token = connection.send(query)?;
        let response = connection.receive(token, QUERY_TIMEOUT)?;
        let is_error = response.is_error();
        let message = response.message().to_owned();
        let mut cursor = Cursor { user: user.to_owned(), token, rows: VecDeque::new(), end: None };
        absorb(connection, &mut cursor, response)?;
        self.cursors.insert(vector.n, cursor);
        let skipped = matches!(vector.compare, Some(Match::Value(ValueMatch::Skip)) | None);
        let wanted = vector.response.as_ref().and_then(|recorded| recorded.kind);
        let wants_error = wanted.is_some_and(|wanted| wanted >= kind::FIRST_ERROR);
        Ok(if skipped || wants_error == is_error {
            Ok(())
        } else {
            Err(format!("expected response type {wanted:?}, got {message:?}"))
        })
    }

    fn use_cursor(&mut self, vector: &Vector) -> Result<Verdict, SupportError> {
        let opened = vector.cursor.and_then(|line| self.cursors.get_mut(&line));
        let Some(cursor) = opened else {
            return Ok(Err(format!("cursor {:?} was not opened", vector.cursor)));
        };
        let Some(connection) = self.connections.get_mut(&cursor.user) else {
            return Ok(Err("the cursor's connection is gone".to_owned()));
        };
        let (rows_wanted, timeout) = match (vector.operation, vector.limit) {
            (Operation::Close, _) => return connection.send_stop(cursor.token).map(Ok),
            (Operation::Fetch, Some(limit)) => (limit, FETCH_TIMEOUT),
            (Operation::Fetch, None) => (usize::MAX, COLLECT_TIME),
            _ => (usize::MAX, QUERY_TIMEOUT),
        };
        let end = Instant::now() + timeout;
        while cursor.end.is_none() && cursor.rows.len() < rows_wanted {
            match connection.receive(cursor.token, end.saturating_duration_since(Instant::now())) {
                Ok(response) => absorb(connection, cursor, response)?,
                Err(SupportError::Timeout { .. }) if vector.operation == Operation::Fetch => break,
                Err(error) => return Err(error),
            }
        }
        let failed = cursor.end.as_ref().filter(|end| end.is_error());
        if let (Operation::Drain, Some(response)) = (vector.operation, failed) {
            return Ok(judge(vector, response, &mut self.bindings));
        }
        let taken = rows_wanted.min(cursor.rows.len());
        let response = Response {
            kind: kind::SEQUENCE,
            rows: cursor.rows.drain(..taken).collect(),
            error: None,
            backtrace: None,
            notes: Vec::new(),
        };
        Ok(judge(vector, &response, &mut self.bindings))
    }
}

/// Takes a response's rows and asks for more at once.
fn absorb(
    connection: &mut Connection,
    cursor: &mut Cursor,
    mut response: Response,
) -> Result<(), SupportError> {
    if !response.is_error() {
        cursor.rows.extend(response.rows.drain(..));
    }
    if response.kind == kind::PARTIAL {
        return connection.send_continue(cursor.token);
    }
    cursor.end = Some(response);
    Ok(())
}

fn expect_kind(response: &Response, wanted: u64) -> Verdict {
    if response.kind == wanted {
        Ok(())
    } else {
        Err(format!("expected response type {wanted}, got {}: {:?}", response.kind, response.rows))
    }
}

/// The strings of an answer that is an array or a sequence of strings.
fn names(response: Response) -> Vec<String> {
    let rows = match response.rows.into_iter().next() {
        Some(Value::Array(items)) => items,
        other => other.into_iter().collect(),
    };
    rows.into_iter().filter_map(|row| row.as_str().map(str::to_owned)).collect()
}
