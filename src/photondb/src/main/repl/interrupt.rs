//! Ctrl-C while a query runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tokio::signal::unix::{SignalKind, signal};

use crate::command_error::CommandError;

/// Whether the user wants a query to end.
pub struct Interrupt {
    has_come: Arc<AtomicBool>,
}

impl Interrupt {
    /// Takes interrupts from now on, if queries can be given up; otherwise they end the process.
    pub fn listen(can_give_up: bool) -> Result<Self, CommandError> {
        let has_come = Arc::new(AtomicBool::new(false));
        if can_give_up {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .map_err(CommandError::Terminal)?;
            let mut interrupts = {
                let _inside = runtime.enter();
                signal(SignalKind::interrupt()).map_err(CommandError::Terminal)?
            };
            let flag = Arc::clone(&has_come);
            let listen = move || {
                runtime.block_on(async {
                    while interrupts.recv().await.is_some() {
                        flag.store(true, Ordering::Relaxed);
                    }
                });
            };
            thread::Builder::new().spawn(listen).map_err(CommandError::Thread)?;
        }
        Ok(Self { has_come })
    }

    /// Whether one has come since the last time it was forgotten.
    pub fn has_come(&self) -> bool {
        self.has_come.load(Ordering::Relaxed)
    }

    /// Begins anew.
    pub fn forget(&self) {
        self.has_come.store(false, Ordering::Relaxed);
    }
}
