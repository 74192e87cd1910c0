//! One description per term of the language; everything that needs to know something
//! about a term reads it here.

use std::fmt;

/// How many positional arguments a term takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arity {
    min: u16,
    max: Option<u16>,
}

impl Arity {
    /// Exactly `count` arguments.
    pub const fn exactly(count: u16) -> Self {
        Self { min: count, max: Some(count) }
    }

    /// From `min` to `max` arguments.
    pub const fn between(min: u16, max: u16) -> Self {
        Self { min, max: Some(max) }
    }

    /// `min` arguments or more.
    pub const fn at_least(min: u16) -> Self {
        Self { min, max: None }
    }

    /// The fewest arguments allowed.
    pub const fn min(self) -> usize {
        self.min as usize
    }

    /// The most arguments allowed; `None` when there is no limit.
    pub const fn max(self) -> Option<usize> {
        match self.max {
            Some(max) => Some(max as usize),
            None => None,
        }
    }

    /// Whether `count` arguments are allowed.
    pub fn contains(self, count: usize) -> bool {
        count >= self.min() && self.max().is_none_or(|max| count <= max)
    }

    /// The error text for a wrong count.
    pub fn mismatch(self, found: usize) -> String {
        format!("Expected {self} but found {found}.")
    }
}

impl fmt::Display for Arity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.max {
            Some(max) if max == self.min => {
                write!(f, "{max} argument{}", if max == 1 { "" } else { "s" })
            }
            Some(max) => write!(f, "between {} and {max} arguments", self.min),
            None => write!(f, "{} or more arguments", self.min),
        }
    }
}

/// What may make two evaluations of the same expression differ. A set: an expression
/// has the union of the sets of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Determinism(u8);

impl Determinism {
    /// The same result everywhere and always.
    pub const ALWAYS: Self = Self(0);
    /// The same result on one server; floating-point libraries may differ between servers.
    pub const SINGLE_SERVER: Self = Self(1);
    /// The same result within one query.
    pub const CONSTANT_NOW: Self = Self(2);
    /// Any result: reads, randomness, the outside world.
    pub const NEVER: Self = Self(4);

    /// The determinism of an expression with both parts.
    #[must_use]
    pub const fn join(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether a secondary index may be built with it.
    pub const fn allows_index(self) -> bool {
        self.0 == 0
    }

    /// Whether an atomic update may use it.
    pub const fn allows_atomic_write(self) -> bool {
        self.0 & !Self::CONSTANT_NOW.0 == 0
    }

    /// Whether everybody who asks this server is told the same, whenever they ask.
    pub const fn allows_sharing(self) -> bool {
        self.0 & !Self::SINGLE_SERVER.0 == 0
    }

    /// Whether evaluation ahead of time gives the value of evaluation later.
    pub const fn allows_folding(self) -> bool {
        self.0 & Self::NEVER.0 == 0
    }
}

/// Whether a term may change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changes nothing.
    Read,
    /// Writes documents or metadata, or waits for the cluster: not allowed inside the
    /// functions of stream operations.
    Write,
}

/// The family of a term: the file of the evaluator and the chapter of the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Literals and constructors.
    Value,
    /// Functions, variables, calls.
    Function,
    /// Branches, logic, errors, types.
    Control,
    /// Comparison.
    Comparison,
    /// Numbers.
    Arithmetic,
    /// Databases, tables and their administration.
    Database,
    /// Secondary indexes.
    Index,
    /// Choosing documents.
    Selection,
    /// Changing documents.
    Write,
    /// Sequence to sequence.
    Transformation,
    /// Sequence to value.
    Aggregation,
    /// Joins.
    Join,
    /// Fields of objects.
    Document,
    /// Arrays as lists and as sets.
    Array,
    /// Strings and what is fetched or made as text.
    String,
    /// Times.
    Time,
    /// Geometry.
    Geography,
}

/// Everything the table knows about one term.
#[derive(Debug)]
pub struct TermInfo {
    /// The term itself.
    pub term: TermType,
    /// Its number on the wire.
    pub id: u16,
    /// Its name in the protocol, `GET_ALL`.
    pub name: &'static str,
    /// Its name as a method of the JavaScript driver, `getAll`.
    pub method: &'static str,
    /// Its positional arguments.
    pub arity: Arity,
    /// The optional arguments it accepts, in the server's spelling. `MAKE_OBJ` takes any.
    pub optargs: &'static [&'static str],
    /// What the term itself contributes to the determinism of an expression.
    pub determinism: Determinism,
    /// Whether it writes.
    pub effect: Effect,
    /// Its family.
    pub family: Family,
    /// How it is written, without its options: `sequence.skip(count) -> sequence`. `...` means
    /// more of the argument before it, a question mark one that may be left out.
    pub signature: &'static str,
    /// One line of documentation.
    pub doc: &'static str,
}

