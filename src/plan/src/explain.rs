//! A plan made visible: the tree of operations as a value that prints as JSON.

use photondb_datum::{Datum, ObjectBuilder, Text};
use photondb_reql::{Determinism, TermType, print_term};

use crate::expression::{Call, Expression, Operation, Plan, Slot};

/// The whole plan: the query as text, the stages that rows pass through, and the tree of
/// expressions.
pub fn explain(plan: &Plan) -> Datum {
    let mut stages = Vec::new();
    add_stages(&plan.root, None, &mut stages);
    object([
        ("query", text(&print_term(&plan.ast, plan.ast.root()))),
        ("writes", Datum::Bool(plan.writes)),
        ("determinism", determinism(plan.root.determinism)),
        ("stages", list(stages.into_iter())),
        ("plan", expression(&plan.root)),
    ])
}

/// The calls along the first arguments, the innermost first: the way that rows take.
fn add_stages(e: &Expression, consumer: Option<&Call>, stages: &mut Vec<Datum>) {
    let Operation::Call(call) = &e.operation else { return };
    // `do` takes its function first.
    let input = if call.term == TermType::Funcall { call.arguments.get(1) } else { call.arguments.first() };
    if let Some(input) = input {
        add_stages(input, Some(call), stages);
    }
    stages.push(object([("term", text(call.term.name())), ("does", text(&does(call, consumer)))]));
}

/// What a call does when it runs, in words.
fn does(call: &Call, consumer: Option<&Call>) -> String {
    let index = match call.option("index").map(|index| &index.operation) {
        Some(Operation::Constant(name)) => name.as_str().map(str::to_owned),
        Some(Operation::Call(order)) => match order.arguments.first().map(|first| &first.operation) {
            Some(Operation::Constant(name)) => name.as_str().map(str::to_owned),
            _ => None,
        },
        _ => None,
    };
    let through = match &index {
        Some(index) => format!("the index `{index}`"),
        None => "the primary key".to_owned(),
    };
    match call.term {
        TermType::Table => match consumer.map(|consumer| consumer.term) {
            Some(TermType::Get | TermType::GetAll | TermType::Between | TermType::Insert) => {
                "names the table".to_owned()
            }
            Some(TermType::Count) => "counts from the counted tree, reading no row".to_owned(),
            Some(TermType::OrderBy) if consumer.is_some_and(|c| c.option("index").is_some()) => {
                "names the table".to_owned()
            }
            _ => "reads every row, in the order of the primary key".to_owned(),
        },
        TermType::Get => "reads one row by the primary key".to_owned(),
        TermType::GetAll => format!("reads the rows of these keys through {through}"),
        TermType::Between => format!("reads a range of {through}"),
        TermType::OrderBy if index.is_some() => format!("reads in the order of {through}"),
        TermType::OrderBy => match consumer.map(|consumer| consumer.term) {
            Some(TermType::Limit) => "keeps the first rows in a heap of the limit's size".to_owned(),
            _ => "sorts all rows in memory".to_owned(),
        },
        TermType::EqJoin => {
            format!("looks the keys of many rows up together through {through} of the other table")
        }
        TermType::InnerJoin | TermType::OuterJoin => {
            "compares each row with each of the other sequence".to_owned()
        }
        TermType::Filter | TermType::Map | TermType::ConcatMap | TermType::Pluck | TermType::Without => {
            "runs on each row beside the documents".to_owned()
        }
        TermType::Group => "keeps a partial result per group".to_owned(),
        TermType::Count
        | TermType::Sum
        | TermType::Avg
        | TermType::Min
        | TermType::Max
        | TermType::Reduce => "reduces the rows to one value beside the documents".to_owned(),
        term => term.info().doc.trim_end_matches('.').to_lowercase(),
    }
}

fn expression(e: &Expression) -> Datum {
    match &e.operation {
        Operation::Constant(datum) => object([("constant", datum.clone())]),
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
