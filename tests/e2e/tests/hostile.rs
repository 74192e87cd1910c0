//! Peers that send nonsense: they get an error or a closed connection, the others their answers.

use std::time::Duration;

use photondb_base::{Random, SeededRandom};
use photondb_test_support::{Connection, Server, SupportError, kind};
use serde_json::json;

const TIMEOUT: Duration = Duration::from_secs(20);
const V1_0: [u8; 4] = 0x34c2_bdc3_u32.to_le_bytes();
const RANDOM_CONNECTIONS: usize = 300;
const SILENT_CONNECTIONS: usize = 200;

/// A server and a well-behaved client that must never notice anything.
struct House {
    server: Server,
    witness: Connection,
    _folder: tempfile::TempDir,
}

impl House {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let server = Server::start(&folder.path().join("data")).expect("the server starts");
        let witness = server.connect().expect("a connection");
        Self { server, witness, _folder: folder }
    }

    fn silent(&self) -> Connection {
        Connection::open_silent(self.server.port(), TIMEOUT).expect("the port takes connections")
    }

    #[track_caller]
    fn is_well(&mut self, after: &str) {
        assert!(self.server.is_running(), "the server died after {after}:\n{}", self.server.output());
        assert_eq!(self.witness.value("[24,[1,2]]").expect("an answer"), json!(3), "after {after}");
        let mut newcomer = self.server.connect().expect("a new connection");
        assert_eq!(newcomer.value("[24,[3,4]]").expect("an answer"), json!(7), "after {after}");
    }
}

#[test]
fn unknown_magic_numbers_are_refused_in_words() {
    let mut house = House::new();
    for hello in [*b"\x01\x02\x03\x04", *b"\xff\xff\xff\xff", *b"GET ", [0; 4]] {
        let mut peer = house.silent();
        peer.send_bytes(&hello).expect("sent");
        let reply = peer.read_to_close(TIMEOUT).expect("the server closes the connection");
        let reply = String::from_utf8_lossy(&reply).into_owned();
        assert!(reply.contains("unsupported protocol version"), "{hello:?} is answered with {reply:?}");
        house.is_well("a wrong magic number");
    }
}

#[test]
fn broken_handshakes_are_refused_in_words() {
    let mut house = House::new();
    let messages: [&[u8]; 5] = [
        b"no json\0",
        b"[]\0",
        b"{\"protocol_version\":99,\"authentication_method\":\"SCRAM-SHA-256\",\"authentication\":\"n,,n=admin,r=x\"}\0",
        b"{\"protocol_version\":0,\"authentication_method\":\"PLAIN\",\"authentication\":\"n,,n=admin,r=x\"}\0",
        b"{\"protocol_version\":0,\"authentication_method\":\"SCRAM-SHA-256\",\"authentication\":\"nonsense\"}\0",
    ];
    for message in messages {
        let mut peer = house.silent();
        peer.send_bytes(&V1_0).expect("sent");
        peer.send_bytes(message).expect("sent");
        let reply = peer.read_to_close(TIMEOUT).expect("the server closes the connection");
        let refusal = reply
            .split(|&byte| byte == 0)
            .filter_map(|part| serde_json::from_slice::<serde_json::Value>(part).ok())
            .find(|part| part["success"] == json!(false));
        let refusal = refusal.unwrap_or_else(|| panic!("no refusal in {}", String::from_utf8_lossy(&reply)));
        assert!(refusal["error"].is_string() && refusal["error_code"].is_number(), "{refusal}");
        house.is_well("a broken handshake");
    }
}

#[test]
fn a_handshake_without_an_end_is_cut_off() {
    let mut house = House::new();
    let mut peer = house.silent();
    peer.send_bytes(&V1_0).expect("sent");
    // The server may close before everything is sent: that is the point.
    let chunk = vec![b'x'; 64 * 1024];
    let cut = (0..256).any(|_| peer.send_bytes(&chunk).is_err());
    assert!(cut || peer.read_to_close(TIMEOUT).is_ok(), "16 MB of handshake are listened to");
    house.is_well("an endless handshake");
}

#[test]
fn malformed_queries_are_answered_with_errors() {
    let mut house = House::new();
    let bodies = [
        "",
        "{",
        "nonsense",
        "null",
        "{}",
        "[]",
        "\"x\"",
        "7",
        "[1]",
        "[99]",
        "[1,[99999,[]],{}]",
        "[1,[],{}]",
        "[1,[15],{},{},{}]",
        "[1,[24,7],{}]",
        "[1,[10,[5]],{}]",
        "[\"a\"]",
        "[1,[69,[1]],{}]",
        "[-1]",
        "[1,1,7]",
        "[1,[\"x\",[]]]",
        "[1,{\"a\":[0,[]]}]",
        "[1,1e999]",
        "[1,\"\\ud800\"]",
        "[1,\"\\q\"]",
    ];
    for body in bodies {
        let mut peer = house.server.connect().expect("a connection");
        peer.send_as(7, body).expect("sent");
        match peer.receive(7, TIMEOUT) {
            Ok(response) => {
                assert!(response.is_error() && !response.message().is_empty(), "{body:?}: {response:?}")
            }
            Err(error) => panic!("{body:?} is not answered: {error}"),
        }
        house.is_well(body);
    }
}

