//! Passwords that people type or keep in files; never from a command line, which others can see.

use std::io::{self, BufRead};
use std::path::Path;

use crate::command_error::CommandError;

/// Stands for the standard input.
const FROM_INPUT: &str = "-";

/// Asks at the terminal, without showing what is typed.
pub fn ask(prompt: &str) -> Result<String, CommandError> {
    rpassword::prompt_password(prompt).map_err(CommandError::Terminal)
}

/// The first line of a file, or of the standard input.
pub fn from_file(path: &Path) -> Result<String, CommandError> {
    if path.as_os_str() == FROM_INPUT {
        return from_input();
    }
    let text = std::fs::read_to_string(path).map_err(CommandError::file("read", path))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// The first line of the standard input.
pub fn from_input() -> Result<String, CommandError> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(CommandError::Input)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
