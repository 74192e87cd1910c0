//! The client against a small server of its own protocol, over real sockets.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use photondb_client::{ClientError, Connection, Options, Response, Term};
use photondb_datum::Datum;
use photondb_reql::ReqlError;
use photondb_wire::{
    ClientHandshakeError, Credentials, Event, Frame, ResponseType, ResponseWriter, ScramCredentials,
    ServerProtocol, Token, write_atom, write_error, write_wait_complete,
};

struct Users(ScramCredentials);

impl Credentials for Users {
    fn scram(&self, user: &str) -> Option<ScramCredentials> {
        (user == "admin").then(|| self.0.clone())
    }
}

/// Serves one connection: `script` answers each frame.
fn serve(
    mut script: impl FnMut(Frame, &mut Vec<u8>) + Send + 'static,
) -> (Options, JoinHandle<Vec<(Token, String)>>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let handle = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let users = Users(ScramCredentials::derive(b"pass", vec![3; 16], 8));
        let mut protocol = ServerProtocol::new("2.4.4", [1; 18]);
        let mut seen = Vec::new();
        let mut bytes = [0; 4096];
        loop {
            let mut output = Vec::new();
            while let Some(event) = protocol.next_event(&users, &mut output) {
                if let Event::Query(frame) = event {
                    seen.push((frame.token, String::from_utf8_lossy(&frame.body).into_owned()));
                    script(frame, &mut output);
                }
            }
            let count = send_and_read(&mut stream, &output, &mut bytes);
            if count == 0 {
                return seen;
            }
            protocol.receive(&bytes[..count]);
        }
    });
    let options =
        Options::new("127.0.0.1", port).with_user("admin", "pass").with_read_timeout(Duration::from_secs(10));
    (options, handle)
}

fn send_and_read(stream: &mut TcpStream, output: &[u8], bytes: &mut [u8]) -> usize {
    if stream.write_all(output).is_err() {
        return 0;
    }
    stream.read(bytes).unwrap_or(0)
}

fn rows(token: Token, kind: ResponseType, numbers: &[i32], output: &mut Vec<u8>) {
    let mut response = ResponseWriter::begin(token, kind, output);
    for number in numbers {
        response.row(&Datum::from(*number)).expect("JSON");
    }
    response.finish(Some(&[]), None);
}

#[test]
fn cursors_go_on_until_the_end() {
    let (options, server) = serve(|frame, output| match &frame.body[..] {
        b"[2]" => rows(frame.token, ResponseType::SuccessSequence, &[3], output),
        _ => rows(frame.token, ResponseType::SuccessPartial, &[1, 2], output),
    });
    let mut connection = Connection::open(&options).expect("open");
    let numbers = connection.run(&Term::table("t").start()).expect("rows");
    assert_eq!(numbers, [Datum::from(1), Datum::from(2), Datum::from(3)]);
    drop(connection);
    let seen = server.join().expect("no panic");
    assert_eq!(seen, [(Token(1), r#"[1,[15,["t"]]]"#.to_owned()), (Token(1), "[2]".to_owned())]);
}

#[test]
fn answers_find_their_queries_in_any_order() {
    let mut held = Vec::new();
    let (options, server) = serve(move |frame, output| {
        held.push(frame.token);
        if held.len() == 3 {
            for token in held.drain(..).rev() {
                write_atom(token, &Datum::from(token.0 as u32), None, output);
            }
        }
    });
    let mut connection = Connection::open(&options).expect("open");
    let tokens: Vec<Token> = (0..3).map(|_| connection.send(b"[1,1]").expect("sent")).collect();
    for token in tokens {
        let response: Response = connection.receive(token).expect("an answer");
        assert_eq!(response.rows, [Datum::from(token.0 as u32)]);
    }
    drop(connection);
    server.join().expect("no panic");
}

#[test]
fn dropped_cursors_tell_the_server_and_leave_the_connection_usable() {
    let (options, server) = serve(|frame, output| match &frame.body[..] {
        b"[3]" => rows(frame.token, ResponseType::SuccessSequence, &[], output),
        b"[4]" => write_wait_complete(frame.token, output),
        b"[1,7]" => write_error(frame.token, &ReqlError::logic("No."), None, output),
        _ => rows(frame.token, ResponseType::SuccessPartial, &[1, 2], output),
    });
    let mut connection = Connection::open(&options).expect("open");
    let mut cursor = connection.cursor(b"[1,1]").expect("a cursor");
    assert_eq!(cursor.next().expect("a row").expect("no error"), Datum::from(1));
    drop(cursor);
    connection.noreply_wait().expect("an answer");
    let cursor = connection.cursor(b"[1,1]").expect("a cursor");
    cursor.close().expect("closed");
    let error = connection.run(b"[1,7]").expect_err("an error");
    assert_eq!(error.query(), Some(&ReqlError::logic("No.")));
    drop(connection);
    let bodies: Vec<String> = server.join().expect("no panic").into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, ["[1,1]", "[3]", "[4]", "[1,1]", "[3]", "[1,7]"]);
}

#[test]
fn a_batch_that_is_late_can_be_fetched_again() {
    let mut continues = 0;
    let (options, server) = serve(move |frame, output| match &frame.body[..] {
        b"[2]" => {
            continues += 1;
            std::thread::sleep(Duration::from_millis(300));
            rows(frame.token, ResponseType::SuccessSequence, &[continues], output);
        }
        _ => rows(frame.token, ResponseType::SuccessPartial, &[], output),
    });
    let mut connection =
        Connection::open(&options.with_read_timeout(Duration::from_millis(50))).expect("open");
    let mut cursor = connection.cursor(b"[1,1]").expect("a cursor");
    let mut timeouts = 0;
    let row = loop {
        match cursor.next() {
            Some(Err(error)) if error.is_timeout() => timeouts += 1,
            other => break other,
        }
    };
    assert!(timeouts > 0);
    assert_eq!(row.expect("a row").expect("no error"), Datum::from(1));
    assert!(cursor.next().is_none());
    drop(cursor);
    drop(connection);
    server.join().expect("no panic");
}

#[test]
fn refusals_come_as_errors() {
    let (options, _server) = serve(|_, _| {});
    let outcome = Connection::open(&options.with_user("admin", "wrong"));
    assert!(matches!(
        outcome.map(|_| ()),
        Err(ClientError::Handshake(ClientHandshakeError::Refused { code: 12, .. }))
    ));
}
