//! `photondb user`: who may log in, and what for.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use photondb_client::Term;
use photondb_datum::Datum;
use photondb_reql::TermType;

use crate::command_error::{self, CommandError};
use crate::confirm::Confirmation;
use crate::output::{OutputArguments, plain_text};
use crate::password;
use crate::session::{Session, SessionArguments};
use crate::table_choice::TableChoice;

pub const EXAMPLES: &str = "\
Examples:
  photondb user create ann
      Asks for the password twice.
  photondb user create app --new-password-file app.txt
  photondb user passwd ann --new-password-stdin < password.txt
  photondb user grant app read,write --on shop
  photondb user grant app read=no --on shop.salaries
      Rights of a table count for more than those of its database, and those for more than all.
  photondb user list";

const SYSTEM_DATABASE: &str = "rethinkdb";

/// What to do with users.
#[derive(Debug, Args)]
pub struct UserArguments {
    #[command(subcommand)]
    verb: UserVerb,
    #[command(flatten)]
    output: OutputArguments,
    #[command(flatten)]
    session: SessionArguments,
}

#[derive(Debug, Subcommand)]
enum UserVerb {
    /// Create a user
    #[command(after_help = EXAMPLES)]
    Create {
        /// The name
        name: String,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Drop a user with all rights
    Drop {
        /// The name
        name: String,
        #[command(flatten)]
        confirmation: Confirmation,
    },
    /// Print all users, whether they have a password, and their rights
    List,
    /// Change a user's password
    Passwd {
        /// The name; whoever is logged in by default
        name: Option<String>,
        #[command(flatten)]
        password: NewPassword,
    },
    /// Give or take rights
    #[command(after_help = EXAMPLES)]
    Grant {
        /// The name
        name: String,
        /// Rights: `read` gives one, `read=no` takes it, `read=unset` leaves it to the level above
        #[arg(required = true, value_name = "RIGHT", value_delimiter = ',')]
        rights: Vec<Right>,
        /// For this database or table; for all of them by default
        #[arg(long, value_name = "DB|DB.TABLE")]
        on: Option<TableChoice>,
    },
}

/// Where a new password comes from; it is asked for at the terminal by default.
#[derive(Debug, Args)]
struct NewPassword {
    /// File with the new password on its first line
    #[arg(long, value_name = "FILE")]
    new_password_file: Option<PathBuf>,
    /// Read the new password from the standard input
    #[arg(long, conflicts_with = "new_password_file")]
    new_password_stdin: bool,
    /// The new password itself; others may see it in the list of processes
    #[arg(long, value_name = "PASSWORD", conflicts_with_all = ["new_password_file", "new_password_stdin"])]
    new_password: Option<String>,
    /// No password: anybody may log in by the name alone
    #[arg(long, conflicts_with_all = ["new_password_file", "new_password_stdin", "new_password"])]
    no_password: bool,
}

impl NewPassword {
    fn read(&self, name: &str) -> Result<Datum, CommandError> {
        let password = match self {
            Self { no_password: true, .. } => return Ok(Datum::Bool(false)),
            Self { new_password: Some(password), .. } => password.clone(),
            Self { new_password_file: Some(path), .. } => password::from_file(path)?,
            Self { new_password_stdin: true, .. } => password::from_input()?,
            _ => {
                let password = password::ask(&format!("New password of user \"{name}\": "))?;
                if password::ask("The same again: ")? != password {
                    return Err(CommandError::Refused("the two passwords are not the same".to_owned()));
                }
                password
            }
        };
        if password.is_empty() {
            let text = "the password is empty; --no-password says that this is what is wanted";
            return Err(CommandError::Refused(text.to_owned()));
        }
        Ok(Datum::string(password))
    }
}

/// A right and whether it is given; `None` leaves it to the level above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Right {
    kind: RightKind,
    is_given: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RightKind {
    Read,
    Write,
    Connect,
    Config,
}

impl std::str::FromStr for Right {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, given) = text.split_once('=').unwrap_or((text, "yes"));
        let is_given = match given {
            "yes" | "true" => Some(true),
            "no" | "false" => Some(false),
            "unset" | "null" => None,
            _ => return Err(format!("`{text}` should end with =yes, =no or =unset")),
        };
        let kind = RightKind::from_str(kind, true)
            .map_err(|_| format!("`{kind}` is no right; rights are read, write, connect and config"))?;
        Ok(Self { kind, is_given })
    }
}

