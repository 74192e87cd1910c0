//! Sequences that are watched for a profile: meters between their stages, and one around
//! their stream.

use std::sync::Arc;

use photondb_datum::Datum;
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::Result;
use crate::profile::{Profiler, SequenceMeter};
use crate::sequence::open::RowStream;
use crate::sequence::{Sequence, Source, Stage, Terminal};

impl Sequence {
    /// Puts meters between the stages, for a sequence that `parts` streams read.
    pub(crate) fn meter(
        &mut self,
        env: &Environment,
        profiler: &Profiler,
        terminal: Option<&Terminal>,
        parts: usize,
    ) -> Arc<SequenceMeter> {
        let meter = profiler.sequence(self.site, || {
            let names = (0..self.stages.len()).map(|position| self.stage_name(env, position));
            let names = names.chain(terminal.map(|terminal| terminal.name().to_owned()));
            let meter = SequenceMeter::new(self.source.description(), names.collect(), parts);
            if matches!(self.source, Source::Table(_) | Source::Refined(..)) {
                meter.of_table()
            } else {
                meter
            }
        });
        meter.open();
        if self.stages.is_empty() && terminal.is_none() {
            return meter;
        }
        let stages = std::mem::take(&mut self.stages);
        for (position, stage) in stages.into_iter().enumerate() {
            self.stages.push(Stage::Meter(Arc::clone(&meter), position));
            self.stages.push(stage);
        }
        self.stages.push(Stage::Meter(Arc::clone(&meter), self.stages.len() / 2));
        meter
    }

    /// The term that a stage comes from.
    fn stage_name(&self, env: &Environment, position: usize) -> String {
        if let Some(site) = self.stage_sites.get(position) {
            return env.ast.term_type(*site).info().method.to_owned();
        }
        let kind = match self.stages.get(position) {
            Some(Stage::Filter { .. }) => "filter",
            Some(Stage::ConcatMap(_)) => "concatMap",
            Some(Stage::Group(_)) => "group",
            _ => "map",
        };
        kind.to_owned()
    }
}

impl Source {
    fn description(&self) -> String {
        match self {
            Self::Items(_) => "Reading an array.".to_owned(),
            Self::Table(read) | Self::Refined(read, _) => {
                let table = read.table.full_name();
                match &read.index {
                    Some(index) => format!("Reading table `{table}` through index `{}`.", index.name),
                    None => format!("Reading table `{table}`."),
                }
            }
            Self::Range(..) => "Reading a range.".to_owned(),
            Self::Union(..) => "Reading a union.".to_owned(),
            Self::Window { .. } => "Reading a part of a sequence.".to_owned(),
            Self::Zip(..) => "Reading sequences side by side.".to_owned(),
            Self::Stream(_) => "Reading a stream.".to_owned(),
            Self::Feed(_) => "Reading a changefeed.".to_owned(),
        }
    }
}

impl Terminal {
    fn name(&self) -> &'static str {
        match self {
            Self::Collect => "array",
            Self::Count => "count",
            Self::Sum(_) => "sum",
            Self::Average(_) => "avg",
            Self::Extreme { maximum: true, .. } => "max",
            Self::Extreme { .. } => "min",
            Self::Reduce(_) => "reduce",
            Self::Distinct => "distinct",
            Self::First(_) => "limit",
        }
    }
}

/// A stream whose batches are counted and timed.
pub(crate) struct MeteredStream {
    stream: Box<dyn RowStream>,
    meter: Arc<SequenceMeter>,
    part: usize,
}

impl MeteredStream {
    pub(crate) fn new(stream: Box<dyn RowStream>, meter: Arc<SequenceMeter>, part: usize) -> Self {
        Self { stream, meter, part }
    }
}

impl RowStream for MeteredStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        match self.meter.stream(self.part) {
            Some(meter) => meter.batch(out, |out| self.stream.next_batch(budget, out)),
            None => self.stream.next_batch(budget, out),
        }
    }

    fn skip(&mut self, env: &Arc<Environment>, count: u64, surplus: &mut Vec<Datum>) -> Result<u64> {
        match self.meter.stream(self.part) {
            Some(meter) => meter.batch(surplus, |surplus| self.stream.skip(env, count, surplus)),
            None => self.stream.skip(env, count, surplus),
        }
    }
}
