//! HTTP over TLS, over real sockets.

use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use photondb::{Database, DatabaseOptions, Server, ServerOptions, TlsFiles};
use rcgen::{Certificate, CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const BODY_BYTES_MAX: usize = 1 << 20;

/// A server with a certificate, and the folder with its files.
struct Site {
    database: Database,
    server: Server,
    folder: TempDir,
}

impl Site {
    /// With a certificate that is its own authority; clients need one of `client_authority`.
    async fn start(client_authority: Option<&Certificate>) -> (Self, Certificate) {
        let folder = tempfile::tempdir().expect("a folder");
        let (certificate, key) = certificate();
        put(folder.path(), "cert.pem", &certificate.pem());
        put(folder.path(), "key.pem", &key.serialize_pem());
        if let Some(authority) = client_authority {
            put(folder.path(), "ca.pem", &authority.pem());
        }
        let files = TlsFiles {
            certificate: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
            client_authorities: client_authority.map(|_| folder.path().join("ca.pem")),
        };
        let options =
            DatabaseOptions { initial_password: Some("secret".into()), ..DatabaseOptions::in_memory() };
        let database = Database::open(&options).expect("opens");
        let options = ServerOptions {
            driver_port: 0,
            http_port: Some(0),
            http_tls: Some(files),
            ..ServerOptions::default()
        };
        let server = database.serve(&options).await.expect("listens");
        (Self { database, server, folder }, certificate)
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.server.http_port().expect("HTTP is on"))
    }

    async fn connect(&self, client: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
        let socket = TcpStream::connect(self.address()).await?;
        client.connect(ServerName::try_from("localhost").expect("a name"), socket).await
    }

    async fn stop(self) {
        assert!(self.server.stop().await, "something still runs");
        drop(self.database);
    }
}

fn put(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).expect("a file can be written");
}

fn certificate() -> (Certificate, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
    (params.self_signed(&key).expect("a certificate"), key)
}

/// A client that trusts a certificate, offers protocols, and has a certificate of its own or not.
fn client(trusted: &Certificate, protocols: &[&[u8]], own: Option<&(Certificate, KeyPair)>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.der().clone()).expect("an authority");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("known versions")
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
            let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
            builder.with_client_auth_cert(chain, key).expect("a certificate and its key")
        }
    };
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

fn login(uri: String) -> Request<Body> {
    Request::post(uri)
        .header("host", "localhost")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"user":"admin","password":"secret"}"#))
        .expect("a request")
}

fn assert_secure(headers: &HeaderMap) {
    let header = |name: &str| headers[name].to_str().expect("text").to_owned();
    assert!(header("set-cookie").ends_with("; Secure"), "{headers:?}");
    assert_eq!(header("strict-transport-security"), "max-age=31536000");
}

#[tokio::test]
async fn the_second_version_is_chosen_and_answers_say_that_they_are_secure() {
    let (site, certificate) = Site::start(None).await;
    let stream =
        site.connect(&client(&certificate, &[b"h2", b"http/1.1"], None)).await.expect("shakes hands");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
    let (mut requests, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.expect("HTTP/2");
    tokio::spawn(connection);
    let uri = format!("https://{}/api/login", site.address());
    let response = requests.send_request(login(uri)).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_secure(response.headers());
    let body = to_bytes(Body::new(response.into_body()), BODY_BYTES_MAX).await.expect("a body");
    assert!(String::from_utf8_lossy(&body).contains("admin"), "{body:?}");
    drop(requests);
    site.stop().await;
}

#[tokio::test]
async fn the_first_version_is_there_for_those_who_know_no_other() {
    let (site, certificate) = Site::start(None).await;
    let stream = site.connect(&client(&certificate, &[], None)).await.expect("shakes hands");
    let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let response = requests.send_request(login("/api/login".to_owned())).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    assert_secure(response.headers());
    drop(requests);
    site.stop().await;
}

#[tokio::test]
async fn a_request_in_the_clear_is_refused_in_words() {
    let (site, _) = Site::start(None).await;
    let response = reqwest::get(format!("http://{}/", site.address())).await.expect("an answer");
    assert_eq!(response.status().as_u16(), 400);
    let text = response.text().await.expect("a body");
    assert!(text.contains("https://"), "{text}");
    site.stop().await;
}

#[tokio::test]
async fn a_renewed_certificate_is_for_connections_from_then_on() {
    let (site, first) = Site::start(None).await;
    let old = client(&first, &[], None);
    let open = site.connect(&old).await.expect("shakes hands");
    let (second, key) = certificate();
    let new = client(&second, &[], None);
    site.connect(&new).await.expect_err("the server does not know of it yet");
    put(site.folder.path(), "cert.pem", &second.pem());
    site.server.reload_certificates();
    site.connect(&old).await.expect("half of a pair changes nothing");
    put(site.folder.path(), "key.pem", &key.serialize_pem());
    site.server.reload_certificates();
    site.connect(&new).await.expect("shakes hands");
    site.connect(&old).await.expect_err("it trusts another one");
    let (mut requests, connection) = http1::handshake(TokioIo::new(open)).await.expect("HTTP/1.1");
    tokio::spawn(connection);
    let response = requests.send_request(login("/api/login".to_owned())).await.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK, "who was connected before stays so");
    drop(requests);
    site.stop().await;
}

#[tokio::test]
async fn clients_can_be_asked_for_certificates() {
    let known = certificate();
    let (site, server) = Site::start(Some(&known.0)).await;
    for (own, is_in) in [(Some(&known), true), (Some(&certificate()), false), (None, false)] {
        // In the newest version of TLS a client hears of its refusal only with the first answer.
        let answer = async {
            let stream = site.connect(&client(&server, &[], own)).await.ok()?;
            let (mut requests, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
            tokio::spawn(connection);
            requests.send_request(login("/api/login".to_owned())).await.ok()
        };
        assert_eq!(answer.await.is_some(), is_in);
    }
    site.stop().await;
}
