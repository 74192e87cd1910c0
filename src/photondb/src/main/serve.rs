//! `photondb serve`: from the command line to a running server and back.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;

use photondb::{
    Database, DatabaseOptions, HttpOptions, LogBook, OpenError, QueryMemory, Server, ServerError,
    ServerOptions,
};
use photondb_base::limits::THREAD_STACK_BYTES;
use photondb_catalog::{CatalogError, NameKind, check_name};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use thiserror::Error;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::command_line::{Bind, ServeArguments};
use crate::freed_memory;
use crate::logging;
use crate::tls_arguments::HalfOfTls;
use crate::version;

/// Stands for an initial password that the server makes up.
const MADE_UP: &str = "auto";

/// What keeps the server from running.
#[derive(Debug, Error)]
enum ServeError {
    #[error("`--log-level {level}` cannot be understood: {source}")]
    LogLevel { level: String, source: tracing_subscriber::filter::ParseError },
    #[error("cannot open {directory}: {source}")]
    Open { directory: String, source: OpenError },
    #[error(transparent)]
    Server(#[from] ServerError),
    #[error("cannot start: {0}")]
    System(#[from] io::Error),
    #[error("port {port} and offset {offset} are more than a port can be")]
    Port { port: u16, offset: u16 },
    #[error(transparent)]
    Tls(#[from] HalfOfTls),
    #[error(transparent)]
    Name(#[from] CatalogError),
    #[error("the data could not be written out: {0}; what was acknowledged is safe in the log")]
    Close(#[from] photondb_storage::StorageError),
}

/// Serves until a signal says stop.
pub fn run(arguments: &ServeArguments) -> ExitCode {
    match serve(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("photondb: {error}");
            if let Some(hint) = hint(&error) {
                eprintln!("hint: {hint}");
            }
            ExitCode::FAILURE
        }
    }
}

fn hint(error: &ServeError) -> Option<&'static str> {
    match error {
        ServeError::Open { source, .. } if source.is_locked() => {
            Some("the directory is in use: stop the other server, or choose another one with --directory")
        }
        ServeError::Server(ServerError::Listen { source, .. })
            if source.kind() == io::ErrorKind::AddrInUse =>
        {
            Some("the port is in use: move all ports with --port-offset, or take any free one with port 0")
        }
        _ => None,
    }
}

fn serve(arguments: &ServeArguments) -> Result<(), ServeError> {
    let logs = Arc::new(LogBook::default());
    logging::start(&arguments.log_level, arguments.log_format, Arc::clone(&logs))
        .map_err(|source| ServeError::LogLevel { level: arguments.log_level.clone(), source })?;
    let server_options = server_options(arguments)?;
    check_before_the_disk_is_touched(arguments, &server_options)?;
    let notices = Notices(Arc::clone(&logs));
    notices.say(&version::text())?;
    allow_many_files();
    freed_memory::watch(arguments.cache_size.bytes())?;
    let password = initial_password(arguments);
    let options = DatabaseOptions {
        cache_size: arguments.cache_size,
        query_memory: QueryMemory {
            query_max: arguments.query_memory_max,
            total_max: arguments.total_query_memory_max,
        },
        log_keep: arguments.log_keep,
        server_name: arguments.server_name.clone(),
        backup_directory: arguments.backup_dir.clone(),
        initial_password: password.clone(),
        logs,
        ..DatabaseOptions::directory(&arguments.directory)
    };
    let directory = arguments.directory.display().to_string();
    // A directory that somebody has made for the server is as good as none.
    if std::fs::read_dir(&arguments.directory).is_ok_and(|mut entries| entries.next().is_some()) {
        notices.say(&format!("Loading data from directory {directory}"))?;
    }
    let database = Database::open(&options)
        .map_err(|source| ServeError::Open { directory: directory.clone(), source })?;
    if database.is_new() {
        notices.say(&format!("Initialized a new data directory in {directory}"))?;
    }
    tell_password(arguments, password.as_deref(), database.is_new());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .thread_stack_size(THREAD_STACK_BYTES)
        .enable_all()
        .build()?;
    runtime.block_on(run_server(&database, &server_options, &notices))?;
    runtime.shutdown_background();
    database.close()?;
    Ok(())
}

async fn run_server(
    database: &Database,
    options: &ServerOptions,
    notices: &Notices,
) -> Result<(), ServeError> {
    // Before anybody is told that the server is ready: a signal right then must not kill it.
    let mut signals = Signals::listen()?;
    let mut hangup = signal(SignalKind::hangup())?;
    let server = database.serve(options).await?;
    announce(database, &server, notices)?;
    for issue in database.issues() {
        tracing::warn!("{}", issue.description);
    }
    let signal = loop {
        tokio::select! {
            signal = signals.next() => break signal,
            Some(()) = hangup.recv() => server.reload_certificates(),
        }
    };
    tracing::info!(signal, "stopping");
    tokio::select! {
        clean = server.stop() => {
            if !clean {
                tracing::warn!("some queries did not stop in time");
            }
        }
        _ = signals.next() => tracing::warn!("stopping at once"),
    }
    Ok(())
}

/// Each connection is a file to the system, which allows few unless asked.
fn allow_many_files() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, files = limit.current, "the number of open files stays as it is");
    }
}