#[test]
fn invalid_utf8_is_an_error() {
    let mut house = House::new();
    let mut peer = house.server.connect().expect("a connection");
    let body = b"[1,\"\xff\xfe\",{}]";
    let mut frame = 9_u64.to_le_bytes().to_vec();
    frame.extend_from_slice(&(body.len() as u32).to_le_bytes());
    frame.extend_from_slice(body);
    peer.send_bytes(&frame).expect("sent");
    let response = peer.receive(9, TIMEOUT).expect("an answer");
    assert!(response.is_error(), "{response:?}");
    house.is_well("invalid UTF-8");
}

#[test]
fn deep_queries_do_not_exhaust_the_stack() {
    let mut house = House::new();
    let depth = 200_000;
    let nested = |open: &str, close: &str| format!("[1,{}1{},{{}}]", open.repeat(depth), close.repeat(depth));
    let bodies = [
        nested("[2,[", "]]"),
        nested("[24,[1,", "]]"),
        nested("{\"a\":", "}"),
        nested("[", "]"),
        nested("[69,[[2,[1]],", "]]"),
    ];
    for body in bodies {
        let mut peer = house.server.connect().expect("a connection");
        peer.send_as(1, &body).expect("sent");
        match peer.receive(1, TIMEOUT) {
            Ok(response) => assert!(response.is_error(), "{:?}", response.kind),
            Err(SupportError::Closed) => {}
            Err(error) => panic!("a deep query: {error}"),
        }
        house.is_well("a deep query");
    }
}

#[test]
fn oversized_frames_are_refused_before_they_are_read() {
    let mut house = House::new();
    for size in [u32::MAX, 1 << 31, 128 << 20] {
        let mut peer = house.server.connect().expect("a connection");
        let mut header = 3_u64.to_le_bytes().to_vec();
        header.extend_from_slice(&size.to_le_bytes());
        peer.send_bytes(&header).expect("sent");
        match peer.receive(3, TIMEOUT) {
            Ok(response) => assert_eq!(response.kind, kind::CLIENT_ERROR, "{response:?}"),
            Err(SupportError::Closed) => {}
            Err(error) => panic!("a frame of {size} bytes: {error}"),
        }
        house.is_well("an oversized frame");
    }
}

#[test]
fn frames_that_break_off_and_silent_peers_cost_nothing() {
    let mut house = House::new();
    let mut silent: Vec<Connection> = (0..SILENT_CONNECTIONS).map(|_| house.silent()).collect();
    for peer in silent.iter_mut().take(SILENT_CONNECTIONS / 2) {
        peer.send_bytes(&V1_0[..2]).expect("sent");
    }
    house.is_well("many silent peers");
    drop(silent);
    for _ in 0..20 {
        let mut peer = house.server.connect().expect("a connection");
        let mut frame = 5_u64.to_le_bytes().to_vec();
        frame.extend_from_slice(&1_000_u32.to_le_bytes());
        frame.extend_from_slice(b"[1,[");
        peer.send_bytes(&frame).expect("sent");
    }
    house.is_well("frames that break off");
}

#[test]
fn tokens_that_mean_nothing_are_errors() {
    let mut house = House::new();
    for body in ["[2]", "[3]"] {
        let mut peer = house.server.connect().expect("a connection");
        peer.send_as(77, body).expect("sent");
        let response = peer.receive(77, TIMEOUT).expect("an answer");
        // Stopping what has ended is no mistake of the client.
        assert!(response.is_error() || body == "[3]", "{body}: {response:?}");
        assert_eq!(peer.value("1").expect("the connection goes on"), json!(1));
        house.is_well(body);
    }
}

#[test]
fn random_bytes_harm_nobody() {
    let mut house = House::new();
    let random = SeededRandom::new(20_130_117);
    for round in 0..RANDOM_CONNECTIONS {
        let noise: Vec<u8> = (0..random.below(400)).map(|_| random.below(256) as u8).collect();
        // The server may hang up on noise at any byte.
        if round % 3 == 0 {
            let mut peer = house.silent();
            peer.send_bytes(&noise).ok();
        } else if let Ok(mut peer) = Connection::open_v0_4(house.server.port(), TIMEOUT) {
            let small = (noise.len() as u32).to_le_bytes();
            peer.send_bytes(&8_u64.to_le_bytes()).ok();
            peer.send_bytes(&small).ok();
            peer.send_bytes(&noise).ok();
        }
    }
    house.is_well("random bytes");
}
