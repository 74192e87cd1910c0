//! What is typed: lines of an editor at a terminal, otherwise lines of the standard input.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use reedline::{
    ColumnarMenu, Emacs, FileBackedHistory, KeyCode, KeyModifiers, MenuBuilder, Reedline, ReedlineEvent,
    ReedlineMenu, Signal, ValidationResult, Validator, default_emacs_keybindings,
};

use super::catalog::SchemaNames;
use super::completer::ReqlCompleter;
use super::history;
use super::prompt::DatabasePrompt;
use crate::command_error::CommandError;

/// Lines that are kept.
const HISTORY_LINES_MAX: usize = 10_000;
const MENU: &str = "completion";

/// Where lines come from.
pub enum Input {
    /// Somebody who types.
    Editor(Box<Reedline>),
    /// A file or another program.
    Lines,
}

/// What was said.
pub enum Line {
    /// A whole query or command.
    Text(String),
    /// Nothing that means anything.
    Nothing,
    /// Nothing more will come.
    End,
}

impl Input {
    /// An editor at a terminal, plain lines elsewhere.
    pub fn open(history: Option<PathBuf>, names: Arc<Mutex<SchemaNames>>) -> Result<Self, CommandError> {
        if !io::stdin().is_terminal() {
            return Ok(Self::Lines);
        }
        let mut keys = default_emacs_keybindings();
        let complete =
            ReedlineEvent::UntilFound(vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext]);
        keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, complete);
        let menu = Box::new(ColumnarMenu::default().with_name(MENU));
        let mut editor = Reedline::create()
            .with_completer(Box::new(ReqlCompleter::new(names)))
            .with_menu(ReedlineMenu::EngineCompleter(menu))
            .with_quick_completions(true)
            .with_partial_completions(true)
            .with_edit_mode(Box::new(Emacs::new(keys)))
            .with_validator(Box::new(Brackets));
        if let Some(path) = history {
            history::prepare(&path).map_err(CommandError::file("keep history in", &path))?;
            let kept = FileBackedHistory::with_file(HISTORY_LINES_MAX, path.clone());
            let kept = kept.map_err(|error| {
                CommandError::file("keep history in", &path)(io::Error::other(error.to_string()))
            })?;
            editor = editor.with_history(Box::new(kept));
        }
        Ok(Self::Editor(Box::new(editor)))
    }

    /// Whether somebody sees mistakes and can do better.
    pub fn is_watched(&self) -> bool {
        matches!(self, Self::Editor(_))
    }

    /// Reads until a query or command is whole.
    pub fn read(&mut self, database: &str) -> Result<Line, CommandError> {
        let text = match self {
            Self::Editor(editor) => {
                let prompt = DatabasePrompt { database: database.to_owned() };
                match editor.read_line(&prompt).map_err(CommandError::Terminal)? {
                    Signal::Success(text) => text,
                    Signal::CtrlD => return Ok(Line::End),
                    _ => return Ok(Line::Nothing),
                }
            }
            Self::Lines => match read_lines()? {
                Some(text) => text,
                None => return Ok(Line::End),
            },
        };
        let text = text.trim();
        Ok(if text.is_empty() { Line::Nothing } else { Line::Text(text.to_owned()) })
    }
}

fn read_lines() -> Result<Option<String>, CommandError> {
    let mut text = String::new();
    loop {
        let bytes = io::stdin().lock().read_line(&mut text).map_err(CommandError::Input)?;
        if bytes == 0 {
            return Ok((!text.is_empty()).then_some(text));
        }
        if is_whole(&text) {
            return Ok(Some(text));
        }
    }
}

/// Takes a line when its brackets are closed.
struct Brackets;

impl Validator for Brackets {
    fn validate(&self, line: &str) -> ValidationResult {
        if is_whole(line) { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

/// Whether brackets, quotes and comments that were opened are closed. A mistake among them is
/// left for the parser to tell.
fn is_whole(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let (length, closed) = match character {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), true),
            '/' if rest.starts_with("/*") => match rest[2..].find("*/") {
                Some(length) => (length + 4, true),
                None => return false,
            },
            '\'' | '"' | '`' => string_bytes(rest, character),
            _ => (character.len_utf8(), true),
        };
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            // Only a template may go on behind the end of its line.
            quote if !closed => return quote != '`',
            _ => {}
        }
        rest = &rest[length..];
    }
    depth == 0
}

/// The length of the string that a text begins with, and whether it is closed.
fn string_bytes(text: &str, quote: char) -> (usize, bool) {
    let mut characters = text.char_indices().skip(1);
    while let Some((position, character)) = characters.next() {
        match character {
            '\\' => {
                characters.next();
            }
            '\n' if quote != '`' => return (position, false),
            other if other == quote => return (position + 1, true),
            _ => {}
        }
    }
    (text.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_ends_with_its_last_bracket() {
        for whole in [
            "",
            "r.dbList()",
            ".help",
            "r.expr('(')",
            "r.expr(\"\\\"(\")",
            "r.expr(1) // (",
            "r.expr(1 /* ( */)",
            "r.expr('unfinished",
            "r.expr(1))",
        ] {
            assert!(is_whole(whole), "{whole}");
        }
        for open in
            ["r.expr(", "r.expr({a: [1", "r.expr(')'", "r.expr(1 /* )", "r.expr(`a\n)", "r.expr(1 // )"]
        {
            assert!(!is_whole(open), "{open}");
        }
    }
}
