//! `photondb db` and `photondb table`: what there is on a server, made and dropped.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use photondb_client::{Connection, Term};
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::remote::{self, CommandError, RemoteArguments};
use crate::table_choice::TableName;

/// What to do with databases.
#[derive(Debug, Args)]
pub struct DatabaseArguments {
    #[command(subcommand)]
    verb: DatabaseVerb,
    #[command(flatten)]
    remote: RemoteArguments,
}

#[derive(Debug, Subcommand)]
enum DatabaseVerb {
    /// Print the names of all databases, one on each line
    List,
    /// Create a database
    Create {
        /// Its name
        name: String,
    },
    /// Drop a database with all its tables, at once and for good
    Drop {
        /// Its name
        name: String,
    },
}

/// What to do with tables.
#[derive(Debug, Args)]
pub struct TableArguments {
    #[command(subcommand)]
    verb: TableVerb,
    #[command(flatten)]
    remote: RemoteArguments,
}

#[derive(Debug, Subcommand)]
enum TableVerb {
    /// Print the names of the tables of a database, one on each line
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
    /// Drop a table with all its documents, at once and for good
    Drop {
        /// Its database and name
        #[arg(value_name = "DB.TABLE")]
        table: TableName,
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
    remote::run(|| {
        let mut connection = arguments.remote.open()?;
        match &arguments.verb {
            DatabaseVerb::List => print_lines(remote::databases(&mut connection)?),
            DatabaseVerb::Create { name } => {
                let create = Term::call(TermType::DbCreate, &[name.as_str().into()], &[]);
                connection.run_value(&create.start())?;
                println!("Created database {name}");
            }
            DatabaseVerb::Drop { name } => {
                let drop = Term::call(TermType::DbDrop, &[name.as_str().into()], &[]);
                connection.run_value(&drop.start())?;
                println!("Dropped database {name}");
            }
        }
        Ok(())
    })
}

/// Does what the verb says.
pub fn run_table(arguments: &TableArguments) -> ExitCode {
    remote::run(|| {
        let mut connection = arguments.remote.open()?;
        match &arguments.verb {
            TableVerb::List { database } => {
                print_lines(remote::names(&mut connection, &Term::db(database).table_list())?);
            }
            TableVerb::Create { table, primary_key } => {
                let create = Term::db(&table.database).table_create(table.table.as_str());
                let create = create.option("primary_key", primary_key.as_str());
                connection.run_value(&create.start())?;
                println!("Created table {table}");
            }
            TableVerb::Drop { table } => {
                let drop = Term::db(&table.database).table_drop(table.table.as_str());
                connection.run_value(&drop.start())?;
                println!("Dropped table {table}");
            }
            TableVerb::Info { table } => print_info(&mut connection, table)?,
        }
        Ok(())
    })
}

fn print_lines(names: Vec<String>) {
    for name in names {
        println!("{name}");
    }
}

fn print_info(connection: &mut Connection, name: &TableName) -> Result<(), CommandError> {
    let table = Term::db(&name.database).table_of(&name.table);
    let info = connection.run_value(&table.info().start())?;
    let count = connection.run_value(&table.count().start())?;
    let indexes = connection.run_value(&table.index_status().start())?;
    let text = |value: Option<Datum>| value.as_ref().and_then(Datum::as_str).unwrap_or_default().to_owned();
    println!("table        {name}");
    println!("documents    {}", count.print());
    println!("primary key  {}", text(info.get("primary_key")));
    for index in indexes.as_array().into_iter().flatten() {
        let building = if index.get("ready") == Some(Datum::Bool(true)) { "" } else { "  (being built)" };
        println!("index        {}  {}{building}", text(index.get("index")), text(index.get("query")));
    }
    Ok(())
}