macro_rules! terms {
    ($($family:ident { $(
        $term:ident = $id:literal, $name:literal, $method:literal,
        $arity:ident($($count:literal),+), [$($optarg:literal),*],
        $determinism:ident, $effect:ident, $signature:literal, $doc:literal;
    )+ })+) => {
        /// A term of the language, numbered as on the wire.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum TermType {
            $($(#[doc = $doc] $term = $id,)+)+
        }

        /// All terms, by family.
        pub static TERMS: &[TermInfo] = &[
            $($(TermInfo {
                term: TermType::$term,
                id: $id,
                name: $name,
                method: $method,
                arity: Arity::$arity($($count),+),
                optargs: &[$($optarg),*],
                determinism: Determinism::$determinism,
                effect: Effect::$effect,
                family: Family::$family,
                signature: $signature,
                doc: $doc,
            },)+)+
        ];
    };
}
pub(crate) use terms;

pub use crate::term_table::{TERMS, TermType};

/// One more than the highest number of a term.
const ID_END: usize = 198;
/// Marks a number without a term.
const NO_TERM: u8 = u8::MAX;

/// Position in `TERMS` by number.
static POSITIONS: [u8; ID_END] = positions();

const fn positions() -> [u8; ID_END] {
    let mut positions = [NO_TERM; ID_END];
    let mut position = 0;
    while position < TERMS.len() {
        positions[TERMS[position].id as usize] = position as u8;
        position += 1;
    }
    positions
}

impl TermType {
    /// The term with a wire number.
    pub fn from_id(id: u64) -> Option<Self> {
        let position = *POSITIONS.get(usize::try_from(id).ok()?)?;
        TERMS.get(usize::from(position)).map(|info| info.term)
    }

    /// The term with a protocol name (`GET_ALL`).
    pub fn from_name(name: &str) -> Option<Self> {
        TERMS.iter().find(|info| info.name == name).map(|info| info.term)
    }

    /// The wire number.
    pub const fn id(self) -> u16 {
        self as u16
    }

    /// What the table says.
    pub fn info(self) -> &'static TermInfo {
        &TERMS[usize::from(POSITIONS[self as usize])]
    }

    /// The protocol name, `GET_ALL`.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// What it is a method of by its signature, `r` when it stands at the beginning of a query;
    /// `None` for what has a notation of its own.
    pub fn receiver(self) -> Option<&'static str> {
        let (receiver, rest) = self.info().signature.split_once('.')?;
        let is_word = receiver.bytes().all(|byte| byte.is_ascii_alphabetic());
        (is_word && rest.starts_with(self.info().method)).then_some(receiver)
    }

    /// Whether `name` is an optional argument of this term.
    pub fn accepts_optarg(self, name: &str) -> bool {
        self == Self::MakeObj || self.info().optargs.contains(&name)
    }

    /// Whether writes are forbidden in all arguments but the first, since they would run
    /// once per element.
    pub const fn forbids_nested_writes(self) -> bool {
        matches!(
            self,
            Self::Reduce
                | Self::Map
                | Self::Fold
                | Self::Filter
                | Self::ConcatMap
                | Self::Group
                | Self::InnerJoin
                | Self::OuterJoin
                | Self::EqJoin
                | Self::Update
                | Self::Delete
                | Self::Replace
                | Self::Insert
                | Self::Count
                | Self::Sum
                | Self::Avg
                | Self::Min
                | Self::Max
        )
    }
}

