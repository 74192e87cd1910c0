//! `photondb db` and `photondb table`: what there is in a database, made and dropped.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::command_error::{self, CommandError};
use crate::confirm::Confirmation;
use crate::output::{OutputArguments, counted};
use crate::session::{Session, SessionArguments};
use crate::table_choice::TableName;

pub const DATABASE_EXAMPLES: &str = "\
Examples:
  photondb db list
  photondb db create shop
  photondb db drop shop --yes
      With all its tables, and without a question.";

pub const TABLE_EXAMPLES: &str = "\
Examples:
  photondb table create shop.people --primary-key mail
  photondb table list shop -o ndjson
  photondb table info shop.people
  photondb table drop shop.people
      Asks first; --yes does not.";

/// What to do with databases.
#[derive(Debug, Args)]
pub struct DatabaseArguments {
    #[command(subcommand)]
    verb: DatabaseVerb,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    session: SessionArguments,
}

#[derive(Debug, Subcommand)]
enum DatabaseVerb {
    /// Print the names of all databases
    List,
    /// Create a database
    Create {
        /// Its name
        name: String,
    },
    /// Drop a database with all its tables, for good
    Drop {
        /// Its name
        name: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
}

/// What to do with tables.
#[derive(Debug, Args)]
pub struct TableArguments {
    #[command(subcommand)]
    verb: TableVerb,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    session: SessionArguments,
}

#[derive(Debug, Subcommand)]
enum TableVerb {
    /// Print the names of the tables of a database
    List {
        /// The database
        #[arg(default_value = "test")]
        database: String,
    },
    /// Create a table
    Create {
        /// Its database and name
        #[arg(value_name = "DB.TABLE")]
        table: TableName,
        /// The field that identifies a document
        #[arg(long, value_name = "FIELD", default_value = "id")]
        primary_key: String,
    },
    /// Drop a table with all its documents, for good
    Drop {
        /// Its database and name
        #[arg(value_name = "DB.TABLE")]
        table: TableName,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Print how many documents a table has, its primary key and its indexes
    Info {
        /// Its database and name
        #[arg(value_name = "DB.TABLE")]
        table: TableName,
    },
}

/// Does what the verb says.
pub fn run_database(arguments: &DatabaseArguments) -> ExitCode {
    command_error::run(|| {
        let mut session = arguments.session.open()?;
        let output = arguments.output;
        match &arguments.verb {
            DatabaseVerb::List => output.names("name", session.databases()?),
            DatabaseVerb::Create { name } => {
                session.run(&Term::call(TermType::DbCreate, &[name.as_str().into()], &[]))?;
                output.report(&format!("Created database {name}"), &[("created", name.as_str().into())])
            }
            DatabaseVerb::Drop { name, confirmation } => {
                let tables = session.names(&Term::db(name).table_list())?.len();
                confirmation
                    .ask(&format!("drop database {name} with {}", counted(tables as u64, "table")))?;
                session.run(&Term::call(TermType::DbDrop, &[name.as_str().into()], &[]))?;
                output.report(&format!("Dropped database {name}"), &[("dropped", name.as_str().into())])
            }
        }
    })
}

/// Does what the verb says.
pub fn run_table(arguments: &TableArguments) -> ExitCode {
    command_error::run(|| {
        let mut session = arguments.session.open()?;
        let output = arguments.output;
        match &arguments.verb {
            TableVerb::List { database } => {
                output.names("name", session.names(&Term::db(database).table_list())?)
            }
            TableVerb::Create { table, primary_key } => {
                let create = Term::db(&table.database).table_create(table.table.as_str());
                session.run(&create.option("primary_key", primary_key.as_str()))?;
                output.report(&format!("Created table {table}"), &[("created", table.to_string().into())])
            }
            TableVerb::Drop { table, confirmation } => {
                let count = session.run(&table.term().count())?.as_number().unwrap_or_default();
                confirmation
                    .ask(&format!("drop table {table} with {}", counted(count as u64, "document")))?;
                session.run(&Term::db(&table.database).table_drop(table.table.as_str()))?;
                output.report(&format!("Dropped table {table}"), &[("dropped", table.to_string().into())])
            }
            TableVerb::Info { table } => print_info(&mut session, table, output),
        }
    })
}

fn print_info(session: &mut Session, name: &TableName, output: OutputArguments) -> Result<(), CommandError> {
    let table = name.term();
    let info = session.run(&table.info())?;
    let documents = session.run(&table.count())?;
    let indexes = session.run(&table.index_status())?;
    let indexes = indexes.as_array().into_iter().flatten().map(|index| {
        let mut text = index.get("index").map(|name| crate::output::plain_text(&name)).unwrap_or_default();
        if index.get("ready") != Some(Datum::Bool(true)) {
            text.push_str(" (being built)");
        }
        Datum::string(text)
    });
    let mut fields = vec![
        ("table", name.to_string().into()),
        ("documents", documents),
        ("primary_key", info.get("primary_key").unwrap_or(Datum::Null)),
        ("indexes", Datum::array(indexes)),
    ];
    fields.extend(info.get("ttl").map(|time_to_live| ("ttl", time_to_live)));
    output.record(fields)
}
