//! Which queries are begun on the thread that they arrived on.
//!
//! Only terms are looked at here, so this is a guess: what is let through is probably short.
//! How much a query really reads is watched while it runs, see [`photondb_base::prompt`].

use photondb_base::limits::PROMPT_ROWS_MAX;
use photondb_datum::Datum;
use photondb_reql::{Ast, Family, Node, TermId, TermType};

/// Terms of a query that is begun where it arrived.
const TERMS_MAX: usize = 64;

/// Whether a query is probably short: few terms, no loops but over few rows of tables.
pub(crate) fn is_cheap(ast: &Ast) -> bool {
    ast.len() <= TERMS_MAX && is_short(ast, ast.root())
}

/// Whether a term gives a value, or probably few rows.
fn is_short(ast: &Ast, id: TermId) -> bool {
    let Node::Term { term, args, optargs } = ast.node(id) else { return true };
    let first = args.first().copied();
    let rest = |from: usize| args.iter().skip(from).all(|arg| is_short(ast, *arg));
    let args_are_short = match term {
        TermType::Javascript | TermType::Http | TermType::ForEach | TermType::Info => false,
        TermType::Get | TermType::GetAll | TermType::Between => is_table(ast, first) && rest(1),
        TermType::Update | TermType::Replace | TermType::Delete => {
            first.is_some_and(|first| ast.term_type(first) == TermType::Get) && rest(0)
        }
        TermType::Insert => {
            is_table(ast, first) && args.get(1).is_some_and(|arg| is_small_literal(ast, *arg)) && rest(1)
        }
        TermType::EqJoin => {
            args.len() == 3
                && is_short_rows(ast, first)
                && is_short(ast, args[1])
                && is_table(ast, args.get(2).copied())
        }
        TermType::Limit => {
            let few = args.get(1).and_then(|arg| ast.constant(*arg)?.as_number());
            let few = few.is_some_and(|few| few <= PROMPT_ROWS_MAX as f64);
            (is_short_rows(ast, first) || few && is_lazy(ast, first)) && rest(1)
        }
        // These count, or read one row.
        TermType::Count if args.len() == 1 => is_short_rows(ast, first) || is_lazy(ast, first),
        TermType::Nth | TermType::IsEmpty => (is_short_rows(ast, first) || is_lazy(ast, first)) && rest(1),
        TermType::Db | TermType::Asc | TermType::Desc => rest(0),
        term if is_of_rows(*term) => is_short_rows(ast, first) && rest(1),
        term => is_of_values(term.info().family) && rest(0),
    };
    args_are_short && optargs.iter().all(|(_, value)| is_short(ast, *value))
}

/// Whether a term gives probably few rows of tables, rather than an array: that may be of any
/// length, and be walked within a walk.
fn is_short_rows(ast: &Ast, id: Option<TermId>) -> bool {
    id.is_some_and(|id| comes_from_rows(ast, id) && is_short(ast, id))
}

/// Whether a term that is short gives rows of tables.
fn comes_from_rows(ast: &Ast, id: TermId) -> bool {
    match ast.term_type(id) {
        TermType::GetAll | TermType::Between | TermType::EqJoin => true,
        TermType::Limit => ast
            .args(id)
            .first()
            .is_some_and(|first| is_lazy(ast, Some(*first)) || comes_from_rows(ast, *first)),
        term if is_of_rows(term) || term.info().family == Family::Document => {
            ast.args(id).first().is_some_and(|first| comes_from_rows(ast, *first))
        }
        _ => false,
    }
}

/// Whether a term gives rows as they are stored, read only as far as somebody asks.
fn is_lazy(ast: &Ast, id: Option<TermId>) -> bool {
    let Some(id) = id else { return false };
    let first = ast.args(id).first().copied();
    match ast.term_type(id) {
        TermType::Table => is_table(ast, Some(id)),
        TermType::OrderBy => {
            ast.args(id).len() == 1
                && ast.optargs(id).iter().all(|(name, by)| name.as_str() == "index" && is_short(ast, *by))
                && is_lazy(ast, first)
        }
        TermType::Between => is_short(ast, id),
        _ => false,
    }
}

/// Whether a term is a table whose name takes no time to find out.
fn is_table(ast: &Ast, id: Option<TermId>) -> bool {
    id.is_some_and(|id| {
        ast.term_type(id) == TermType::Table
            && ast.args(id).iter().all(|arg| is_short(ast, *arg))
            && ast.optargs(id).iter().all(|(_, value)| is_short(ast, *value))
    })
}