impl Right {
    fn field(self) -> (&'static str, Term) {
        let name = match self.kind {
            RightKind::Read => "read",
            RightKind::Write => "write",
            RightKind::Connect => "connect",
            RightKind::Config => "config",
        };
        (name, self.is_given.map_or(Datum::Null, Datum::Bool).into())
    }
}

/// Does what the verb says.
pub fn run(arguments: &UserArguments) -> ExitCode {
    command_error::run(|| {
        let output = arguments.output;
        let mut session = arguments.session.open()?;
        match &arguments.verb {
            UserVerb::Create { name, password } => {
                let password = password.read(name)?;
                let row = Datum::object([("id", name.as_str().into()), ("password", password)]);
                write_user(&mut session, &users().insert(row))?;
                output.report(&format!("Created user {name}"), &[("created", name.as_str().into())])
            }
            UserVerb::Drop { name, confirmation } => {
                confirmation.ask(&format!("drop user {name}"))?;
                write_user(&mut session, &users().get(name.as_str()).delete())?;
                output.report(&format!("Dropped user {name}"), &[("dropped", name.as_str().into())])
            }
            UserVerb::List => print_users(&mut session, output),
            UserVerb::Passwd { name, password } => {
                let name = name.as_ref().unwrap_or(&arguments.session.user);
                let password = password.read(name)?;
                let change = Datum::object([("password", password)]);
                write_user(&mut session, &users().get(name.as_str()).update(change))?;
                let sentence = format!("Changed the password of user {name}");
                output.report(&sentence, &[("changed", name.as_str().into())])
            }
            UserVerb::Grant { name, rights, on } => grant(&mut session, name, rights, on.as_ref(), output),
        }
    })
}

fn users() -> Term {
    Term::db(SYSTEM_DATABASE).table_of("users")
}

/// Writes to the table of users, whose errors come in the summary.
fn write_user(session: &mut Session, write: &Term) -> Result<(), CommandError> {
    match session.run(write)?.get("first_error") {
        Some(error) => Err(CommandError::Refused(plain_text(&error))),
        None => Ok(()),
    }
}

fn grant(
    session: &mut Session,
    name: &str,
    rights: &[Right],
    on: Option<&TableChoice>,
    output: OutputArguments,
) -> Result<(), CommandError> {
    let fields: Vec<(&str, Term)> = rights.iter().map(|right| right.field()).collect();
    let mut arguments: Vec<Term> = on.map(TableChoice::term).into_iter().collect();
    arguments.extend([name.into(), Term::object(&fields)]);
    let summary = session.run(&Term::call(TermType::Grant, &arguments, &[]))?;
    let place = on.map_or_else(|| "everything".to_owned(), ToString::to_string);
    let change = summary.get("permissions_changes").and_then(|changes| changes.as_array()?.get(0));
    let now = change.and_then(|change| change.get("new_val")).unwrap_or(Datum::Null);
    let sentence = format!("Rights of user {name} on {place}: {}", plain_text(&now));
    output.report(&sentence, &[("user", name.into()), ("on", place.into()), ("rights", now)])
}

fn print_users(session: &mut Session, output: OutputArguments) -> Result<(), CommandError> {
    let rows = session.run(&users())?;
    let permissions = session.run(&Term::db(SYSTEM_DATABASE).table_of("permissions"))?;
    let permissions: Vec<Datum> = permissions.as_array().into_iter().flatten().collect();
    let rows = rows.as_array().into_iter().flatten().map(|user| {
        let name = user.get("id").unwrap_or(Datum::Null);
        let rights = permissions.iter().filter(|row| row.get("user").as_ref() == Some(&name)).map(|row| {
            let part = |field: &str| row.get(field).map(|part| plain_text(&part));
            let place = match (part("database"), part("table")) {
                (Some(database), Some(table)) => format!("{database}.{table}"),
                (Some(database), None) => database,
                _ => "*".to_owned(),
            };
            (place, row.get("permissions").unwrap_or(Datum::Null))
        });
        let rights = Datum::object(rights);
        let password = user.get("password").unwrap_or(Datum::Null);
        Datum::object([("user", name), ("password", password), ("rights", rights)])
    });
    output.list(&["user", "password", "rights"], rows)
}
