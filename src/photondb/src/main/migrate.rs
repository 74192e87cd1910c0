//! `photondb migrate`: what a live RethinkDB holds, into this database.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use photondb_archive::TableDescription;
use photondb_client::{Connection, Options, Term};
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::command_error::{self, CommandError};
use crate::dump::describe_tables;
use crate::loader::{BATCH_ROWS_MAX, Conflict, LoadOptions, Loader};
use crate::output::{counted, number, plain_text};
use crate::password;
use crate::progress::Progress;
use crate::session::{Address, Session};
use crate::status::{field, system_rows};
use crate::table_choice::{TableChoice, TableName};
use crate::target::{self, Placement, Target};
use crate::tool_arguments::ToolArguments;

pub const EXAMPLES: &str = "\
Examples:
  photondb migrate --from old.example:28015
      Every database of a RethinkDB server, into the server on localhost.
  photondb migrate --from old.example --from-password-file old.txt -i shop --users
      One database, and the users with their rights.
  photondb migrate --from old.example --resume
      Goes on where an earlier run was interrupted.
  photondb migrate --from old.example --data-dir photondb_data
      Into a directory that no server has open.

Tables come with their primary key, indexes, write hook and documents. The documents of a table
are read in the order of their keys while the old server goes on serving; what is written there
meanwhile may be missed, so let the writers rest before the last run. RethinkDB tells nobody its
users' passwords: --users gives each a new one and prints it once, with --quiet, too.";

const SYSTEM_DATABASE: &str = "rethinkdb";
const ADMIN: &str = "admin";
/// The rights that there are.
const RIGHTS: [&str; 4] = ["read", "write", "connect", "config"];

/// What to migrate, and how.
#[derive(Debug, Args)]
pub struct MigrateArguments {
    /// Where the old server listens for drivers
    #[arg(long, value_name = "HOST:PORT")]
    from: Address,

    /// The user to log in as at the old server
    #[arg(long, value_name = "NAME", default_value = ADMIN)]
    from_user: String,

    /// File with that user's password on its first line; without one it is empty
    #[arg(long, value_name = "FILE")]
    from_password_file: Option<PathBuf>,

    /// Migrate this database or table, not all; may be repeated
    #[arg(short, long, value_name = "DB|DB.TABLE")]
    import: Vec<TableChoice>,

    /// Go on with an earlier run: tables that are there are completed
    #[arg(long)]
    resume: bool,

    /// Write into tables that exist, replacing documents that have the same key
    #[arg(long, conflicts_with = "resume")]
    force: bool,

    /// Leave secondary indexes away
    #[arg(long)]
    no_secondary_indexes: bool,

    /// Migrate users and their rights, too
    #[arg(long)]
    users: bool,

    /// Inserts that are under way at the same time
    #[arg(long, value_name = "NUM", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..))]
    clients: u16,

    #[command(flatten)]
    placement: Placement,

    #[command(flatten)]
    tool: ToolArguments,
}

/// Migrates and tells what was migrated.
pub fn run(arguments: &MigrateArguments) -> ExitCode {
    command_error::run(|| migrate(arguments))
}

fn migrate(arguments: &MigrateArguments) -> Result<(), CommandError> {
    let mut source = open_source(arguments)?;
    let mut session = arguments.tool.session.open()?;
    let tables = describe_tables(&mut source, &arguments.import, "--import")?;
    let estimate = tables.iter().filter_map(TableDescription::documents_estimate).sum();
    let mut targets: Vec<Target> = tables
        .into_iter()
        .map(|table| {
            let name = TableName { database: table.database.clone(), table: table.table.clone() };
            Target::described(name, Some(table))
        })
        .collect();
    target::look(&mut session, &mut targets)?;
    target::check(&mut session, &targets, arguments.force || arguments.resume)?;
    target::create(&mut session, &targets, &arguments.placement)?;
    let progress = Progress::start(estimate, arguments.tool.quiet);
    for target in &targets {
        progress.say(target.name.to_string());
        let copied = copy(&mut source, &mut session, target, arguments, &progress);
        copied.map_err(|error| error.unfinished("what was copied stays; --resume goes on from there"))?;
    }
    let indexes = target::finish(&mut session, &targets, !arguments.no_secondary_indexes, &progress)?;
    let (rows, elapsed) = progress.finish();
    let users = if arguments.users { copy_users(&mut source, &mut session)? } else { Vec::new() };
    for (name, password) in &users {
        println!("Password of user \"{name}\": {password}");
    }
    if arguments.tool.quiet {
        return Ok(());
    }
    let (tables, seconds) = (targets.len() as u64, elapsed.as_secs_f64());
    let sentence = format!(
        "Migrated {} with {} and {} from {} in {seconds:.1} s",
        counted(tables, "table"),
        counted(rows, "document"),
        counted(indexes, "index"),
        arguments.from,
    );
    arguments.tool.output.report(
        &sentence,
        &[
            ("tables", number(tables)),
            ("documents", number(rows)),
            ("indexes", number(indexes)),
            ("users", number(users.len() as u64)),
            ("seconds", Datum::Number(seconds)),
        ],
    )
}

