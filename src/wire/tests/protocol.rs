//! Whole connections, both sides, cut into pieces of any size.

use photondb_wire::{
    ClientHandshake, ClientHandshakeError, Credentials, Event, HandshakeError, ScramCredentials, ScramError,
    ServerProtocol, Token, Version, magic, write_frame,
};
use proptest::prelude::*;

const SERVER_NONCE: [u8; 18] = [9; 18];
const CLIENT_NONCE: [u8; 18] = [5; 18];

/// `admin` has no password, `ann` has one.
struct Users {
    admin: ScramCredentials,
    ann: ScramCredentials,
}

impl Users {
    fn new() -> Self {
        Self {
            admin: ScramCredentials::derive(b"", vec![1; 16], 16),
            ann: ScramCredentials::derive(b"secret", vec![2; 16], 16),
        }
    }
}

impl Credentials for Users {
    fn scram(&self, user: &str) -> Option<ScramCredentials> {
        match user {
            "admin" => Some(self.admin.clone()),
            "ann" => Some(self.ann.clone()),
            _ => None,
        }
    }
}

fn server() -> ServerProtocol {
    ServerProtocol::new("2.4.4", SERVER_NONCE).with_query_bytes_max(1000)
}

/// Feeds `input` in the given pieces; gives the events and everything that was answered.
fn feed(server: &mut ServerProtocol, input: &[u8], pieces: &[usize]) -> (Vec<Event>, Vec<u8>) {
    let users = Users::new();
    let (mut events, mut output) = (Vec::new(), Vec::new());
    let mut rest = input;
    let mut sizes = pieces.iter().copied().cycle();
    while !rest.is_empty() {
        let size = sizes.next().unwrap_or(rest.len()).clamp(1, rest.len());
        let (piece, later) = rest.split_at(size);
        rest = later;
        server.receive(piece);
        while let Some(event) = server.next_event(&users, &mut output) {
            events.push(event);
        }
    }
    (events, output)
}

fn login(user: &str, password: &str) -> (Result<bool, ClientHandshakeError>, Vec<Event>) {
    let mut server = server();
    let mut to_server = Vec::new();
    let mut client = ClientHandshake::begin(user, password, CLIENT_NONCE, &mut to_server);
    let mut events = Vec::new();
    loop {
        let (more, answer) = feed(&mut server, &to_server, &[]);
        events.extend(more);
        to_server.clear();
        let outcome = client.advance(&mut answer.as_slice(), &mut to_server);
        if outcome != Ok(false) || to_server.is_empty() {
            return (outcome, events);
        }
    }
}

#[test]
fn users_log_in() {
    for (user, password) in [("admin", ""), ("ann", "secret")] {
        let (outcome, events) = login(user, password);
        assert_eq!(outcome, Ok(true));
        assert_eq!(events, [Event::Authenticated { user: user.to_owned(), version: Version::V1_0 }]);
    }
}

#[test]
fn wrong_passwords_and_unknown_users_are_told_apart_as_rethinkdb_does() {
    for (user, error) in [("ann", ScramError::WrongPassword), ("bob", ScramError::UnknownUser)] {
        let (outcome, events) = login(user, "guess");
        let refused =
            ClientHandshakeError::Refused { message: error.to_string(), code: i64::from(error.code()) };
        assert_eq!(outcome, Err(refused));
        assert_eq!(events, [Event::Refused(HandshakeError::Scram(error))]);
    }
}

fn opening(magic: u32, key: &[u8], protocol: u32) -> Vec<u8> {
    let mut bytes = magic.to_le_bytes().to_vec();
    bytes.extend_from_slice(&(key.len() as u32).to_le_bytes());
    bytes.extend_from_slice(key);
    bytes.extend_from_slice(&protocol.to_le_bytes());
    bytes
}

#[test]
fn older_versions_open_with_a_key() {
    for (number, version) in [(magic::V0_3, Version::V0_3), (magic::V0_4, Version::V0_4)] {
        let mut bytes = opening(number, b"", magic::PROTOCOL_JSON);
        write_frame(Token(8), b"[5]", &mut bytes);
        let (events, output) = feed(&mut server(), &bytes, &[]);
        assert_eq!(output, b"SUCCESS\0");
        assert_eq!(events[0], Event::Authenticated { user: "admin".to_owned(), version });
        assert!(
            matches!(&events[1], Event::Query(frame) if frame.token == Token(8) && &frame.body[..] == b"[5]")
        );
    }
}

