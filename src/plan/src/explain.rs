//! A plan made visible: the tree of operations as a value that prints as JSON.

use photondb_datum::{Datum, ObjectBuilder, Text};
use photondb_reql::{Determinism, Family, TermType, print_term};

use crate::expression::{Call, Expression, Operation, Plan, Slot};

/// Says how a table is read whose rows go through nothing but filters, if not as a whole.
pub type ChosenRead<'a> = &'a dyn Fn(&Expression) -> Option<String>;

/// The whole plan: the query as text, the stages that rows pass through, and the tree of
/// expressions.
pub fn explain(plan: &Plan, chosen: ChosenRead<'_>) -> Datum {
    let mut stages = Vec::new();
    add_stages(&plan.root, None, chosen, &mut stages);
    object([
        ("query", text(&print_term(&plan.ast, plan.ast.root()))),
        ("writes", Datum::Bool(plan.writes)),
        ("determinism", determinism(plan.root.determinism)),
        ("stages", list(stages.into_iter())),
        ("plan", expression(&plan.root)),
    ])
}

/// The calls along the first arguments, the innermost first: the way that rows take. Tells
/// whether the rows are still where the documents are.
fn add_stages(
    e: &Expression,
    consumer: Option<&Call>,
    chosen: ChosenRead<'_>,
    stages: &mut Vec<Datum>,
) -> bool {
    let Operation::Call(call) = &e.operation else { return false };
    // `do` takes its function first.
    let input = if call.term == TermType::Funcall { call.arguments.get(1) } else { call.arguments.first() };
    let beside = input.is_some_and(|input| add_stages(input, Some(call), chosen, stages));
    stages.push(stage(call.term, &does(call, consumer, beside)));
    if !consumer.is_some_and(is_plain_filter)
        && let Some(filters) = filters_over_table(call)
        && let Some(read) = chosen(e)
        && let Some(table) = stages.iter_mut().rev().nth(filters)
    {
        *table = stage(TermType::Table, &read);
    }
    match call.term {
        TermType::Table => true,
        TermType::GetAll | TermType::Between | TermType::Group => beside,
        TermType::OrderBy => beside && call.option("index").is_some(),
        _ => beside && is_per_row(call),
    }
}

fn stage(term: TermType, does: &str) -> Datum {
    object([("term", text(term.name())), ("does", text(does))])
}

/// The number of filters, if a call is nothing but filters over a table.
fn filters_over_table(call: &Call) -> Option<usize> {
    let input = call.arguments.first().map(|input| &input.operation);
    let Some(Operation::Call(input)) = input.filter(|_| is_plain_filter(call)) else { return None };
    if input.term == TermType::Table { Some(1) } else { filters_over_table(input).map(|inner| inner + 1) }
}

fn is_plain_filter(call: &Call) -> bool {
    call.term == TermType::Filter && call.options.is_empty()
}

/// Whether a call, given rows of a table, does something to each of them by itself.
fn is_per_row(call: &Call) -> bool {
    match call.term {
        TermType::Map => call.arguments.len() == 2,
        TermType::Filter
        | TermType::ConcatMap
        | TermType::Pluck
        | TermType::Without
        | TermType::Merge
        | TermType::HasFields
        | TermType::WithFields
        | TermType::GetField => true,
        _ => false,
    }
}

/// Whether a call wants its table or range named rather than read.
fn names_only(call: &Call) -> bool {
    match call.term {
        TermType::Get
        | TermType::GetAll
        | TermType::Between
        | TermType::GetIntersecting
        | TermType::GetNearest
        | TermType::Insert
        | TermType::Changes
        | TermType::Info => true,
        TermType::Count => is_of_table_alone(call),
        TermType::Min | TermType::Max => reads_end(call),
        TermType::OrderBy | TermType::Distinct => call.option("index").is_some(),
        term => matches!(term.info().family, Family::Database | Family::Index),
    }
}

/// Whether the least or the greatest row is one that an index knows.
fn reads_end(call: &Call) -> bool {
    call.option("index").is_some() || is_of_table_alone(call)
}

/// Whether a call has a table or a range of one as its only argument.
fn is_of_table_alone(call: &Call) -> bool {
    let input = call.arguments.first().map(|input| &input.operation);
    let of_table =
        |input: &Call| matches!(input.term, TermType::Table | TermType::GetAll | TermType::Between);
    call.arguments.len() == 1 && matches!(input, Some(Operation::Call(input)) if of_table(input))
}

