//! Prompt work: what runs on a thread that others wait for, and so must neither wait nor take
//! long.
//!
//! Whether a piece of work is short is often known only once it is under way: a page is not
//! cached, a range holds more rows than expected. So work is begun in the hope that it is
//! short, and everything that would wait or take long asks here first. When it may not, the
//! work is given up, with whatever it has come to, and done again where time is no matter.

use std::cell::Cell;
use std::error::Error;
use std::fmt;

/// How much prompt work may read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Rows, and keys that are looked up.
    pub rows_max: usize,
    /// Bytes of those rows.
    pub bytes_max: usize,
}

/// Prompt work would have had to wait, or was too much. Whatever becomes of this error on its
/// way, [`promptly`] gives it to its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPrompt;

impl fmt::Display for NotPrompt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this takes longer than its thread may be held up")
    }
}

impl Error for NotPrompt {}

/// How the current thread works.
#[derive(Clone, Copy)]
enum Mode {
    /// It may wait and take as long as it needs.
    Patient,
    /// It may not wait, and this much is left to be read.
    Prompt(Allowance),
    /// It was to be prompt and is not: all it does is in vain.
    GivenUp,
}

thread_local! {
    static MODE: Cell<Mode> = const { Cell::new(Mode::Patient) };
}

/// Runs work that must be prompt. Fails when it was not; then it has changed nothing and can
/// be run again.
pub fn promptly<T>(allowance: Allowance, work: impl FnOnce() -> T) -> Result<T, NotPrompt> {
    /// Also after a panic.
    struct Patience;
    impl Drop for Patience {
        fn drop(&mut self) {
            MODE.set(Mode::Patient);
        }
    }
    let _patience = Patience;
    MODE.set(Mode::Prompt(allowance));
    let result = work();
    if let Mode::GivenUp = MODE.get() { Err(NotPrompt) } else { Ok(result) }
}

/// To be called before waiting for a disk, a sync or another thread's work.
pub fn before_waiting() -> Result<(), NotPrompt> {
    match MODE.get() {
        Mode::Patient => Ok(()),
        Mode::Prompt(_) | Mode::GivenUp => give_up(),
    }
}

/// To be called for every row of so many bytes that is read.
#[inline]
pub fn before_row(bytes: usize) -> Result<(), NotPrompt> {
    match MODE.get() {
        Mode::Patient => Ok(()),
        Mode::Prompt(Allowance { rows_max, bytes_max }) if rows_max > 0 && bytes <= bytes_max => {
            let left = Allowance { rows_max: rows_max - 1, bytes_max: bytes_max - bytes };
            MODE.set(Mode::Prompt(left));
            Ok(())
        }
        Mode::Prompt(_) | Mode::GivenUp => give_up(),
    }
}

/// To be called before something is changed for good: from here on the work cannot be done
/// again, and so may wait.
pub fn before_change() -> Result<(), NotPrompt> {
    match MODE.get() {
        Mode::GivenUp => Err(NotPrompt),
        Mode::Patient | Mode::Prompt(_) => {
            MODE.set(Mode::Patient);
            Ok(())
        }
    }
}

fn give_up() -> Result<(), NotPrompt> {
    MODE.set(Mode::GivenUp);
    Err(NotPrompt)
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;

    const LITTLE: Allowance = Allowance { rows_max: 2, bytes_max: 100 };

    #[test]
    fn patient_work_may_do_everything() {
        assert_eq!(before_waiting(), Ok(()));
        assert_eq!(before_row(usize::MAX), Ok(()));
        assert_eq!(before_change(), Ok(()));
    }

    #[test]
    fn what_is_read_counts() {
        assert_eq!(promptly(LITTLE, || (before_row(60), before_row(40))), Ok((Ok(()), Ok(()))));
        assert_eq!(promptly(LITTLE, || (before_row(1), before_row(1), before_row(1))), Err(NotPrompt));
        assert_eq!(promptly(LITTLE, || before_row(101)), Err(NotPrompt));
    }

    #[test]
    fn work_that_ignores_the_refusal_is_given_up_all_the_same() {
        let refused = || before_waiting().is_ok() || before_row(0).is_ok() || before_change().is_ok();
        let given_up = promptly(LITTLE, || assert!(!refused()));
        assert_eq!(given_up, Err(NotPrompt));
        assert_eq!(before_waiting(), Ok(()));
    }

    #[test]
    fn a_change_cannot_be_given_up() {
        let changed = promptly(LITTLE, || {
            before_change().and_then(|()| before_waiting()).and_then(|()| before_row(usize::MAX))
        });
        assert_eq!(changed, Ok(Ok(())));
    }

    #[test]
    fn a_panic_leaves_the_thread_patient() {
        let panicked = catch_unwind(AssertUnwindSafe(|| promptly(LITTLE, || panic!("broken"))));
        assert!(panicked.is_err());
        assert_eq!(before_waiting(), Ok(()));
    }
}
