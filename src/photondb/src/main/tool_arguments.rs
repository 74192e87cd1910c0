//! What every verb that works on whole tables takes.

use clap::Args;

use crate::output::OutputArguments;
use crate::session::SessionArguments;

/// How much is said, how, and which database is worked on.
#[derive(Debug, Args)]
pub struct ToolArguments {
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,

    #[command(flatten)]
    pub output: OutputArguments,

    #[command(flatten)]
    pub session: SessionArguments,
}
