//! A configuration file, read and checked.

use std::ops::Range;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, Command};
use toml::de::{DeTable, DeValue};

use super::{CLIENT_KEYS, SERVE};
use crate::command_error::CommandError;

/// A verb that has all keys of `[client]`.
const CLIENT: &str = "query";
/// What the verb wants besides its flags.
const CLIENT_QUERY: &str = "1";

/// What a file says.
pub struct ConfigFile {
    /// Where it is.
    pub path: PathBuf,
    /// Its values, in their order.
    pub entries: Vec<Entry>,
}

/// One value.
pub struct Entry {
    /// Under which table it stands.
    pub section: Section,
    /// The long flag.
    pub key: String,
    /// The line, counted from one.
    pub line: usize,
    /// As they would be given to the flag.
    pub values: Vec<String>,
}

/// A table of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Serve,
    Client,
}

impl Section {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Client => "client",
        }
    }

    /// The verb whose flags are its keys.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Serve => SERVE,
            Self::Client => CLIENT,
        }
    }

    /// The flags that may be set.
    pub fn flags(self, command: &Command) -> Vec<Arg> {
        let verb = command.get_subcommands().find(|verb| verb.get_name() == self.verb());
        let flags = verb.into_iter().flat_map(Command::get_arguments).filter(|argument| {
            argument.get_long().is_some_and(|long| match self {
                Self::Serve => !matches!(long, "help" | "version" | "config-file"),
                Self::Client => CLIENT_KEYS.contains(&long),
            })
        });
        flags.cloned().collect()
    }
}

impl ConfigFile {
    /// Reads a file; every mistake names its line and what is allowed there.
    pub fn read(path: &Path, command: &Command) -> Result<Self, CommandError> {
        let text = std::fs::read_to_string(path).map_err(CommandError::file("read", path))?;
        let reader = Reader { path, text: &text, command };
        let table = DeTable::parse(&text)
            .map_err(|error| reader.error(error.span().unwrap_or_default(), error.message()))?;
        let mut entries = Vec::new();
        for (name, value) in table.get_ref() {
            let section = match &**name.get_ref() {
                "serve" => Section::Serve,
                "client" => Section::Client,
                other => {
                    let text = format!("`{other}` is no table; tables are [serve] and [client]");
                    return Err(reader.error(name.span(), &text));
                }
            };
            let DeValue::Table(keys) = value.get_ref() else {
                let text = format!("`{}` is a table: write [{0}]", section.name());
                return Err(reader.error(name.span(), &text));
            };
            for (key, value) in keys {
                entries.push(reader.entry(section, key.get_ref(), key.span(), value)?);
            }
        }
        entries.sort_by_key(|entry| entry.line);
        Ok(Self { path: path.to_owned(), entries })
    }

    /// The value of a flag, if the file has one.
    pub fn find(&self, section: Section, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.section == section && entry.key == key)
    }
}

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    command: &'a Command,
}

impl Reader<'_> {
    fn entry(
        &self,
        section: Section,
        key: &str,
        place: Range<usize>,
        value: &toml::Spanned<DeValue<'_>>,
    ) -> Result<Entry, CommandError> {
        let flags = section.flags(self.command);
        let Some(flag) = flags.iter().find(|flag| flag.get_long() == Some(key)) else {
            let known: Vec<&str> = flags.iter().filter_map(Arg::get_long).collect();
            let text = format!("there is no key `{key}` in [{}], but {}", section.name(), known.join(", "));
            return Err(self.error(place, &text));
        };
        let values = match value.get_ref() {
            DeValue::Array(items) if is_list(flag) => {
                items.iter().map(|item| self.scalar(flag, item.get_ref(), item.span())).collect()
            }
            single => self.scalar(flag, single, value.span()).map(|value| vec![value]),
        }?;
        let entry = Entry { section, key: key.to_owned(), line: self.line(place.start), values };
        self.check(&entry, flag, value.span())?;
        Ok(entry)
    }

    /// A value as it would be given to the flag.
    fn scalar(&self, flag: &Arg, value: &DeValue<'_>, place: Range<usize>) -> Result<String, CommandError> {
        let is_switch = matches!(flag.get_action(), ArgAction::SetTrue);
        let wanted = match value {
            DeValue::Boolean(value) if is_switch => return Ok(value.to_string()),
            _ if is_switch => "true or false",
            DeValue::String(text) => return Ok(text.to_string()),
            DeValue::Integer(number) => return Ok(number.to_string()),
            DeValue::Float(number) => return Ok(number.to_string()),
            _ if is_list(flag) => "a string, a number or a list of them",
            _ => "a string or a number",
        };
        let key = flag.get_long().unwrap_or_default();
        Err(self.error(place, &format!("`{key}` should be {wanted}")))
    }

    /// Lets the command line read the value.
    fn check(&self, entry: &Entry, flag: &Arg, place: Range<usize>) -> Result<(), CommandError> {
        if matches!(flag.get_action(), ArgAction::SetTrue) {
            return Ok(());
        }
        let mut words = vec!["photondb".to_owned(), entry.section.verb().to_owned()];
        words.extend(entry.values.iter().map(|value| format!("--{}={value}", entry.key)));
        if entry.section == Section::Client {
            words.push(CLIENT_QUERY.to_owned());
        }
        match self.command.clone().try_get_matches_from(words) {
            Err(error) if matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) => {
                let text = error.render().to_string();
                let lines: Vec<&str> = text
                    .lines()
                    .map(str::trim)
                    .take_while(|line| {
                        !line.starts_with("For more information") && !line.starts_with("Usage")
                    })
                    .filter(|line| !line.is_empty())
                    .collect();
                Err(self.error(place, lines.join(" ").trim_start_matches("error: ")))
            }
            // Another flag or a variable: that is not what the file says.
            _ => Ok(()),
        }
    }

    fn error(&self, place: Range<usize>, text: &str) -> CommandError {
        CommandError::Usage(format!("{}:{}: {text}", self.path.display(), self.line(place.start)))
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or_default();
        before.matches('\n').count() + 1
    }
}

fn is_list(flag: &Arg) -> bool {
    matches!(flag.get_action(), ArgAction::Append)
}
