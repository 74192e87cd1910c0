//! `photondb migrate` from a server that knows and tells no more than RethinkDB 2.4 does.
//!
//! Between the tool and the old server stands a relay: it notes what is asked, and takes out of
//! the answers what RethinkDB's do not have.

use std::collections::BTreeSet;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use photondb_test_support::{Server, server_binary};
use serde_json::{Value, json};

const DOCUMENTS: u64 = 5_000;
/// Messages of the handshake that end with a zero byte, in each direction.
const HANDSHAKE_QUESTIONS: usize = 2;
const HANDSHAKE_ANSWERS: usize = 3;
const MAGIC_BYTES: usize = 4;
const TOKEN_BYTES: usize = 8;
const START: u64 = 1;
const CONTINUE: u64 = 2;
/// `STOP`, when it is known that there is no more to be read.
const STOP: u64 = 3;
const MAKE_ARRAY: u64 = 2;
/// `DB`, `TABLE`, `ORDER_BY`, `COERCE_TO`, `DB_LIST`, `TABLE_LIST`, `LIMIT`, `INFO`, `INDEX_STATUS`,
/// `GET_WRITE_HOOK`: what an old server needs to be asked.
const TERMS: [u64; 10] = [14, 15, 41, 51, 59, 62, 71, 79, 139, 190];
/// The fields of the answer of `info()` about a table.
const INFO_FIELDS: [&str; 7] = ["db", "doc_count_estimates", "id", "indexes", "name", "primary_key", "type"];
/// The fields of a row of `indexStatus()`, `progress` aside.
const INDEX_FIELDS: [&str; 7] = ["function", "geo", "index", "multi", "outdated", "query", "ready"];

/// What went through the relay.
#[derive(Default)]
struct Notes {
    questions: Vec<Value>,
    /// Fields that were taken out of answers.
    removed: BTreeSet<String>,
}

/// One connection to a server, as RethinkDB would have answered it.
struct Relay {
    port: u16,
    notes: Arc<Mutex<Notes>>,
    thread: JoinHandle<()>,
}

impl Relay {
    fn to(server: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let notes = Arc::new(Mutex::new(Notes::default()));
        let shared = Arc::clone(&notes);
        let thread = thread::spawn(move || {
            let (client, _) = listener.accept().expect("a client");
            let server = TcpStream::connect(("127.0.0.1", server)).expect("the server");
            let (from_server, to_client) = (clone(&server), clone(&client));
            let answers = Arc::clone(&shared);
            let back = thread::spawn(move || relay_answers(from_server, to_client, &answers));
            relay_questions(client, server, &shared);
            back.join().expect("the answers are relayed");
        });
        Self { port, notes, thread }
    }

    /// What went through, once the client has gone.
    fn notes(self) -> Notes {
        self.thread.join().expect("the relay ends");
        std::mem::take(&mut *self.notes.lock().expect("nobody else has failed"))
    }
}

fn clone(stream: &TcpStream) -> TcpStream {
    stream.try_clone().expect("a second handle")
}

fn relay_questions(mut from: TcpStream, mut to: TcpStream, notes: &Mutex<Notes>) {
    let mut magic = [0; MAGIC_BYTES];
    from.read_exact(&mut magic).expect("the version");
    to.write_all(&magic).expect("is sent");
    for _ in 0..HANDSHAKE_QUESTIONS {
        relay_text(&mut from, &mut to).expect("the handshake");
    }
    while let Ok((token, body)) = read_frame(&mut from) {
        notes.lock().expect("nobody else has failed").questions.push(body.clone());
        write_frame(&mut to, token, &body).expect("is sent");
    }
    to.shutdown(std::net::Shutdown::Write).ok();
}

fn relay_answers(mut from: TcpStream, mut to: TcpStream, notes: &Mutex<Notes>) {
    for _ in 0..HANDSHAKE_ANSWERS {
        relay_text(&mut from, &mut to).expect("the handshake");
    }
    while let Ok((token, mut body)) = read_frame(&mut from) {
        let removed = &mut notes.lock().expect("nobody else has failed").removed;
        for row in body["r"].as_array_mut().into_iter().flatten() {
            as_rethinkdb(row, removed);
        }
        // A client that has gone needs no answers.
        if write_frame(&mut to, token, &body).is_err() {
            return;
        }
    }
}

fn relay_text(from: &mut TcpStream, to: &mut TcpStream) -> io::Result<()> {
    let mut byte = [1];
    while byte[0] != 0 {
        from.read_exact(&mut byte)?;
        to.write_all(&byte)?;
    }
    Ok(())
}

fn read_frame(from: &mut TcpStream) -> io::Result<([u8; TOKEN_BYTES], Value)> {
    let (mut token, mut length) = ([0; TOKEN_BYTES], [0; 4]);
    from.read_exact(&mut token)?;
    from.read_exact(&mut length)?;
    let mut body = vec![0; u32::from_le_bytes(length) as usize];
    from.read_exact(&mut body)?;
    Ok((token, serde_json::from_slice(&body)?))
}

fn write_frame(to: &mut TcpStream, token: [u8; TOKEN_BYTES], body: &Value) -> io::Result<()> {
    let body = body.to_string().into_bytes();
    let length = u32::try_from(body.len()).expect("a frame is not that long").to_le_bytes();
    to.write_all(&[&token[..], &length[..], &body[..]].concat())
}

