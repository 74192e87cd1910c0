//! TLS as users meet it: the flags, the official drivers, the tools, a renewed certificate.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use photondb_test_support::{JavascriptClient, PythonClient, Script, Server, ServerOptions, server_binary};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use tempfile::TempDir;

const TIMEOUT: Duration = Duration::from_secs(60);
const SCRIPT_TIMEOUT: Duration = Duration::from_secs(180);
const POLL_PAUSE: Duration = Duration::from_millis(20);

/// A folder with an authority, a server certificate of it and a server's data.
struct Site {
    folder: TempDir,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

impl Site {
    fn new() -> Self {
        let site = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        site.certify(&authority());
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn put(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        std::fs::write(&path, text).expect("a file can be written");
        path.display().to_string()
    }

    /// Writes a certificate of an authority, its key, and the authority's own certificate.
    fn certify(&self, authority: &Authority) {
        let key = KeyPair::generate().expect("a key");
        let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
        let params = CertificateParams::new(names).expect("good names");
        let certificate = params.signed_by(&key, authority).expect("a certificate");
        self.put("cert.pem", &certificate.pem());
        self.put("key.pem", &key.serialize_pem());
        self.put("ca.pem", &authority.pem());
    }

    fn start(&self) -> Server {
        self.start_with(&[])
    }

    /// Starts a server with more files, each after its flag.
    fn start_with(&self, more: &[(&str, &str)]) -> Server {
        let files = [("--tls-cert", "cert.pem"), ("--tls-key", "key.pem")];
        let arguments = self.flags(&[&files, more].concat());
        let options = ServerOptions { arguments, ..ServerOptions::default() };
        let mut server = Server::spawn(&self.path("data"), &options).expect("the server can be spawned");
        wait_for(&mut server, "Server ready");
        server
    }

    /// Flags with the paths of files.
    fn flags(&self, files: &[(&str, &str)]) -> Vec<String> {
        let words =
            files.iter().map(|(flag, name)| [(*flag).to_owned(), self.path(name).display().to_string()]);
        words.flatten().collect()
    }

    /// Asks the server with the tool; `arguments` say how to connect.
    fn query(&self, server: &Server, arguments: &[&str]) -> Output {
        Command::new(server_binary())
            .args(["query", "--connect", &format!("localhost:{}", server.port())])
            .args(arguments)
            .arg("r.expr(20).add(22)")
            .output()
            .expect("the tool can be started")
    }

    fn query_trusting(&self, server: &Server, name: &str) -> Output {
        self.query(server, &["--tls-cert", &self.path(name).display().to_string()])
    }
}

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "An authority of a test");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

fn wait_for(server: &mut Server, words: &str) {
    let end = Instant::now() + TIMEOUT;
    while !server.output().contains(words) {
        let hopeful = server.is_running() && Instant::now() < end;
        assert!(hopeful, "no {words:?} in what the server printed:\n{}", server.output());
        std::thread::sleep(POLL_PAUSE);
    }
}

fn hang_up(server: &Server) {
    let sent = Command::new("kill").args(["-HUP", &server.process_id().to_string()]).status();
    assert!(sent.expect("`kill` can be started").success());
}

fn assert_answers(output: &Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!((String::from_utf8_lossy(&output.stdout).trim(), error.trim()), ("42", ""));
}

fn assert_refuses(output: &Output, words: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains(words), "no {words:?} in: {error}");
}

#[test]
fn the_tools_speak_it_and_a_plain_connection_is_refused_in_words() {
    let site = Site::new();
    let mut server = site.start();
    assert_answers(&site.query_trusting(&server, "ca.pem"));
    assert_refuses(&site.query(&server, &[]), "speaks TLS only");
    wait_for(&mut server, "a client without TLS was refused");
    site.put("strange.pem", &authority().pem());
    assert_refuses(&site.query_trusting(&server, "strange.pem"), "certificate");
    site.put("empty.pem", "");
    assert_refuses(&site.query_trusting(&server, "empty.pem"), "no certificate in it");
    assert!(server.stop("TERM").expect("it stops").success());
}

#[test]
fn a_certificate_of_its_own_authority_can_be_trusted_as_it_is() {
    let site = Site::new();
    // As `openssl req -x509` makes them: an authority without a host's name.
    let alone = authority();
    site.put("cert.pem", &alone.pem());
    site.put("key.pem", &alone.key().serialize_pem());
    let server = site.start();
    assert_answers(&site.query_trusting(&server, "cert.pem"));
    assert_refuses(&site.query_trusting(&server, "ca.pem"), "certificate");
}

