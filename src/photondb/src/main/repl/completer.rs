//! What may follow what is typed.

use std::sync::Arc;

use parking_lot::Mutex;
use photondb_reql::text::methods;
use reedline::{Completer, CompletionResult, Span, Suggestion};

use super::COMMANDS;
use super::catalog::{NamesOf, SchemaNames};

/// Completes terms by the table of terms, and strings by the names in the database.
pub struct ReqlCompleter {
    names: Arc<Mutex<SchemaNames>>,
}

impl ReqlCompleter {
    /// Asks for names where they are needed.
    pub fn new(names: Arc<Mutex<SchemaNames>>) -> Self {
        Self { names }
    }
}

/// What stands before the cursor.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    /// A command, from its dot on.
    Command(&'a str),
    /// The name of a term, behind a dot.
    Term(&'a str),
    /// A string that is open: what stands before its quote, and what is in it.
    String { before: &'a str, begun: &'a str },
    /// Anything else.
    Nothing,
}

impl Completer for ReqlCompleter {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let before = line.get(..pos).unwrap_or(line);
        let found: Vec<(String, Option<String>)> = match place(before) {
            Place::Command(begun) => COMMANDS
                .iter()
                .map(|(command, does)| (command.split(' ').next().unwrap_or_default(), does))
                .filter(|(command, _)| command.starts_with(begun))
                .map(|(command, does)| (command.to_owned(), Some((*does).to_owned())))
                .collect(),
            Place::Term(begun) => terms(begun),
            Place::String { before, begun } => {
                let mut names = self.names.lock();
                let names = wanted(before, names.database()).into_iter().flat_map(|of| names.get(&of));
                names.filter(|name| name.starts_with(begun)).map(|name| (name, None)).collect()
            }
            Place::Nothing => Vec::new(),
        };
        let begun = match place(before) {
            Place::Command(begun) | Place::Term(begun) | Place::String { begun, .. } => begun.len(),
            Place::Nothing => 0,
        };
        let span = Span::new(before.len() - begun, before.len());
        let suggestion =
            |(value, description)| Suggestion { value, description, span, ..Suggestion::default() };
        CompletionResult::fresh(found.into_iter().map(suggestion).collect::<Vec<Suggestion>>())
    }
}

fn terms(begun: &str) -> Vec<(String, Option<String>)> {
    let mut found: Vec<(String, Option<String>)> = methods()
        .filter(|info| info.method.starts_with(begun))
        .map(|info| (info.method.to_owned(), Some(info.doc.to_owned())))
        .collect();
    found.sort();
    found.dedup();
    found
}

fn place(before: &str) -> Place<'_> {
    let start = before.trim_start();
    if start.starts_with('.') && !start.contains(char::is_whitespace) {
        return Place::Command(start);
    }
    if let Some(quote) = open_quote(before) {
        return Place::String { before: &before[..quote], begun: &before[quote + 1..] };
    }
    let name = before.rfind(|character: char| !character.is_alphanumeric() && character != '_');
    match name {
        Some(dot) if before[dot..].starts_with('.') => Place::Term(&before[dot + 1..]),
        _ => Place::Nothing,
    }
}

/// Where the quote of a string stands that is not closed.
fn open_quote(text: &str) -> Option<usize> {
    let mut open: Option<(usize, char)> = None;
    let mut escaped = false;
    for (position, character) in text.char_indices() {
        match open {
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some((_, quote)) if character == quote => open = None,
            None if matches!(character, '\'' | '"') => open = Some((position, character)),
            _ => {}
        }
    }
    open.map(|(position, _)| position)
}

/// What the names are of that fit into a string behind a text.
fn wanted(before: &str, database: &str) -> Vec<NamesOf> {
    let before = before.trim_end();
    if ends_with_call(before, "db") {
        return vec![NamesOf::Databases];
    }
    if ends_with_call(before, "table") {
        let named = last_argument(before, "db").unwrap_or_else(|| database.to_owned());
        return vec![NamesOf::Tables(named)];
    }
    // A field or an index of the table that was named last.
    match last_argument(before, "table") {
        Some(table) => {
            let named = last_argument(before, "db").unwrap_or_else(|| database.to_owned());
            vec![NamesOf::Fields(named, table)]
        }
        None => Vec::new(),
    }
}

fn ends_with_call(text: &str, name: &str) -> bool {
    text.strip_suffix('(')
        .and_then(|text| text.trim_end().strip_suffix(name))
        .is_some_and(|text| text.ends_with('.'))
}

/// The string that a term of a name was given last: `x` of `.table('x')`.
fn last_argument(text: &str, name: &str) -> Option<String> {
    let call = format!(".{name}(");
    let rest = text.get(text.rfind(&call)? + call.len()..)?.trim_start();
    let quote = rest.chars().next().filter(|quote| matches!(quote, '\'' | '"'))?;
    Some(rest[1..].split(quote).next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places() {
        assert_eq!(place(" .he"), Place::Command(".he"));
        assert_eq!(place("r.tab"), Place::Term("tab"));
        assert_eq!(place("r.table('x').get"), Place::Term("get"));
        assert_eq!(place(".explain r.db"), Place::Term("db"));
        assert_eq!(place("r.table('peo"), Place::String { before: "r.table(", begun: "peo" });
        assert_eq!(
            place("r.expr('it\\'s').add('"),
            Place::String { before: "r.expr('it\\'s').add(", begun: "" }
        );
        assert_eq!(place("r"), Place::Nothing);
        assert_eq!(place("r.expr(1"), Place::Nothing);
    }

    #[test]
    fn strings_are_names_of_what_was_named_before() {
        let fields = |database: &str, table: &str| vec![NamesOf::Fields(database.into(), table.into())];
        for (before, of) in [
            ("r.db(", vec![NamesOf::Databases]),
            ("r.table(", vec![NamesOf::Tables("test".into())]),
            ("r.db('shop').table(", vec![NamesOf::Tables("shop".into())]),
            ("r.db(\"shop\").table('people').filter(row => row(", fields("shop", "people")),
            ("r.table('a').getAll(1, {index: ", fields("test", "a")),
            ("r.expr(", vec![]),
        ] {
            assert_eq!(wanted(before, "test"), of, "{before}");
        }
    }

    #[test]
    fn terms_come_from_their_table() {
        let names: Vec<String> = terms("getA").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["getAll"]);
    }
}
