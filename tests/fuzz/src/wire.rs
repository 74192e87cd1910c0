//! The driver protocol, from both ends.

use bytes::BytesMut;
use photondb_client::{ClientError, Response};
use photondb_datum::{Datum, json};
use photondb_reql::{Frame as Step, ReqlError};
use photondb_wire::{
    ClientHandshake, ClientHandshakeError, Credentials, Event, HEADER_BYTES, Handshake, KEY_USER,
    MESSAGE_BYTES_MAX, NONCE_BYTES, Progress, ResponseNote, ResponseType, ResponseWriter, ScramCredentials,
    ServerProtocol, Token, take_frame, write_atom, write_error, write_frame,
};

use crate::pieces::cuttings;

/// Small, so that inputs can cross it.
const QUERY_BYTES_MAX: usize = 512;
const SERVER_VERSION: &str = "2.4.4";
const SERVER_NONCE: [u8; NONCE_BYTES] = [2; NONCE_BYTES];
const CLIENT_NONCE: [u8; NONCE_BYTES] = [1; NONCE_BYTES];
/// Users and passwords for which the handshake's messages surely fit.
const NAME_CHARACTERS_MAX: usize = 100;

pub(crate) fn check(bytes: &[u8]) {
    server_reads(bytes);
    if !asks_for_much_work(bytes) {
        client_reads(bytes);
    }
    client_and_server_agree(bytes);
    answers_are_read_as_written(bytes);
}

/// The administrator without a password, and one user.
struct Users {
    name: String,
    password: Vec<u8>,
}

impl Credentials for Users {
    fn scram(&self, user: &str) -> Option<ScramCredentials> {
        let password = match user {
            KEY_USER => &[][..],
            name if name == self.name => &self.password,
            _ => return None,
        };
        Some(ScramCredentials::derive(password, vec![7; 16], 1))
    }
}

/// What a server made of some bytes.
#[derive(Debug, PartialEq)]
struct Visit {
    events: Vec<Event>,
    output: Vec<u8>,
    closed: bool,
    left: Vec<u8>,
}

fn server_reads(bytes: &[u8]) {
    let users = Users { name: "bob".to_owned(), password: b"secret".to_vec() };
    let [whole, others @ ..] = cuttings(bytes).map(|pieces| visit(&pieces, &users));
    for other in others {
        assert_eq!(whole, other, "how the bytes are cut must not matter");
    }
    frames_are_what_follows(bytes, &whole, &users);
}

fn visit(pieces: &[&[u8]], users: &Users) -> Visit {
    let mut protocol =
        ServerProtocol::new(SERVER_VERSION, SERVER_NONCE).with_query_bytes_max(QUERY_BYTES_MAX);
    let (mut events, mut output, mut received) = (Vec::new(), Vec::new(), 0);
    for piece in pieces {
        protocol.receive(piece);
        received += piece.len();
        while let Some(event) = protocol.next_event(users, &mut output) {
            events.push(event);
        }
        let waiting = protocol.input().len();
        let waiting_max = MESSAGE_BYTES_MAX.max(HEADER_BYTES + QUERY_BYTES_MAX);
        assert!(waiting <= waiting_max, "{waiting} bytes wait for more");
        let capacity = protocol.input().capacity();
        assert!(capacity <= 4 * received + 4096, "{capacity} bytes of memory for {received} received");
    }
    let closed = protocol.is_closed();
    Visit { events, output, closed, left: protocol.input().to_vec() }
}

/// Takes the bytes behind the handshake apart in the plainest way, and compares.
fn frames_are_what_follows(bytes: &[u8], visit: &Visit, users: &Users) {
    let mut rest = bytes;
    let mut handshake = Handshake::new(SERVER_VERSION, SERVER_NONCE);
    let progress = handshake.advance(&mut rest, users, &mut Vec::new());
    let Some((first, others)) = visit.events.split_first() else {
        assert_eq!(progress, Progress::Pending);
        return;
    };
    match (progress, first) {
        (Progress::Refused(error), Event::Refused(other)) => {
            assert!(error == *other && others.is_empty() && visit.closed);
            return;
        }
        (
            Progress::Authenticated { user, version },
            Event::Authenticated { user: other, version: other_version },
        ) => assert!(user == *other && version == *other_version),
        (progress, event) => panic!("{progress:?} is not {event:?}"),
    }
    let mut expected = others.iter();
    while let Some((header, behind)) = rest.split_first_chunk::<HEADER_BYTES>() {
        let (token, size) = header.split_at(8);
        let token = Token(u64::from_le_bytes(token.try_into().expect("eight bytes")));
        let size = u32::from_le_bytes(size.try_into().expect("four bytes")) as usize;
        if size > QUERY_BYTES_MAX {
            assert_eq!((expected.next(), expected.next()), (Some(&Event::TooLarge), None));
            assert!(visit.closed);
            assert!(matches!(last_answer(&visit.output, token), Err(ClientError::Query(_))));
            return;
        }
        let Some((body, behind)) = behind.split_at_checked(size) else { break };
        let Some(Event::Query(frame)) = expected.next() else { panic!("a frame is missing") };
        assert_eq!((frame.token, frame.body.as_ref()), (token, body));
        rest = behind;
    }
    assert_eq!((expected.next(), visit.left.as_slice()), (None, rest));
}

