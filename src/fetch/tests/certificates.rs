//! TLS with a server whose certificate nobody has signed but itself.

mod support;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use photondb_exec::{FetchError, FetchRequest};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, Stream};
use support::{fetch, get};

// Made for this test and good for nothing else.
const CERTIFICATE: &[u8] = include_bytes!("data/self_signed_certificate.der");
const KEY: &[u8] = include_bytes!("data/self_signed_key.der");

/// A server that greets over TLS; gives its URL.
fn start() -> String {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(CERTIFICATE)],
            PrivateKeyDer::from(PrivatePkcs8KeyDer::from(KEY)),
        )
        .expect("a certificate and its key");
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}/", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = Arc::clone(&config);
            thread::spawn(move || greet(stream, config));
        }
    });
    url
}

/// Says hello to a client that does not hang up.
fn greet(mut socket: TcpStream, config: Arc<ServerConfig>) {
    let mut connection = ServerConnection::new(config).expect("a connection");
    let mut stream = Stream::new(&mut connection, &mut socket);
    let mut request = [0; 1024];
    if stream.read(&mut request).is_ok_and(|length| length > 0) {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello").unwrap_or_default();
        // The client may be faster to hang up.
        stream.flush().unwrap_or_default();
    }
}

#[test]
fn a_certificate_must_be_good_unless_nobody_looks() {
    let url = start();
    assert_eq!(fetch(&get(url.clone())), Err(FetchError::Certificate));
    let response = fetch(&FetchRequest { verify: false, ..get(url) });
    assert_eq!(response.map(|response| response.body), Ok(b"hello".to_vec()));
}