/// The index that a call reads through, by name.
fn index_of(call: &Call) -> Option<&str> {
    let name = match &call.option("index")?.operation {
        Operation::Call(order) => &order.arguments.first()?.operation,
        other => other,
    };
    match name {
        Operation::Constant(name) => name.as_str(),
        _ => None,
    }
}

/// What a call does when it runs, in words.
fn does(call: &Call, consumer: Option<&Call>, beside: bool) -> String {
    let index = index_of(call);
    let through = index.map_or_else(|| "the primary key".to_owned(), |index| format!("the index `{index}`"));
    let named = consumer.is_some_and(names_only);
    match call.term {
        TermType::Table if named => "names the table".to_owned(),
        TermType::Table => "reads every row, in the order of the primary key".to_owned(),
        TermType::Get => "reads one row by the primary key".to_owned(),
        TermType::GetAll | TermType::Between if named => format!("names a range of {through}"),
        TermType::GetAll => format!("reads the rows of these keys through {through}"),
        TermType::Between => format!("reads a range of {through}"),
        TermType::OrderBy if index.is_some() => format!("reads in the order of {through}"),
        TermType::OrderBy => match consumer.map(|consumer| consumer.term) {
            Some(TermType::Limit) => "keeps the first rows in a heap of the limit's size".to_owned(),
            _ => "sorts all rows in memory".to_owned(),
        },
        TermType::Distinct if index.is_some() => format!("reads the values of {through}"),
        TermType::Min | TermType::Max if reads_end(call) => format!("reads one row at an end of {through}"),
        TermType::EqJoin => {
            format!("looks the keys of many rows up together through {through} of the other table")
        }
        TermType::InnerJoin | TermType::OuterJoin => {
            "compares each row with each of the other sequence".to_owned()
        }
        _ if beside && is_per_row(call) => "runs on each row beside the documents".to_owned(),
        TermType::Group => "keeps a partial result per group".to_owned(),
        TermType::Count if is_of_table_alone(call) => {
            "counts from the counted tree, reading no row".to_owned()
        }
        TermType::Count
        | TermType::Sum
        | TermType::Avg
        | TermType::Min
        | TermType::Max
        | TermType::Reduce
            if beside =>
        {
            "reduces the rows to one value beside the documents, many rows in parts side by side".to_owned()
        }
        term => term.info().doc.trim_end_matches('.').to_lowercase(),
    }
}

fn expression(e: &Expression) -> Datum {
    match &e.operation {
        Operation::Constant(datum) => object([("constant", datum.clone())]),
        Operation::Placeholder(n) => object([("placeholder", Datum::Number(f64::from(*n)))]),
        Operation::Variable(Slot::Parameter(n)) => object([("parameter", Datum::Number(f64::from(*n)))]),
        Operation::Variable(Slot::Capture(n)) => object([("capture", Datum::Number(f64::from(*n)))]),
        Operation::Function(template) => object([
            ("parameters", Datum::Number(template.parameters.len() as f64)),
            ("captures", Datum::Number(template.captures.len() as f64)),
            ("determinism", determinism(template.body.determinism)),
            ("body", expression(&template.body)),
        ]),
        Operation::Call(call) => {
            let mut builder = ObjectBuilder::new();
            builder.insert(Text::from("term"), text(call.term.info().name));
            if !call.arguments.is_empty() {
                builder.insert(Text::from("arguments"), list(call.arguments.iter().map(expression)));
            }
            if !call.options.is_empty() {
                let mut options = ObjectBuilder::new();
                for (name, option) in &call.options {
                    options.insert(name.clone(), expression(option));
                }
                builder.insert(Text::from("options"), Datum::Object(options.build()));
            }
            Datum::Object(builder.build())
        }
    }
}

/// How far a function's value may be relied on.
fn determinism(determinism: Determinism) -> Datum {
    text(if determinism == Determinism::ALWAYS {
        "always the same"
    } else if determinism.allows_atomic_write() {
        "the same within one query"
    } else if determinism.allows_folding() {
        "the same on one server"
    } else {
        "never the same"
    })
}

fn object<const N: usize>(fields: [(&str, Datum); N]) -> Datum {
    let mut builder = ObjectBuilder::new();
    for (name, value) in fields {
        builder.insert(Text::from(name), value);
    }
    Datum::Object(builder.build())
}

fn list(items: impl Iterator<Item = Datum>) -> Datum {
    Datum::Array(items.collect())
}

fn text(text: &str) -> Datum {
    Datum::String(Text::from(text))
}