#[test]
fn a_certificate_of_the_client_lets_it_in() {
    let site = Site::new();
    let clients = authority();
    site.certify(&clients);
    for name in ["cert.pem", "key.pem", "ca.pem"] {
        std::fs::rename(site.path(name), site.path(&format!("client-{name}"))).expect("renamed");
    }
    site.certify(&authority());
    let server = site.start_with(&[("--tls-ca", "client-ca.pem")]);
    let own = [("--tls-client-cert", "client-cert.pem"), ("--tls-client-key", "client-key.pem")];
    let trusted = ("--tls-cert", "ca.pem");
    let query = |files: &[(&str, &str)]| {
        let flags = site.flags(files);
        site.query(&server, &flags.iter().map(String::as_str).collect::<Vec<_>>())
    };
    assert_answers(&query(&[own[0], own[1], trusted]));
    assert_refuses(&query(&[trusted]), "hint: this server lets in only clients with a certificate");
    // What is missing or wrong is named.
    assert_refuses(&query(&own), "--tls-cert");
    assert_refuses(&query(&[own[0], trusted]), "--tls-client-key");
    assert_refuses(&query(&[own[0], ("--tls-client-key", "key.pem"), trusted]), "key.pem");
    assert_refuses(&query(&[own[0], ("--tls-client-key", "client-cert.pem"), trusted]), "no private key");
    // One of another authority is not let in.
    let strange = [("--tls-client-cert", "cert.pem"), ("--tls-client-key", "key.pem"), trusted];
    assert_refuses(&query(&strange), "cannot connect");
}

#[test]
fn a_renewed_certificate_is_read_on_a_signal_and_a_bad_one_changes_nothing() {
    let site = Site::new();
    let mut server = site.start();
    std::fs::copy(site.path("ca.pem"), site.path("first.pem")).expect("copied");
    site.certify(&authority());
    assert_refuses(&site.query_trusting(&server, "ca.pem"), "certificate");
    hang_up(&server);
    wait_for(&mut server, "the certificate was read again");
    assert_answers(&site.query_trusting(&server, "ca.pem"));
    assert_refuses(&site.query_trusting(&server, "first.pem"), "certificate");
    let path = site.put("cert.pem", "not a certificate");
    hang_up(&server);
    wait_for(&mut server, "the certificate stays as it was");
    assert!(server.output().contains(&format!("{path} has no certificate in it")), "{}", server.output());
    assert_answers(&site.query_trusting(&server, "ca.pem"));
}

#[test]
fn it_does_not_start_with_bad_files_and_names_them() {
    let site = Site::new();
    let key = site.path("key.pem").display().to_string();
    for (certificate, words) in [
        (site.path("nowhere.pem").display().to_string(), "nowhere.pem"),
        (site.put("empty.pem", ""), "empty.pem has no certificate in it"),
        (site.path("ca.pem").display().to_string(), "key.pem is not that of the certificate in"),
    ] {
        let arguments = ["--tls-cert", &certificate, "--tls-key", &key].map(String::from).to_vec();
        let options = ServerOptions { arguments, ..ServerOptions::default() };
        let mut server = Server::spawn(&site.path("data"), &options).expect("the server can be spawned");
        let status = server.wait_for_exit(TIMEOUT).expect("it gives up by itself");
        assert!(!status.success() && server.output().contains(words), "{words}:\n{}", server.output());
    }
}

#[test]
fn the_python_driver_speaks_it() {
    run(PythonClient::fetch().expect("the Python driver can be fetched").command(), "tls.py");
}

#[test]
fn the_javascript_driver_speaks_it() {
    run(JavascriptClient::fetch().expect("the JavaScript driver can be fetched").command(), "tls.js");
}

#[test]
fn rethinkdb_ts_speaks_it() {
    let client = JavascriptClient::fetch_packages("rethinkdb-ts-3.0.0", &["rethinkdb-ts@3.0.0"])
        .expect("rethinkdb-ts can be fetched");
    run(client.command(), "tls_typescript.js");
}

fn run(mut command: Command, script: &str) {
    let site = Site::new();
    let server = site.start();
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script))
        .env("PHOTONDB_PORT", server.port().to_string())
        .env("TRUSTED_CERTIFICATES", site.path("ca.pem"))
        .env("STRANGE_CERTIFICATES", site.put("strange.pem", &authority().pem()));
    let output = Script::new(command, SCRIPT_TIMEOUT).run().expect("the script can be started");
    let shown = || format!("{}\n{}\nserver:\n{}", output.stdout, output.stderr, server.output());
    assert!(output.success && output.stdout.contains("7 checks passed"), "{script}:\n{}", shown());
}