fn open_source(arguments: &MigrateArguments) -> Result<Session, CommandError> {
    let password = arguments.from_password_file.as_deref().map(password::from_file).transpose()?;
    let Address { host, port } = arguments.from.clone();
    let options =
        Options::new(host.clone(), port).with_user(arguments.from_user.clone(), password.unwrap_or_default());
    let connection = Connection::open(&options);
    let connection = connection.map_err(|source| CommandError::Connect { host, port, source })?;
    Ok(Session::Remote(Box::new(connection)))
}

fn copy(
    source: &mut Session,
    session: &mut Session,
    target: &Target,
    arguments: &MigrateArguments,
    progress: &Progress,
) -> Result<(), CommandError> {
    let rewrites = arguments.force || arguments.resume;
    let options = LoadOptions {
        conflict: if rewrites { Conflict::Replace } else { Conflict::Error },
        hard_durability: false,
        ignore_write_hook: true,
        inserts_unanswered_max: usize::from(arguments.clients),
    };
    let from = match arguments.resume && target.existed {
        true => resume_key(session, target, options.inserts_unanswered_max)?,
        false => None,
    };
    let documents = match from {
        Some(key) => target.term.between(key, Term::maxval()),
        None => target.term.clone(),
    };
    let order = [("index", target.primary_key.as_str().into())];
    let documents = Term::call(TermType::OrderBy, &[documents], &order);
    let mut loader = Loader::new(session, &target.term, format!("{}: document", target.name), options);
    let mut row = 0;
    for document in source.rows(&documents.start())? {
        row += 1;
        loader.push(document?, row)?;
        progress.advance(1, 1);
    }
    loader.finish()
}

/// The key from which an interrupted copy goes on. Inserts are sent in the order of the keys and
/// so many at most are unanswered: whatever lies further back than they can hold is there.
fn resume_key(
    session: &mut Session,
    target: &Target,
    inserts_unanswered_max: usize,
) -> Result<Option<Datum>, CommandError> {
    let under_way = (inserts_unanswered_max * BATCH_ROWS_MAX) as f64;
    let backwards = Term::call(TermType::Desc, &[target.primary_key.as_str().into()], &[]);
    let last = Term::call(TermType::OrderBy, std::slice::from_ref(&target.term), &[("index", backwards)]);
    let found = session.run(&last.skip(under_way).limit(1).coerce_to("array"))?;
    let document = found.as_array().and_then(|found| found.get(0));
    Ok(document.and_then(|document| document.get(&target.primary_key)))
}

/// Creates the users that are missing, with rights and a new password each. Gives the passwords.
fn copy_users(source: &mut Session, session: &mut Session) -> Result<Vec<(String, String)>, CommandError> {
    let there = system_rows(session, "users")?;
    let mut made = Vec::new();
    for user in system_rows(source, "users")? {
        let name = plain_text(&field(&user, &["id"]));
        if name == ADMIN || there.iter().any(|known| known.get("id") == user.get("id")) {
            continue;
        }
        let new = uuid::Uuid::new_v4().to_string();
        let row = Datum::object([("id", name.as_str().into()), ("password", new.as_str().into())]);
        let summary = session.run(&Term::db(SYSTEM_DATABASE).table_of("users").insert(row))?;
        if let Some(error) = summary.get("first_error") {
            return Err(CommandError::Refused(format!("user {name}: {}", plain_text(&error))));
        }
        made.push((name, new));
    }
    for right in system_rows(source, "permissions")? {
        if made.iter().any(|(name, _)| right.get("user").is_some_and(|user| plain_text(&user) == *name)) {
            grant(session, &right)?;
        }
    }
    Ok(made)
}

/// Gives the rights of one row of `permissions`; those on what is not here are left away.
fn grant(session: &mut Session, row: &Datum) -> Result<(), CommandError> {
    let text = |name: &str| row.get(name).as_ref().and_then(Datum::as_str).map(str::to_owned);
    let scope = match (text("database"), text("table")) {
        (None, _) => None,
        (Some(database), table) => {
            if !session.databases()?.contains(&database) {
                return Ok(());
            }
            let term = Term::db(&database);
            match table {
                None => Some(term),
                Some(table) if session.names(&term.table_list())?.contains(&table) => {
                    Some(term.table_of(&table))
                }
                Some(_) => return Ok(()),
            }
        }
    };
    let permissions = row.get("permissions").unwrap_or(Datum::Null);
    let rights = RIGHTS.iter().filter_map(|right| Some((*right, permissions.get(right)?)));
    let mut arguments: Vec<Term> = scope.into_iter().collect();
    arguments.extend([Term::from(text("user").unwrap_or_default()), Datum::object(rights).into()]);
    session.run(&Term::call(TermType::Grant, &arguments, &[])).map(drop)
}