/// The answer behind what the handshake has sent.
fn last_answer(output: &[u8], token: Token) -> Result<Response, ClientError> {
    // The bytes of the token may stand in the answer itself.
    let ends_output = |at: &usize| {
        output[*at..].split_first_chunk::<HEADER_BYTES>().is_some_and(|(header, body)| {
            header[..8] == token.0.to_le_bytes() && header[8..] == (body.len() as u32).to_le_bytes()
        })
    };
    let at = (0..output.len()).rev().find(ends_output).expect("the answer is there");
    let mut buffer = BytesMut::from(&output[at..]);
    let frame = take_frame(&mut buffer, usize::MAX).expect("small").expect("whole");
    Response::parse(&frame.body)
}

/// Whether a hostile server asks for so many iterations that a fuzzer would only wait.
fn asks_for_much_work(bytes: &[u8]) -> bool {
    let digits = |at: usize| bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    bytes.windows(2).enumerate().any(|(at, pair)| pair == b"i=" && digits(at + 2) > 3)
}

fn client_reads(bytes: &[u8]) {
    let [whole, others @ ..] = cuttings(bytes).map(|pieces| {
        let mut output = Vec::new();
        let mut handshake = ClientHandshake::begin("bob", "secret", CLIENT_NONCE, &mut output);
        let result = client_visit(&mut handshake, &pieces, &mut output);
        (result, output)
    });
    for other in others {
        assert_eq!(whole, other, "how the bytes are cut must not matter");
    }
    assert_ne!(whole.0, Ok(true), "a server without the password was believed");
}

fn client_visit(
    handshake: &mut ClientHandshake,
    pieces: &[&[u8]],
    output: &mut Vec<u8>,
) -> Result<bool, ClientHandshakeError> {
    let mut waiting = Vec::new();
    for piece in pieces {
        waiting.extend_from_slice(piece);
        let mut rest = waiting.as_slice();
        let open = handshake.advance(&mut rest, output)?;
        assert!(rest.len() < MESSAGE_BYTES_MAX || open, "{} bytes wait for more", rest.len());
        let taken = waiting.len() - rest.len();
        waiting.drain(..taken);
        if open {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Any user with any password gets in; with another password, no one does.
fn client_and_server_agree(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (name, password) = text.split_once('\0').unwrap_or((&text, ""));
    let name: String = name.chars().take(NAME_CHARACTERS_MAX).collect();
    let password: String = password.chars().take(NAME_CHARACTERS_MAX).collect();
    if name == KEY_USER {
        return;
    }
    let users = Users { name: name.clone(), password: password.clone().into_bytes() };
    let event = log_in(&name, &password, &users);
    assert!(matches!(&event, Event::Authenticated { user, .. } if *user == name), "{event:?}");
    let event = log_in(&name, &format!("{password}!"), &users);
    assert!(matches!(event, Event::Refused(_)), "{event:?}");
}

fn log_in(name: &str, password: &str, users: &Users) -> Event {
    let mut server = ServerProtocol::new(SERVER_VERSION, SERVER_NONCE);
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let mut client = ClientHandshake::begin(name, password, CLIENT_NONCE, &mut to_server);
    loop {
        server.receive(&std::mem::take(&mut to_server));
        let event = server.next_event(users, &mut to_client);
        let result = client.advance(&mut to_client.as_slice(), &mut to_server);
        to_client.clear();
        if let Some(event) = event {
            assert_eq!(result.is_ok(), matches!(event, Event::Authenticated { .. }), "{result:?}");
            return event;
        }
        assert_eq!(result, Ok(false), "both wait for each other");
    }
}

/// Rows, notes and errors survive the way to the client.
fn answers_are_read_as_written(bytes: &[u8]) {
    let Ok(value) = json::parse(bytes, json::ParseLimits::default()) else { return };
    let token = Token(bytes.len() as u64);
    let mut output = Vec::new();
    write_atom(token, &value, Some(&value), &mut output);
    let response = answer(&output, token).expect("an answer");
    assert_eq!((response.kind, &response.rows[..]), (ResponseType::SuccessAtom, &[value.clone()][..]));
    assert_eq!(response.profile.as_ref(), Some(&value));

    let rows: Vec<Datum> = match &value {
        Datum::Array(rows) => rows.iter().collect(),
        _ => return,
    };
    output.clear();
    let mut writer = ResponseWriter::begin(token, ResponseType::SuccessPartial, &mut output);
    for row in &rows {
        assert_eq!(writer.row(row), Ok(()));
        assert!(writer.row(&Datum::array([row.clone(), Datum::MaxVal])).is_err());
    }
    writer.finish(Some(&[ResponseNote::UnionedFeed, ResponseNote::IncludesStates]), None);
    let response = answer(&output, token).expect("an answer");
    assert_eq!(response.rows, rows);
    assert_eq!(response.notes, [ResponseNote::UnionedFeed, ResponseNote::IncludesStates]);

    let texts = rows.iter().filter_map(Datum::as_text);
    let steps = texts
        .enumerate()
        .flat_map(|(position, name)| [Step::Position(position as u32), Step::Optarg(name.clone())]);
    let error = ReqlError::user(value.print()).at(steps.collect());
    output.clear();
    write_error(token, &error, None, &mut output);
    let read = answer(&output, token).expect_err("an error");
    assert_eq!(read.query(), Some(&error));
}

/// Reads the one frame there is, and writes it again.
fn answer(output: &[u8], token: Token) -> Result<Response, ClientError> {
    let mut buffer = BytesMut::from(output);
    let frame = take_frame(&mut buffer, output.len()).expect("small").expect("whole");
    assert!(buffer.is_empty() && frame.token == token);
    let mut again = Vec::new();
    write_frame(frame.token, &frame.body, &mut again);
    assert_eq!(again, output);
    Response::parse(&frame.body)
}