#[test]
fn refusals_are_worded_as_rethinkdb_words_them() {
    let version = "ERROR: Received an unsupported protocol version. This port is for RethinkDB queries. Does \
                   your client driver version not match the server?\n\0";
    let mut long_key = magic::V0_4.to_le_bytes().to_vec();
    long_key.extend_from_slice(&u32::MAX.to_le_bytes());
    let cases = [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), version),
        (opening(magic::V0_1, b"", 0), "ERROR: The PROTOBUF client protocol is no longer supported\n\0"),
        (
            opening(magic::V0_4, b"", magic::PROTOCOL_PROTOBUF),
            "ERROR: The PROTOBUF client protocol is no longer supported\n\0",
        ),
        (opening(magic::V0_4, b"", 7), "ERROR: Unrecognized protocol specified: '7'\n\0"),
        (opening(magic::V0_3, b"key", magic::PROTOCOL_JSON), "ERROR: Incorrect authorization key.\n\0"),
        (long_key, "ERROR: Client provided an authorization key that is too long.\n\0"),
    ];
    for (bytes, answer) in cases {
        let mut server = server();
        let (events, output) = feed(&mut server, &bytes, &[]);
        assert_eq!(String::from_utf8_lossy(&output), answer);
        assert!(matches!(events.as_slice(), [Event::Refused(_)]), "{events:?}");
        assert!(server.is_closed());
    }
}

#[test]
fn broken_messages_of_version_1_are_answered_in_json() {
    let method = r#"{"protocol_version":0,"authentication_method":"PLAIN"}"#;
    let cases = [
        ("{", 8, "Invalid JSON object."),
        ("[]", 8, "Invalid JSON object."),
        ("{}", 1, "Expected a number for `protocol_version`."),
        (r#"{"protocol_version":1}"#, 2, "Unsupported `protocol_version`."),
        (r#"{"protocol_version":0}"#, 3, "Expected a string for `authentication_method`."),
        (method, 4, "Unsupported `authentication_method`."),
        (&method.replace("PLAIN", "SCRAM-SHA-256"), 5, "Expected a string for `authentication`."),
        (&"x".repeat(5000), 7, "Limited read buffer size."),
    ];
    for (message, code, text) in cases {
        let mut bytes = magic::V1_0.to_le_bytes().to_vec();
        bytes.extend_from_slice(message.as_bytes());
        bytes.push(0);
        let (_, output) = feed(&mut server(), &bytes, &[]);
        let answers: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
        let hello =
            r#"{"max_protocol_version":0,"min_protocol_version":0,"server_version":"2.4.4","success":true}"#;
        assert_eq!(String::from_utf8_lossy(answers[0]), hello);
        let answer = format!(r#"{{"error":"{text}","error_code":{code},"success":false}}"#);
        assert_eq!(String::from_utf8_lossy(answers[1]), answer);
    }
}

#[test]
fn oversized_queries_are_answered_and_end_the_connection() {
    let mut bytes = opening(magic::V0_4, b"", magic::PROTOCOL_JSON);
    write_frame(Token(6), &[b' '; 1001], &mut bytes);
    write_frame(Token(7), b"[1,1]", &mut bytes);
    let mut server = server();
    let (events, output) = feed(&mut server, &bytes, &[]);
    assert!(matches!(events.as_slice(), [Event::Authenticated { .. }, Event::TooLarge]));
    assert!(server.is_closed());
    let text = String::from_utf8_lossy(&output[8..]);
    assert!(
        text.contains(r#"{"t":16,"r":["Query size (1001) greater than maximum (1000)."],"b":[]}"#),
        "{text}"
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_in_arbitrary_pieces(
        start in prop::sample::select(vec![0, magic::V0_3, magic::V0_4, magic::V1_0]),
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        pieces in prop::collection::vec(1usize..50, 1..20),
    ) {
        let mut input = start.to_le_bytes().to_vec();
        input.extend_from_slice(&bytes);
        prop_assert_eq!(feed(&mut server(), &input, &[]), feed(&mut server(), &input, &pieces));
    }

    #[test]
    fn frames_in_arbitrary_pieces(
        bodies in prop::collection::vec((any::<u64>(), prop::collection::vec(any::<u8>(), 0..100)), 0..10),
        pieces in prop::collection::vec(1usize..30, 1..20),
    ) {
        let mut input = opening(magic::V0_4, b"", magic::PROTOCOL_JSON);
        for (token, body) in &bodies {
            write_frame(Token(*token), body, &mut input);
        }
        let (events, _) = feed(&mut server(), &input, &pieces);
        prop_assert_eq!(events.len(), bodies.len() + 1);
        for (event, (token, body)) in events.iter().skip(1).zip(&bodies) {
            match event {
                Event::Query(frame) => {
                    prop_assert_eq!(frame.token, Token(*token));
                    prop_assert_eq!(&frame.body[..], body.as_slice());
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
    }

    #[test]
    fn client_survives_any_server(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut output = Vec::new();
        let mut client = ClientHandshake::begin("u", "p", CLIENT_NONCE, &mut output);
        prop_assert_ne!(client.advance(&mut bytes.as_slice(), &mut output), Ok(true));
    }
}
