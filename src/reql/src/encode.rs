//! Trees back to their JSON wire form.

use std::collections::HashMap;

use photondb_datum::{Datum, Text, json};

use crate::shape::{BLANKS_MAX, TEXT_BYTES_MAX, takes_value};
use crate::{Ast, Node, TermId, TermType};

/// A subtree as a driver would send it. Decoding it gives the same tree.
pub fn encode(ast: &Ast, id: TermId) -> Vec<u8> {
    let mut out = Vec::new();
    write_node(ast, id, &mut Form::plain(), &mut out);
    out
}

/// A whole START query, `[1, term, options]`.
pub fn encode_query(ast: &Ast, root: TermId, optargs: &[(Text, TermId)]) -> Vec<u8> {
    let mut out = b"[1,".to_vec();
    write_node(ast, root, &mut Form::plain(), &mut out);
    if !optargs.is_empty() {
        out.push(b',');
        write_optargs(ast, optargs, &mut Form::plain(), &mut out);
    }
    out.push(b']');
    out
}

/// [`encode`] with the variables numbered in the order in which they occur. Drivers number
/// the variables of all their queries on; this form is the same whenever the query is sent.
pub fn encode_canonical(ast: &Ast, id: TermId) -> Vec<u8> {
    let mut out = Vec::new();
    write_node(ast, id, &mut Form::canonical(), &mut out);
    out
}

/// [`encode_canonical`] with the values left blank that nobody looks at before they are evaluated,
/// and the nodes of these values in the order of the text. What has the same text differs in them
/// only. `None` when there is so much of it that it is unlikely to come again.
pub fn encode_canonical_shape(ast: &Ast, id: TermId) -> Option<(Vec<u8>, Vec<TermId>)> {
    let mut form = Form { blanks: Some(Vec::new()), ..Form::canonical() };
    let mut out = Vec::new();
    write_node(ast, id, &mut form, &mut out);
    let blanks = form.blanks.unwrap_or_default();
    (blanks.len() <= BLANKS_MAX && out.len() <= TEXT_BYTES_MAX).then_some((out, blanks))
}

/// Appends a value as it stands in a query.
pub fn encode_value(value: &Datum, out: &mut Vec<u8>) {
    write_literal(value, out);
}

/// How a tree is written.
struct Form {
    names: Names,
    /// The values that were left blank, if any are.
    blanks: Option<Vec<TermId>>,
}

impl Form {
    fn plain() -> Self {
        Self { names: Names::Kept, blanks: None }
    }

    fn canonical() -> Self {
        Self { names: Names::Counted(HashMap::new()), blanks: None }
    }
}

/// What becomes of the numbers of variables.
enum Names {
    Kept,
    /// Numbers as they were, and in the order of their occurrence.
    Counted(HashMap<u64, usize>),
}

impl Names {
    /// Writes the number of a variable. Another value in its place is written as it is.
    fn write(&mut self, number: &Datum, out: &mut Vec<u8>) {
        match (self, number) {
            (Self::Counted(names), Datum::Number(number)) => {
                let next = names.len();
                let count = *names.entry(number.to_bits()).or_insert(next);
                out.extend_from_slice(count.to_string().as_bytes());
            }
            (_, other) => write_literal(other, out),
        }
    }
}

fn write_node(ast: &Ast, id: TermId, form: &mut Form, out: &mut Vec<u8>) {
    match ast.node(id) {
        Node::Constant(value) => write_literal(value, out),
        Node::Term { term: term @ (TermType::Var | TermType::Func), args, .. }
            if matches!(form.names, Names::Counted(_)) =>
        {
            write_function(ast, *term, args, form, out);
        }
        Node::Term { term: TermType::MakeObj, args, optargs } if args.is_empty() => {
            write_fields(ast, optargs, true, form, out);
        }
        Node::Term { term, args, optargs } => {
            out.push(b'[');
            out.extend_from_slice(term.id().to_string().as_bytes());
            if !args.is_empty() || !optargs.is_empty() || *term == TermType::MakeArray {
                out.extend_from_slice(b",[");
                for (position, arg) in args.iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    write_part(ast, *arg, takes_blank(*term, position), form, out);
                }
                out.push(b']');
            }
            if !optargs.is_empty() {
                out.push(b',');
                write_optargs(ast, optargs, form, out);
            }
            out.push(b']');
        }
    }
}

