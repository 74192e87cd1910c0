//! Asking before something is gone for good.

use std::io::{self, BufRead, IsTerminal, Write};

use clap::Args;

use crate::command_error::CommandError;

/// Whether to ask.
#[derive(Clone, Copy, Debug, Args)]
pub struct Confirmation {
    /// Do not ask; needed where nobody can be asked
    #[arg(short, long)]
    yes: bool,
}

impl Confirmation {
    /// Goes on when the answer is yes. `what` is what would be gone, as in `drop table x`.
    pub fn ask(self, what: &str) -> Result<(), CommandError> {
        if self.yes {
            return Ok(());
        }
        if !io::stdin().is_terminal() {
            let text = format!("would {what}; say --yes where nobody can be asked");
            return Err(CommandError::Usage(text));
        }
        eprint!("Really {what}? [y/N] ");
        io::stderr().flush().map_err(CommandError::Terminal)?;
        let mut answer = String::new();
        io::stdin().lock().read_line(&mut answer).map_err(CommandError::Input)?;
        match answer.trim().to_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(CommandError::Refused("nothing was changed".to_owned())),
        }
    }
}
