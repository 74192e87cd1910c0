//! What the binary can be told.

use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use photondb::{CacheSize, LogKeep, MemorySize};

use crate::admin::{self, AdminArguments};
use crate::backup::{self, BackupArguments};
use crate::command_error::EXIT_CODES;
use crate::config::{self, ConfigArguments};
use crate::create::{self, CreateArguments};
use crate::dump::{self, DumpArguments};
use crate::export::{self, ExportArguments};
use crate::import::{self, ImportArguments};
use crate::index::{self, IndexArguments};
use crate::index_rebuild::{self, IndexRebuildArguments};
use crate::jobs::{self, JobsArguments};
use crate::migrate::{self, MigrateArguments};
use crate::query::{self, QueryArguments};
use crate::repl::{self, ReplArguments};
use crate::restore::{self, RestoreArguments};
use crate::schema::{self, DatabaseArguments, TableArguments};
use crate::shell_files::{self, CompletionsArguments, ManualArguments};
use crate::stats::{self, StatsArguments};
use crate::status::{self, StatusArguments};
use crate::table_reader::CONSISTENCY;
use crate::tls_arguments::TlsArguments;
use crate::user::{self, UserArguments};

const EXAMPLES: &str = "\
Examples:
  photondb
      Serve ./photondb_data on localhost: drivers on 28015, HTTP on 8080.
  photondb serve -d /var/lib/photondb --bind all --initial-password auto
      Serve the network; a password for `admin` is made up and printed once.
  photondb -o 10
      A second server beside the first: every port is 10 higher.
  photondb check photondb_data
      Verify every checksum of a directory that no server has open.
  photondb backup --into /backups
      Copy a running server as a whole; again, and only what was written since is added.
  photondb dump -f shop.tar.gz
      Write the tables of a running server into an archive; `restore` reads it.
  photondb query 'r.table(\"people\").count()'
      Ask a running server; `-o` says how the answer looks.

Connect with any RethinkDB driver, for example in Python:
  from rethinkdb import r
  conn = r.connect('localhost', 28015)
  r.table_create('people').run(conn)

Signals:
  INT (Ctrl-C) and TERM stop the server; nothing that was acknowledged is lost.
  HUP reads the certificates again. It stops nothing: a server whose terminal is
  closed goes on.

Every flag can be given as an environment variable, too: PHOTONDB_DIRECTORY,
PHOTONDB_BIND, and so on.";

fn with_exit_codes(examples: &str) -> String {
    format!("{examples}\n\n{EXIT_CODES}")
}