/// Says where the server is, in the words that scripts wait for.
fn announce(database: &Database, server: &Server, notices: &Notices) -> io::Result<()> {
    let port = server.driver_port();
    notices.say(&format!("Listening for client driver connections on port {port}"))?;
    notices.say(&match server.http_port() {
        Some(port) => format!("Listening for administrative HTTP connections on port {port}"),
        None => "Administrative HTTP connections are disabled".to_owned(),
    })?;
    let addresses: Vec<String> = server.addresses().iter().map(ToString::to_string).collect();
    notices.say(&format!("Listening on addresses: {}", addresses.join(", ")))?;
    let state = database.state();
    notices.say(&format!("Server ready, \"{}\" {}", state.server().name, state.server().id))
}

/// What the operator reads on the standard output and, later, in the `logs` table.
struct Notices(Arc<LogBook>);

impl Notices {
    fn say(&self, line: &str) -> io::Result<()> {
        self.0.push("info", line.to_owned());
        let mut out = io::stdout().lock();
        writeln!(out, "{line}")?;
        out.flush()
    }
}

/// Finds what would keep the server from starting while there is nothing yet to clean up.
fn check_before_the_disk_is_touched(
    arguments: &ServeArguments,
    options: &ServerOptions,
) -> Result<(), ServeError> {
    if let Some(name) = &arguments.server_name {
        check_name(NameKind::Server, name)?;
    }
    for files in [&options.driver_tls, &options.http_tls].into_iter().flatten() {
        files.check().map_err(ServerError::from)?;
    }
    Ok(())
}

fn initial_password(arguments: &ServeArguments) -> Option<String> {
    match arguments.initial_password.as_deref()? {
        MADE_UP => Some(uuid::Uuid::new_v4().to_string()),
        password => Some(password.to_owned()),
    }
}

/// Tells a password that was made up, or that a new one was not taken.
fn tell_password(arguments: &ServeArguments, password: Option<&str>, is_new: bool) {
    match (arguments.initial_password.as_deref(), password) {
        // Not for the log, which others may read.
        (Some(MADE_UP), Some(password)) if is_new => println!("Password of user \"admin\": {password}"),
        (Some(given), _) if given != MADE_UP && !is_new => {
            tracing::info!("--initial-password is for new directories; the password stays as it is");
        }
        _ => {}
    }
}

fn server_options(arguments: &ServeArguments) -> Result<ServerOptions, ServeError> {
    let offset = arguments.port_offset;
    let moved = |port: u16| match port {
        0 => Ok(0),
        port => port.checked_add(offset).ok_or(ServeError::Port { port, offset }),
    };
    Ok(ServerOptions {
        addresses: addresses(&arguments.bind),
        driver_port: moved(arguments.driver_port)?,
        http_port: if arguments.no_http_admin { None } else { Some(moved(arguments.http_port)?) },
        http: HttpOptions {
            host_names: arguments.http_host_name.clone(),
            cors_origins: arguments.cors.clone(),
        },
        driver_tls: arguments.tls.driver_files()?,
        http_tls: arguments.tls.http_files()?,
    })
}

/// The loopback addresses and those that were asked for.
fn addresses(bind: &[Bind]) -> Vec<IpAddr> {
    let has_v6 = |ip: Ipv6Addr| TcpListener::bind((ip, 0)).is_ok();
    if bind.contains(&Bind::All) {
        // One socket takes both kinds where there is the newer one.
        return vec![if has_v6(Ipv6Addr::UNSPECIFIED) {
            IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        } else {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        }];
    }
    let mut addresses = vec![IpAddr::V4(Ipv4Addr::LOCALHOST)];
    if has_v6(Ipv6Addr::LOCALHOST) {
        addresses.push(IpAddr::V6(Ipv6Addr::LOCALHOST));
    }
    for bind in bind {
        if let Bind::Address(ip) = bind
            && !addresses.contains(ip)
        {
            addresses.push(*ip);
        }
    }
    addresses
}

/// The signals that stop a server.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}
