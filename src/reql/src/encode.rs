//! Trees back to their JSON wire form.

use photondb_datum::{Datum, Text, json};

use crate::{Ast, Node, TermId, TermType};

/// A subtree as a driver would send it. Decoding it gives the same tree.
pub fn encode(ast: &Ast, id: TermId) -> Vec<u8> {
    let mut out = Vec::new();
    write_node(ast, id, &mut out);
    out
}

/// A whole START query, `[1, term, options]`.
pub fn encode_query(ast: &Ast, root: TermId, optargs: &[(Text, TermId)]) -> Vec<u8> {
    let mut out = b"[1,".to_vec();
    write_node(ast, root, &mut out);
    if !optargs.is_empty() {
        out.push(b',');
        write_optargs(ast, optargs, &mut out);
    }
    out.push(b']');
    out
}

fn write_node(ast: &Ast, id: TermId, out: &mut Vec<u8>) {
    match ast.node(id) {
        Node::Constant(value) => write_literal(value, out),
        Node::Term { term: TermType::MakeObj, args, optargs } if args.is_empty() => {
            write_optargs(ast, optargs, out);
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
                    write_node(ast, *arg, out);
                }
                out.push(b']');
            }
            if !optargs.is_empty() {
                out.push(b',');
                write_optargs(ast, optargs, out);
            }
            out.push(b']');
        }
    }
}

fn write_optargs(ast: &Ast, optargs: &[(Text, TermId)], out: &mut Vec<u8>) {
    out.push(b'{');
    for (position, (name, value)) in optargs.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        json::write_string(name.as_str(), out);
        out.push(b':');
        write_node(ast, *value, out);
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