/// A document database that speaks ReQL.
#[derive(Debug, Parser)]
#[command(name = "photondb", version, after_help = EXAMPLES)]
#[command(args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// What to do; serving is the default.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// File with values for flags that are not given; photondb.toml of the current folder by default
    // It is read before the rest of the command line, whose defaults come from it.
    #[arg(long = "config-file", value_name = "FILE", env = "PHOTONDB_CONFIG_FILE", global = true)]
    _config_file: Option<PathBuf>,

    #[command(flatten)]
    pub serve: ServeArguments,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve a data directory, creating it when it is not there
    #[command(after_help = EXAMPLES)]
    Serve(Box<ServeArguments>),
    /// Verify a data directory that no server has open
    Check {
        /// The data directory
        directory: PathBuf,
    },
    /// Create a data directory without serving it
    #[command(after_help = with_exit_codes(create::EXAMPLES))]
    Create(Box<CreateArguments>),
    /// Run a query and print the answer
    #[command(after_help = with_exit_codes(query::EXAMPLES))]
    Query(Box<QueryArguments>),
    /// Ask again and again, with completion and history
    #[command(after_help = with_exit_codes(repl::EXAMPLES))]
    Repl(Box<ReplArguments>),
    /// List, create and drop databases
    #[command(after_help = with_exit_codes(schema::DATABASE_EXAMPLES))]
    Db(Box<DatabaseArguments>),
    /// List, create, drop and describe tables
    #[command(after_help = with_exit_codes(schema::TABLE_EXAMPLES))]
    Table(Box<TableArguments>),
    /// Create, drop and watch secondary indexes
    #[command(after_help = with_exit_codes(index::EXAMPLES))]
    Index(Box<IndexArguments>),
    /// Build outdated indexes anew
    #[command(after_help = with_exit_codes(index_rebuild::EXAMPLES))]
    IndexRebuild(Box<IndexRebuildArguments>),
    /// Create and drop users, change their passwords and rights
    #[command(after_help = with_exit_codes(user::EXAMPLES))]
    User(Box<UserArguments>),
    /// Print how the server and its tables are
    #[command(after_help = with_exit_codes(status::EXAMPLES))]
    Status(Box<StatusArguments>),
    /// Print how much the server does, once or again and again
    #[command(after_help = with_exit_codes(stats::EXAMPLES))]
    Stats(Box<StatsArguments>),
    /// Print what the server is working on, or stop a query
    #[command(after_help = with_exit_codes(jobs::EXAMPLES))]
    Jobs(Box<JobsArguments>),
    /// Do what the files of a server may need now and then
    #[command(after_help = with_exit_codes(admin::EXAMPLES))]
    Admin(Box<AdminArguments>),
    /// Copy a running server as a whole, and then what was written since
    #[command(after_help = with_exit_codes(backup::EXAMPLES))]
    Backup(Box<BackupArguments>),
    /// Write tables into an archive
    #[command(after_help = with_exit_codes(&format!("{}\n\n{CONSISTENCY}", dump::EXAMPLES)))]
    Dump(Box<DumpArguments>),
    /// Read an archive into tables, or make a data directory of backups
    #[command(after_help = with_exit_codes(restore::EXAMPLES))]
    Restore(Box<RestoreArguments>),
    /// Write tables into files of JSON or CSV
    #[command(after_help = with_exit_codes(&format!("{}\n\n{CONSISTENCY}", export::EXAMPLES)))]
    Export(Box<ExportArguments>),
    /// Read files of JSON or CSV into tables
    #[command(after_help = with_exit_codes(import::EXAMPLES))]
    Import(Box<ImportArguments>),
    /// Copy what a live RethinkDB holds
    #[command(after_help = with_exit_codes(migrate::EXAMPLES))]
    Migrate(Box<MigrateArguments>),
    /// Check the configuration file, or print what it comes to
    #[command(after_help = config::EXAMPLES)]
    Config(ConfigArguments),
    /// Print what a shell needs to complete this command line
    #[command(after_help = shell_files::COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArguments),
    /// Print or write manual pages
    #[command(after_help = shell_files::MANUAL_EXAMPLES)]
    Man(ManualArguments),
    /// Print the version
    Version,
}

