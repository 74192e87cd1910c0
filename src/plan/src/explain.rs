//! A plan made visible: the tree of operations as a value that prints as JSON.

use photondb_datum::{Datum, ObjectBuilder, Text};
use photondb_reql::Determinism;

use crate::expression::{Expression, Operation, Plan, Slot};

/// The whole plan, stage by stage.
pub fn explain(plan: &Plan) -> Datum {
    object([("writes", Datum::Bool(plan.writes)), ("plan", expression(&plan.root))])
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
