//! `group`: which groups a row belongs to.

use std::collections::BTreeMap;
use std::sync::Arc;

use photondb_datum::{Datum, Grouped};

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::function::Function;

/// What rows are grouped by.
pub(crate) struct GroupStage {
    /// By the value of the index that the rows are read through, before the functions.
    pub(crate) by_index: bool,
    pub(crate) functions: Vec<Arc<Function>>,
    /// Whether an array of a function means several groups.
    pub(crate) multi: bool,
}

impl GroupStage {
    /// The function whose value is the group of a row, if that is all.
    pub(crate) fn only_function(&self) -> Option<&Function> {
        match self.functions.as_slice() {
            [function] if !self.multi && !self.by_index => Some(function),
            _ => None,
        }
    }

    /// Appends the groups of a row to `groups`.
    pub(crate) fn groups(
        &self,
        env: &Arc<Environment>,
        row: &Datum,
        index_value: Option<&Datum>,
        groups: &mut Vec<Datum>,
    ) -> Result<()> {
        let mut parts = Vec::with_capacity(self.functions.len() + 1);
        for function in &self.functions {
            parts.push(match function.datum(env, std::slice::from_ref(row)) {
                Ok(part) => part,
                Err(error) if error.is_absent() => Datum::Null,
                Err(error) => return Err(error),
            });
        }
        if self.by_index {
            parts.push(index_value.cloned().unwrap_or(Datum::Null));
        }
        if parts.iter().any(|part| matches!(part, Datum::MinVal | Datum::MaxVal)) {
            return Err(EvalError::logic("Cannot group by `r.minval` or `r.maxval`."));
        }
        if !self.multi {
            groups.push(one_key(parts));
            return Ok(());
        }
        self.combinations(env, &parts, groups)
    }

    /// Every combination of the parts' elements, each once.
    fn combinations(&self, env: &Arc<Environment>, parts: &[Datum], groups: &mut Vec<Datum>) -> Result<()> {
        let mut keys: Vec<Vec<Datum>> = vec![Vec::new()];
        for part in parts {
            let choices = match part {
                // An empty array stands for a group of its own: null.
                Datum::Array(array) if array.is_empty() => vec![Datum::Null],
                Datum::Array(array) => array.to_vec(),
                other => vec![other.clone()],
            };
            let mut longer = Vec::with_capacity(keys.len() * choices.len());
            for key in &keys {
                for choice in &choices {
                    let mut key = key.clone();
                    key.push(choice.clone());
                    longer.push(key);
                }
            }
            env.check_array_size(longer.len())?;
            keys = longer;
        }
        let mut distinct: Vec<Datum> = keys.into_iter().map(one_key).collect();
        distinct.sort();
        distinct.dedup();
        groups.append(&mut distinct);
        Ok(())
    }
}

fn one_key(mut parts: Vec<Datum>) -> Datum {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            Datum::Array(parts.into())
        }
        (_, None) => Datum::Null,
    }
}

/// Groups as the value that clients know.
pub(crate) fn into_grouped_datum(groups: BTreeMap<Datum, Datum>) -> Datum {
    Datum::Object(groups.into_iter().collect::<Grouped>().into_pseudo_type())
}