/// Whether an argument of a term may be left blank. The object that a filter compares rows with
/// may be, too: only whether a query is cheap depends on it.
fn takes_blank(term: TermType, position: usize) -> bool {
    takes_value(term, position) || (term, position) == (TermType::Filter, 1)
}

/// A part of a term; a literal may be left blank where that is allowed. How it begins shows.
fn write_part(ast: &Ast, id: TermId, may_be_blank: bool, form: &mut Form, out: &mut Vec<u8>) {
    match (ast.constant(id), &mut form.blanks) {
        (Some(value), Some(blanks)) if may_be_blank => {
            blanks.push(id);
            // No JSON has these.
            out.extend_from_slice(match value {
                Datum::Object(_) => b"?{",
                Datum::Array(_) => b"?[",
                _ => b"?",
            });
        }
        _ => write_node(ast, id, form, out),
    }
}

/// A variable or a function, whose first argument is a number or an array of them.
fn write_function(ast: &Ast, term: TermType, args: &[TermId], form: &mut Form, out: &mut Vec<u8>) {
    out.push(b'[');
    out.extend_from_slice(term.id().to_string().as_bytes());
    for (position, arg) in args.iter().enumerate() {
        out.extend_from_slice(if position == 0 { b",[" } else { b"," });
        match ast.node(*arg) {
            Node::Constant(Datum::Array(numbers)) if position == 0 => {
                for number in numbers.iter() {
                    form.names.write(&number, out);
                    out.push(b' ');
                }
            }
            Node::Constant(number) if position == 0 => form.names.write(number, out),
            Node::Term { term: TermType::MakeArray, args: numbers, .. } if position == 0 => {
                for number in numbers {
                    match ast.constant(*number) {
                        Some(number) => form.names.write(number, out),
                        None => write_node(ast, *number, form, out),
                    }
                    out.push(b' ');
                }
            }
            _ => write_node(ast, *arg, form, out),
        }
    }
    out.extend_from_slice(b"]]");
}

fn write_optargs(ast: &Ast, optargs: &[(Text, TermId)], form: &mut Form, out: &mut Vec<u8>) {
    write_fields(ast, optargs, false, form, out);
}

/// Optional arguments, or the fields of an object, whose values may be left blank.
fn write_fields(
    ast: &Ast,
    fields: &[(Text, TermId)],
    may_be_blank: bool,
    form: &mut Form,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    for (position, (name, value)) in fields.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        json::write_string(name.as_str(), out);
        out.push(b':');
        write_part(ast, *value, may_be_blank, form, out);
    }
    out.push(b'}');
}

/// Scalars stand for themselves; an array would read as a term, so that anything it may be
/// in is marked as a value.
fn write_literal(value: &Datum, out: &mut Vec<u8>) {
    let marked = matches!(value, Datum::Array(_) | Datum::Object(_));
    let start = out.len();
    if marked {
        out.extend_from_slice(b"[1,");
    }
    if json::write(value, out).is_err() {
        out.truncate(start);
        write_extremes(value, out);
    } else if marked {
        out.push(b']');
    }
}

/// What JSON cannot say, minval and maxval, is said by terms.
fn write_extremes(value: &Datum, out: &mut Vec<u8>) {
    match value {
        Datum::MinVal => out.extend_from_slice(b"[180]"),
        Datum::MaxVal => out.extend_from_slice(b"[181]"),
        Datum::Array(items) => {
            out.extend_from_slice(b"[2,[");
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                write_literal(&item, out);
            }
            out.extend_from_slice(b"]]");
        }
        Datum::Object(fields) => {
            out.push(b'{');
            for (position, (name, field)) in fields.iter().enumerate() {
                if position > 0 {
                    out.push(b',');
                }
                json::write_string(name.as_str(), out);
                out.push(b':');
                write_literal(&field, out);
            }
            out.push(b'}');
        }
        // Everything else is JSON.
        _ => out.extend_from_slice(b"null"),
    }
}