/// Takes out of a table's info and its index statuses what RethinkDB does not tell.
fn as_rethinkdb(row: &mut Value, removed: &mut BTreeSet<String>) {
    match row {
        Value::Array(rows) => rows.iter_mut().for_each(|row| as_rethinkdb(row, removed)),
        Value::Object(fields) => {
            let known = match fields {
                _ if fields.contains_key("doc_count_estimates") => INFO_FIELDS,
                _ if fields.contains_key("outdated") => INDEX_FIELDS,
                _ => return,
            };
            let more: Vec<String> =
                fields.keys().filter(|name| !known.contains(&name.as_str())).cloned().collect();
            for name in more {
                fields.remove(&name);
                removed.insert(name);
            }
            assert_eq!(fields.len(), known.len(), "{fields:?}");
        }
        _ => {}
    }
}

/// The numbers of all terms of a query.
fn terms(term: &Value, found: &mut BTreeSet<u64>) {
    let Some(parts) = term.as_array() else { return };
    found.insert(parts[0].as_u64().expect("a term"));
    parts.get(1).and_then(Value::as_array).into_iter().flatten().for_each(|part| terms(part, found));
    parts.get(2).and_then(Value::as_object).into_iter().flatten().for_each(|(_, part)| terms(part, found));
}

/// What the binary prints when it succeeds.
fn did(server: &Server, arguments: &[&str]) -> String {
    let mut command = Command::new(server_binary());
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("PHOTONDB_")) {
        command.env_remove(name);
    }
    command.env("PHOTONDB_CONNECT", format!("127.0.0.1:{}", server.port()));
    let output = command.args(arguments).output().expect("the binary runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn asked(server: &Server, query: &str) -> Value {
    serde_json::from_str(&did(server, &["query", "-o", "json", "-d", "shop", query])).expect("JSON")
}

fn fill(server: &Server) {
    did(server, &["db", "create", "shop"]);
    did(server, &["table", "create", "shop.people", "--primary-key", "mail"]);
    for query in [
        "r.table('people').indexCreate('name')",
        "r.table('people').indexCreate('both', row => [row('name'), row('born')])",
        "r.table('people').indexCreate('tags', {multi: true})",
        "r.table('people').indexCreate('place', {geo: true})",
    ] {
        asked(server, query);
    }
    let insert = format!(
        "r.table('people').insert(r.range({DOCUMENTS}).map(n => ({{mail: n, name: n.coerceTo('string'), \
         tags: [n.mod(3), 'x'], born: r.epochTime(n), place: r.point(n.mod(90), 0), \
         picture: r.binary('YQ==')}})).coerceTo('array'))('inserted')"
    );
    assert_eq!(asked(server, &insert), DOCUMENTS);
    asked(server, "r.table('people').setWriteHook((context, before, after) => after.merge({seen: true}))");
    asked(server, "r.tableCreate('visits', {ttl: {field: 'until'}})");
    did(server, &["user", "create", "ann", "--new-password", "old"]);
    did(server, &["user", "grant", "ann", "read,write", "--on", "shop"]);
    did(server, &["user", "grant", "ann", "write=no", "--on", "shop.people"]);
}

fn everything(server: &Server) -> Value {
    json!([
        asked(server, "r.table('people').orderBy({index: 'mail'})"),
        asked(server, "r.table('people').indexWait()"),
        asked(server, "r.table('people').getWriteHook()"),
        asked(server, "r.table('people').getIntersecting(r.point(7, 0), {index: 'place'}).count()"),
        asked(server, "r.db('rethinkdb').table('permissions').without('id').orderBy('user', 'permissions')"),
    ])
}

#[test]
fn an_old_server_is_asked_only_for_what_it_knows() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let [old, new] =
        ["old", "new"].map(|name| Server::start(&folder.path().join(name)).expect("the server starts"));
    fill(&old);
    let relay = Relay::to(old.port());
    let from = format!("127.0.0.1:{}", relay.port);
    let said = did(&new, &["migrate", "--from", &from, "--users"]);
    assert!(said.contains(&format!("Migrated 2 tables with {DOCUMENTS} documents and 4 indexes")), "{said}");
    assert!(said.contains("Password of user \"ann\": "), "{said}");
    assert_eq!(everything(&new), everything(&old));

    let notes = relay.notes();
    assert_eq!(notes.removed, BTreeSet::from(["ttl".to_owned()]), "RethinkDB's documents do not expire");
    assert_eq!(asked(&new, "r.table('visits').info().hasFields('ttl')"), false);
    let (mut found, mut kinds) = (BTreeSet::new(), BTreeSet::new());
    for question in &notes.questions {
        let parts = question.as_array().expect("a query");
        let kind = parts[0].as_u64().expect("a type");
        kinds.insert(kind);
        if kind == START {
            terms(&parts[1], &mut found);
            let options = parts.get(2).and_then(Value::as_object);
            assert!(options.is_none_or(serde_json::Map::is_empty), "{question}");
        }
    }
    kinds.remove(&STOP);
    assert_eq!(kinds, BTreeSet::from([START, CONTINUE]), "documents come in batches");
    found.remove(&MAKE_ARRAY);
    let known = BTreeSet::from(TERMS);
    assert!(found.is_subset(&known), "{:?}", found.difference(&known));
}