/// The options that a query as a whole accepts, and which every term falls back to.
pub static GLOBAL_OPTARGS: &[&str] = &[
    "_EVAL_FLAGS_",
    "_NO_RECURSE_",
    "_SHORTCUT_",
    "array_limit",
    "attempts",
    "auth",
    "base",
    "binary_format",
    "changefeed_queue_size",
    "conflict",
    "data",
    "db",
    "default",
    "default_timezone",
    "dry_run",
    "durability",
    "emergency_repair",
    "emit",
    "explain",
    "fill",
    "final_emit",
    "first_batch_scaledown_factor",
    "float",
    "geo",
    "geo_system",
    "group_format",
    "header",
    "identifier_format",
    "ignore_write_hook",
    "include_initial",
    "include_offsets",
    "include_states",
    "include_types",
    "index",
    "interleave",
    "left_bound",
    "max_batch_bytes",
    "max_batch_rows",
    "max_batch_seconds",
    "max_dist",
    "max_results",
    "memory_limit",
    "method",
    "min_batch_rows",
    "multi",
    "non_atomic",
    "nonvoting_replica_tags",
    "noreply",
    "num_vertices",
    "ordered",
    "overwrite",
    "page",
    "page_limit",
    "params",
    "primary_key",
    "primary_replica_tag",
    "profile",
    "read_mode",
    "redirects",
    "replicas",
    "result_format",
    "return_changes",
    "return_vals",
    "right_bound",
    "shards",
    "squash",
    "time_format",
    "timeout",
    "ttl",
    "unique",
    "unit",
    "use_outdated",
    "verify",
    "wait_for",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_finds_its_term() {
        for info in TERMS {
            assert_eq!(TermType::from_id(u64::from(info.id)), Some(info.term));
            assert_eq!(TermType::from_name(info.name), Some(info.term));
            assert_eq!(info.term.id(), info.id);
            assert!(std::ptr::eq(info.term.info(), info));
            assert!(info.doc.ends_with('.'));
        }
        for id in [0, 4, 9, 46, 47, 63, 178, 198, 255, 65_536, u64::MAX] {
            assert_eq!(TermType::from_id(id), None, "{id}");
        }
    }

    #[test]
    fn numbers_and_names_are_unique() {
        for (position, info) in TERMS.iter().enumerate() {
            for other in &TERMS[position + 1..] {
                assert_ne!(info.id, other.id);
                assert_ne!(info.name, other.name);
            }
        }
    }

    #[test]
    fn signatures_have_as_many_arguments_as_the_arity_says() {
        for info in TERMS {
            assert!(info.signature.contains(" -> "), "{}", info.signature);
            let Some(receiver) = info.term.receiver() else { continue };
            let inside = info.signature.split_once('(').and_then(|(_, rest)| rest.split_once(')'));
            let arguments: Vec<&str> = inside.map_or(Vec::new(), |(inside, _)| {
                inside.split(", ").filter(|argument| !argument.is_empty()).collect()
            });
            // A query may leave the database out, and some terms what they are called on.
            let own = usize::from(receiver != "r");
            let named = arguments.iter().filter(|argument| **argument != "...");
            let least = named.clone().filter(|argument| !argument.ends_with('?')).count();
            assert!(info.arity.contains(own + named.count()), "{}", info.signature);
            assert!(info.arity.min() <= own + least, "{}", info.signature);
            let is_open = arguments.contains(&"...");
            assert_eq!(info.arity.max().is_none(), is_open, "{}", info.signature);
        }
    }

    #[test]
    fn arity_speaks_as_rethinkdb() {
        let cases = [
            (Arity::exactly(0), 1, "Expected 0 arguments but found 1."),
            (Arity::exactly(1), 2, "Expected 1 argument but found 2."),
            (Arity::between(0, 1), 2, "Expected between 0 and 1 arguments but found 2."),
            (Arity::at_least(3), 2, "Expected 3 or more arguments but found 2."),
        ];
        for (arity, found, text) in cases {
            assert!(!arity.contains(found));
            assert_eq!(arity.mismatch(found), text);
        }
        assert!(Arity::at_least(3).contains(300));
        assert!(Arity::between(0, 1).contains(0));
    }

    #[test]
    fn determinism_joins() {
        let now = Determinism::CONSTANT_NOW;
        assert!(now.allows_atomic_write() && !now.allows_index());
        assert!(!now.join(Determinism::SINGLE_SERVER).allows_atomic_write());
        assert!(!Determinism::NEVER.allows_folding());
        assert!(Determinism::ALWAYS.join(Determinism::ALWAYS).allows_index());
    }

    #[test]
    fn every_optarg_of_a_term_is_also_global() {
        for optarg in TERMS.iter().flat_map(|info| info.optargs) {
            assert!(GLOBAL_OPTARGS.contains(optarg), "{optarg}");
        }
    }
}
