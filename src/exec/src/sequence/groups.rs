//! What groups come to: their values in memory, or, when they are too many for it, as a stream
//! that is merged from runs on disk.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use photondb_datum::{Datum, DatumRef};
use photondb_reql::TermId;
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::Result;
use crate::function::{Function, NativeFunction};
use crate::memory::{Purpose, Reservation};
use crate::row_expression::{Answer, Untold};
use crate::sequence::open::{INNER_BUDGET, RowStream};
use crate::sequence::sources::MergeStream;
use crate::sequence::terminal::{Partial, Terminal, mismatch};
use crate::sequence::{Batch, into_grouped_datum};
use crate::sort::{Sorter, Taken};
use crate::terms::order::OrderKeys;

/// The groups of a sequence and their values.
pub(crate) enum Groups {
    Few(BTreeMap<Datum, Datum>),
    /// Pairs of group and value, in the order of the groups.
    Many(Box<dyn RowStream>),
}

impl Groups {
    /// All of them in memory, if there is enough.
    pub(crate) fn collect(self, env: &Arc<Environment>) -> Result<BTreeMap<Datum, Datum>> {
        let mut stream = match self {
            Self::Few(groups) => return Ok(groups),
            Self::Many(stream) => stream,
        };
        let (mut groups, mut memory) = (BTreeMap::new(), Reservation::new(Purpose::Groups));
        let mut pairs = Vec::new();
        loop {
            env.check_cancelled()?;
            let more = stream.next_batch(&INNER_BUDGET, &mut pairs)?;
            for pair in pairs.drain(..) {
                memory.grow(&env.memory, size_of::<Datum>() + pair.unguarded_bytes())?;
                let (group, value) = split(&pair)?;
                groups.insert(group, value);
            }
            if !more {
                return Ok(groups);
            }
        }
    }

    /// The value that clients know as grouped data.
    pub(crate) fn into_datum(self, env: &Arc<Environment>) -> Result<Datum> {
        Ok(into_grouped_datum(self.collect(env)?))
    }

    /// Pairs of group and value as rows.
    pub(crate) fn into_stream(self) -> Box<dyn RowStream> {
        match self {
            Self::Few(groups) => Box::new(FewGroups(groups.into_iter())),
            Self::Many(stream) => stream,
        }
    }
}

/// What a part of the rows came to: pairs of group and partial result, several for a group when
/// the table of groups had become too large meanwhile.
pub(crate) type GroupPart = Taken;

/// Takes the pairs that a part of the rows gives, `parts` of them at the same time.
pub(crate) fn drain(
    env: &Arc<Environment>,
    site: TermId,
    parts: usize,
    mut stream: Box<dyn RowStream>,
) -> Result<GroupPart> {
    let bytes_max = env.memory.sort_bytes_max() / parts.max(1);
    let mut sorter = Sorter::new(Arc::clone(env), by_group(site), Purpose::Groups, bytes_max);
    let mut pairs = Vec::new();
    loop {
        let more = stream.next_batch(&INNER_BUDGET, &mut pairs)?;
        for pair in pairs.drain(..) {
            sorter.push(pair)?;
        }
        if !more {
            return sorter.finish_unsorted();
        }
        env.check_cancelled()?;
    }
}

/// The values of the groups of all parts.
pub(crate) fn finish(
    env: &Arc<Environment>,
    site: TermId,
    terminal: &Terminal,
    parts: Vec<GroupPart>,
) -> Result<Groups> {
    if parts.iter().all(|part| matches!(part, Taken::Rows(..))) {
        return finish_few(env, terminal, parts).map(Groups::Few);
    }
    let order = Arc::new(by_group(site));
    let streams = parts.into_iter().map(|part| part.into_stream(env, &order)).collect::<Result<Vec<_>>>()?;
    Ok(Groups::Many(Box::new(MergedGroups {
        env: Arc::clone(env),
        terminal: terminal.clone(),
        partials: MergeStream::new(Arc::clone(env), streams, order),
        current: None,
        more: true,
    })))
}

