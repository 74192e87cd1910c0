//! A query under construction, in two forms that must have the same answer.

use photondb_client::Term;
use photondb_reql::TermType;

use crate::expression::Kind;

/// What the elements of a sequence are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Documents of the table with their primary key, perhaps with more or fewer fields.
    Row,
    /// Values of one kind.
    Value(Kind),
}

/// Whether the order of the elements is part of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All ways give the same order.
    Total,
    /// Any order is right.
    Bag,
}

/// A query in two forms.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Over a table, by its indexes.
    pub direct: Term,
    /// Over an array, without them.
    pub plain: Term,
    /// What it is a sequence of.
    pub shape: Shape,
    /// How to compare answers.
    pub order: Order,
    /// Elements behind an error may be left unread, so that one way may fail and another
    /// one not.
    pub short_circuits: bool,
    /// Elements were read in an order that is up to the way, so that any of several
    /// errors may come first.
    pub any_error: bool,
    /// How many terms were applied that may raise an error.
    pub stages: usize,
    /// It is a sequence still, which may be answered as a stream or as one array.
    pub is_sequence: bool,
}

impl Draft {
    /// A draft of two sequences of rows.
    pub fn rows(direct: Term, plain: Term, order: Order) -> Self {
        Self {
            direct,
            plain,
            shape: Shape::Row,
            order,
            short_circuits: false,
            any_error: order == Order::Bag,
            stages: 0,
            is_sequence: true,
        }
    }

    /// Appends the same term to both forms.
    pub fn apply(&mut self, term: TermType, rest: &[Term], options: &[(&str, Term)]) {
        self.stages += 1;
        for form in [&mut self.direct, &mut self.plain] {
            let mut args = vec![form.clone()];
            args.extend_from_slice(rest);
            *form = Term::call(term, &args, options);
        }
    }

    /// The same with a shape of its own.
    pub fn apply_into(&mut self, term: TermType, rest: &[Term], shape: Shape) {
        self.apply(term, rest, &[]);
        self.shape = shape;
    }

    /// Whether terms may be applied for which the order matters.
    pub fn is_ordered(&self) -> bool {
        self.order == Order::Total
    }
}
