//! The least that a server can cost: one that answers every query with the same bytes.
//!
//! A thread for each connection reads, answers and reads again. What that takes is what the
//! operating system takes for a query over TCP; what a real server takes more is its own.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;

use photondb_wire::{Credentials, Event, NONCE_BYTES, ScramCredentials, ServerProtocol, write_frame};

/// What every query is answered.
const ANSWER: &[u8] = br#"{"t":1,"r":[1]}"#;
/// Drivers want some version.
const VERSION: &str = "2.4.4";
/// Bytes of a read.
const READ_BYTES: usize = 64 * 1024;

/// Serves until it is killed.
pub fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    let port = listener.local_addr()?.port();
    println!("answering everything on port {port}, process {}", std::process::id());
    serve_all(&listener)
}

fn serve_all(listener: &TcpListener) -> io::Result<()> {
    for socket in listener.incoming() {
        let socket = socket?;
        // A client that goes has its reasons.
        thread::spawn(move || answer(socket).unwrap_or_default());
    }
    Ok(())
}

fn answer(mut socket: TcpStream) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let mut protocol = ServerProtocol::new(VERSION, [b'0'; NONCE_BYTES]);
    let (mut input, mut output) = (vec![0; READ_BYTES], Vec::new());
    loop {
        while let Some(event) = protocol.next_event(&Anybody, &mut output) {
            match event {
                Event::Authenticated { .. } => {}
                Event::Query(frame) => write_frame(frame.token, ANSWER, &mut output),
                Event::Refused(_) | Event::TooLarge => return Ok(()),
            }
        }
        if !output.is_empty() {
            socket.write_all(&output)?;
            output.clear();
        }
        match socket.read(&mut input)? {
            0 => return Ok(()),
            bytes => protocol.receive(input.get(..bytes).unwrap_or_default()),
        }
    }
}

/// Lets everybody in who has no password.
struct Anybody;

impl Credentials for Anybody {
    fn scram(&self, _user: &str) -> Option<ScramCredentials> {
        Some(ScramCredentials::derive(b"", b"floor".to_vec(), 1))
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use photondb_client::{Connection, Options};

    use super::*;

    #[test]
    fn a_client_is_let_in_and_answered() -> Result<(), Box<dyn Error>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || serve_all(&listener));
        let mut connection = Connection::open(&Options::new("localhost", port))?;
        for query in [&b"[1,[24,[1,2]],{}]"[..], b"[1,7,{}]"] {
            assert_eq!(connection.run_value(query)?.as_number(), Some(1.0));
        }
        Ok(())
    }
}
