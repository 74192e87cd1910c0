//! Memory of something that grows.

use std::sync::Arc;

use super::budget::{MemoryBudget, Purpose};
use crate::error::Result;

/// Bytes that need not be counted: many sequences are short.
const UNCOUNTED_BYTES: usize = 4 * 1024;
/// Bytes taken ahead of their use.
const STEP_BYTES: usize = 64 * 1024;

/// Memory that is taken as something grows and given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    purpose: Purpose,
    used: usize,
    /// What `used` may be before more has to be taken.
    room: usize,
    taken: usize,
    budget: Option<Arc<MemoryBudget>>,
}

impl Reservation {
    pub(crate) fn new(purpose: Purpose) -> Self {
        Self { purpose, used: 0, room: UNCOUNTED_BYTES, taken: 0, budget: None }
    }

    /// What was asked for and not given back.
    pub(crate) fn used_bytes(&self) -> usize {
        self.used
    }

    /// Counts more bytes. When there are none the reservation stays as it was.
    #[inline]
    pub(crate) fn grow(&mut self, budget: &Arc<MemoryBudget>, bytes: usize) -> Result<()> {
        let used = self.used.saturating_add(bytes);
        if used > self.room {
            self.take(budget, used)?;
        }
        self.used = used;
        Ok(())
    }

    /// Counts less bytes. They are kept for growing again.
    #[inline]
    pub(crate) fn shrink(&mut self, bytes: usize) {
        self.used = self.used.saturating_sub(bytes);
    }

    fn take(&mut self, budget: &Arc<MemoryBudget>, used: usize) -> Result<()> {
        let missing = used - self.taken;
        let ahead = missing.max(STEP_BYTES);
        let taken = match budget.take(self.purpose, ahead) {
            Ok(()) => ahead,
            // The last bytes are taken as they are needed.
            Err(_) if ahead > missing => budget.take(self.purpose, missing).map(|()| missing)?,
            Err(error) => return Err(error),
        };
        self.budget.get_or_insert_with(|| Arc::clone(budget));
        self.taken += taken;
        self.room = self.taken;
        Ok(())
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(budget) = self.budget.take() {
            budget.give_back(self.purpose, self.taken);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryPool;

    #[test]
    fn growth_is_taken_in_steps_and_given_back() {
        let budget = Arc::new(MemoryBudget::new(Arc::new(MemoryPool::default()), Arc::default(), 100 << 10));
        let mut rows = Reservation::new(Purpose::Rows);
        rows.grow(&budget, UNCOUNTED_BYTES).unwrap();
        assert_eq!(budget.usage().used_bytes(), 0);
        rows.grow(&budget, 1).unwrap();
        assert_eq!(budget.usage().used_bytes(), STEP_BYTES);
        rows.grow(&budget, STEP_BYTES).unwrap();
        assert_eq!(budget.usage().used_bytes(), rows.used_bytes());
        let before = rows.used_bytes();
        assert!(rows.grow(&budget, 40 << 10).is_err());
        assert_eq!(rows.used_bytes(), before);
        rows.shrink(50 << 10);
        rows.grow(&budget, 40 << 10).unwrap();
        drop(rows);
        assert_eq!(budget.usage().used_bytes(), 0);
    }
}