fn finish_few(
    env: &Arc<Environment>,
    terminal: &Terminal,
    parts: Vec<GroupPart>,
) -> Result<BTreeMap<Datum, Datum>> {
    let mut groups: BTreeMap<Datum, Partial> = BTreeMap::new();
    let mut held = Vec::new();
    for part in parts {
        let Taken::Rows(pairs, memory) = part else { return Err(mismatch()) };
        held.push(memory);
        for pair in pairs {
            let (group, partial) = split(&pair)?;
            let partial = terminal.partial(partial)?;
            match groups.entry(group) {
                Entry::Vacant(entry) => {
                    entry.insert(partial);
                }
                Entry::Occupied(entry) => {
                    let (group, left) = entry.remove_entry();
                    groups.insert(group, terminal.merge(env, left, partial)?);
                }
            }
        }
    }
    let mut answers = BTreeMap::new();
    for (group, partial) in groups {
        if let Some(answer) = value(terminal, partial)? {
            answers.insert(group, answer);
        }
    }
    Ok(answers)
}

/// The value of a group. One none of whose rows counted is left out rather than an error.
fn value(terminal: &Terminal, partial: Partial) -> Result<Option<Datum>> {
    match terminal.finish(partial) {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}

fn split(pair: &Datum) -> Result<(Datum, Datum)> {
    let Datum::Array(pair) = pair else { return Err(mismatch()) };
    pair.get(0).zip(pair.get(1)).ok_or_else(mismatch)
}

/// Orders pairs by their group.
fn by_group(site: TermId) -> OrderKeys {
    OrderKeys::ascending(Arc::new(Function::native(Arc::new(First), site)))
}

/// The first element of an array.
struct First;

impl NativeFunction for First {
    fn call(&self, _env: &Arc<Environment>, arguments: &[Datum]) -> Result<Datum> {
        split(arguments.first().ok_or_else(mismatch)?).map(|(group, _)| group)
    }

    fn answer<'a>(&'a self, rows: &[DatumRef<'a>]) -> Answer<'a> {
        rows.first().and_then(|row| row.as_array()?.get(0)).ok_or(Untold::Unsure)
    }
}

/// Groups that are in memory.
struct FewGroups(std::collections::btree_map::IntoIter<Datum, Datum>);

impl RowStream for FewGroups {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let mut batch = Batch::begin(budget, out);
        for (group, value) in self.0.by_ref() {
            out.push(Datum::from(vec![group, value]));
            if batch.is_full(out) {
                break;
            }
        }
        Ok(self.0.len() > 0)
    }
}

/// Partial results in the order of their groups become values.
struct MergedGroups {
    env: Arc<Environment>,
    terminal: Terminal,
    partials: MergeStream,
    /// The group that partial results are merged of.
    current: Option<(Datum, Partial)>,
    more: bool,
}

impl MergedGroups {
    fn finish_current(&mut self, out: &mut Vec<Datum>) -> Result<()> {
        if let Some((group, partial)) = self.current.take()
            && let Some(answer) = value(&self.terminal, partial)?
        {
            out.push(Datum::from(vec![group, answer]));
        }
        Ok(())
    }
}

impl RowStream for MergedGroups {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        let mut batch = Batch::begin(budget, out);
        let mut pairs = Vec::new();
        while self.more && !batch.is_full(out) {
            self.env.check_cancelled()?;
            self.more = self.partials.next_batch(budget, &mut pairs)?;
            for pair in pairs.drain(..) {
                let (group, partial) = split(&pair)?;
                let partial = self.terminal.partial(partial)?;
                let partial = match self.current.take() {
                    Some((current, left)) if current == group => {
                        self.terminal.merge(&self.env, left, partial)?
                    }
                    current => {
                        self.current = current;
                        self.finish_current(out)?;
                        partial
                    }
                };
                self.current = Some((group, partial));
            }
        }
        if !self.more {
            self.finish_current(out)?;
        }
        Ok(self.more)
    }
}