/// Whether a term does something to rows in a time that grows with their number alone.
fn is_of_rows(term: TermType) -> bool {
    matches!(
        term,
        TermType::Map
            | TermType::ConcatMap
            | TermType::Filter
            | TermType::OrderBy
            | TermType::Skip
            | TermType::Slice
            | TermType::Reduce
            | TermType::Count
            | TermType::Sum
            | TermType::Avg
            | TermType::Min
            | TermType::Max
            | TermType::Distinct
            | TermType::Contains
            | TermType::Group
            | TermType::Ungroup
            | TermType::Zip
    )
}

/// Whether the terms of a family make values of values in a time that hardly depends on them.
fn is_of_values(family: Family) -> bool {
    matches!(
        family,
        Family::Value
            | Family::Function
            | Family::Control
            | Family::Comparison
            | Family::Arithmetic
            | Family::Document
            | Family::Time
    )
}

/// One document rather than an array or a stream of them.
fn is_small_literal(ast: &Ast, id: TermId) -> bool {
    match ast.node(id) {
        Node::Constant(datum) => matches!(datum, Datum::Object(_)),
        Node::Term { term, .. } => *term == TermType::MakeObj,
    }
}

#[cfg(test)]
mod tests {
    use photondb_reql::{Query, decode_query};

    use super::*;

    const TABLE: &str = r#"[15,[[14,["d"]],"t"]]"#;

    fn is_cheap_text(term: &str) -> bool {
        let text = format!("[1,{},{{}}]", term.replace('T', TABLE));
        match decode_query(text.as_bytes()) {
            Ok(Query::Start(query)) => is_cheap(&query.ast),
            other => panic!("{term}: {other:?}"),
        }
    }

    #[test]
    fn what_is_probably_short() {
        for term in [
            "[24,[1,2]]",
            "[16,[T,1]]",
            r#"[35,[[16,[T,1]],{"a":1}]]"#,
            r#"[53,[[16,[T,1]],{"a":1}]]"#,
            r#"[56,[T,{"a":1}]]"#,
            "[43,[T]]",
            "[86,[T]]",
            "[71,[T,10]]",
            r#"[78,[T,1,2],{"index":"a"}]"#,
            r#"[43,[[78,[T,1],{"index":"a"}]]]"#,
            r#"[33,[[41,[[78,[T,1],{"index":"a"}],"b"]],"a"]]"#,
            r#"[39,[[182,[T,1,2]],[69,[[2,[1]],[21,[[31,[[10,[1]],"k"]],3]]]]]]"#,
            r#"[71,[[41,[[182,[T,1,[181,[]]],{"index":"a"}]],{"index":"a"}],10]]"#,
            r#"[45,[[41,[T],{"index":[74,["a"]]}],0]]"#,
            r#"[72,[[50,[[71,[T,10]],"a",T],{"index":"a"}]]]"#,
        ] {
            assert!(is_cheap_text(term), "{term}");
        }
    }

    #[test]
    fn what_may_be_long() {
        for term in [
            "T",
            "[33,[T,\"a\"]]",
            "[71,[T,100000]]",
            r#"[41,[T],{"index":"a"}]"#,
            r#"[71,[[41,[T,"a"]],10]]"#,
            r#"[71,[[39,[T,{"a":1}]],10]]"#,
            "[43,[T,{\"a\":1}]]",
            "[43,[[173,[1000000000]]]]",
            "[56,[T,[2,[{},{}]]]]",
            r#"[53,[[78,[T,1]],{"a":1}]]"#,
            "[48,[[78,[T,1]],T,true]]",
            "[152,[T]]",
            "[11,[\"1\"]]",
            // Walks over arrays, which may be nested.
            "[38,[[2,[1,2]],[69,[[2,[1]],1]]]]",
            r#"[38,[[170,[[16,[T,1]],"a"]],[69,[[2,[1]],1]]]]"#,
        ] {
            assert!(!is_cheap_text(term), "{term}");
        }
        let many = format!("[24,[{}]]", vec!["[24,[1,[24,[1,1]]]]"; TERMS_MAX].join(","));
        assert!(!is_cheap_text(&many));
    }
}