/// How to serve.
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// Where the data is; a new directory starts with a database `test`
    #[arg(short, long, value_name = "DIR", default_value = "photondb_data", env = "PHOTONDB_DIRECTORY")]
    pub directory: PathBuf,

    /// Listen on this address besides the loopback ones, or on `all`; may be repeated
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', env = "PHOTONDB_BIND")]
    pub bind: Vec<Bind>,

    /// Port for drivers; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 28015, env = "PHOTONDB_DRIVER_PORT")]
    pub driver_port: u16,

    /// Port for HTTP; 0 takes any free one
    #[arg(long, value_name = "PORT", default_value_t = 8080, env = "PHOTONDB_HTTP_PORT")]
    pub http_port: u16,

    /// Added to every port but 0
    #[arg(short = 'o', long, value_name = "OFFSET", default_value_t = 0, env = "PHOTONDB_PORT_OFFSET")]
    pub port_offset: u16,

    /// Memory for the cache: megabytes, a size such as 2GB, or `auto` for half of the memory
    #[arg(long, value_name = "SIZE", default_value = "auto", env = "PHOTONDB_CACHE_SIZE")]
    pub cache_size: CacheSize,

    /// Memory that one query may take: megabytes, a size such as 2GB, or `auto` for 512 MB and
    /// up to an eighth of the memory for queries with the option `memory_limit`
    #[arg(long, value_name = "SIZE", default_value = "auto", env = "PHOTONDB_QUERY_MEMORY_MAX")]
    pub query_memory_max: MemorySize,

    /// Memory that all queries together may take, besides the cache: megabytes, a size such as
    /// 2GB, or `auto` for a quarter of the memory
    #[arg(long, value_name = "SIZE", default_value = "auto", env = "PHOTONDB_TOTAL_QUERY_MEMORY_MAX")]
    pub total_query_memory_max: MemorySize,

    /// Log that stays on the disk, once a backup was taken, for those that go on from the one
    /// before: megabytes, or a size such as 2GB
    #[arg(long, value_name = "SIZE", default_value = "256", env = "PHOTONDB_LOG_KEEP")]
    pub log_keep: LogKeep,

    /// Where the backups are that are taken over HTTP and on the admin page; the folder `backups`
    /// of the data directory unless given
    #[arg(long, value_name = "DIR", env = "PHOTONDB_BACKUP_DIR")]
    pub backup_dir: Option<PathBuf>,

    /// Name of this server; a new directory gets one made up
    #[arg(short = 'n', long, value_name = "NAME", env = "PHOTONDB_SERVER_NAME")]
    pub server_name: Option<String>,

    /// Password of `admin` in a new directory; `auto` makes one up and prints it once
    #[arg(long, value_name = "PASSWORD", env = "PHOTONDB_INITIAL_PASSWORD", hide_env_values = true)]
    pub initial_password: Option<String>,

    /// Do not serve HTTP
    #[arg(long, env = "PHOTONDB_NO_HTTP_ADMIN", value_parser = FalseyValueParser::new())]
    pub no_http_admin: bool,

    /// Let web pages of this origin, such as https://app.example.com, ask over HTTP; `*` for all,
    /// which have to send a password; may be repeated
    #[arg(long, value_name = "ORIGIN", value_delimiter = ',', env = "PHOTONDB_CORS")]
    pub cors: Vec<String>,

    /// A name by which browsers reach this server, besides its addresses and `localhost`; needed
    /// only while `admin` has no password; may be repeated
    #[arg(long, value_name = "NAME", value_delimiter = ',', env = "PHOTONDB_HTTP_HOST_NAME")]
    pub http_host_name: Vec<String>,

    /// Least important messages on stderr: error, warn, info, debug, trace, or a filter such
    /// as `info,photondb_server=debug`
    #[arg(long, value_name = "LEVEL", default_value = "info", env = "PHOTONDB_LOG_LEVEL")]
    pub log_level: String,

    /// How messages look
    #[arg(long, value_name = "FORMAT", default_value = "text", env = "PHOTONDB_LOG_FORMAT")]
    pub log_format: LogFormat,

    // Last: whatever comes after it would stand under its heading.
    #[command(flatten)]
    pub tls: TlsArguments,
}

/// How messages look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people
    Text,
    /// A JSON object a line, for machines
    Json,
}

/// An address to listen on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bind {
    /// Every one that the machine has.
    All,
    /// One.
    Address(IpAddr),
}

impl FromStr for Bind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.trim() {
            "all" => Ok(Self::All),
            other => other
                .parse()
                .map(Self::Address)
                .map_err(|_| format!("`{other}` is no address; use one such as 192.168.1.5, or `all`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn serving_is_the_default() {
        let plain = CommandLine::parse_from(["photondb", "-o", "3", "--bind", "all"]);
        assert!(plain.command.is_none());
        assert_eq!((plain.serve.port_offset, plain.serve.bind.as_slice()), (3, [Bind::All].as_slice()));
        let serve = CommandLine::parse_from(["photondb", "serve", "-d", "x", "--cache-size", "2GB"]);
        let Some(Command::Serve(arguments)) = serve.command else { panic!("serve") };
        assert_eq!(arguments.directory, PathBuf::from("x"));
        assert_eq!(arguments.cache_size, CacheSize::Bytes(2 << 30));
        assert_eq!(arguments.query_memory_max, MemorySize::Automatic);
        assert!(CommandLine::try_parse_from(["photondb", "--bind", "somewhere"]).is_err());
        assert!(CommandLine::try_parse_from(["photondb", "--query-memory-max", "1kB"]).is_err());
    }
}
