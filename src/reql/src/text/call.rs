//! Which term a name means, and which of its arguments are options.

use photondb_datum::Text;

use crate::print::{camel_case, is_bare};
use crate::text::span::{Span, TextError};
use crate::text::suggestion::did_you_mean;
use crate::{TERMS, TermInfo, TermType};

/// The name under which a term is written, `getAll`; `None` for what has a notation of its
/// own: literals, functions, variables.
pub fn method_name(term: TermType) -> Option<&'static str> {
    match term {
        TermType::Datum
        | TermType::MakeArray
        | TermType::MakeObj
        | TermType::Var
        | TermType::Func
        | TermType::BetweenDeprecated => None,
        _ => Some(term.info().method),
    }
}

/// All terms that are written by their names.
pub fn methods() -> impl Iterator<Item = &'static TermInfo> {
    TERMS.iter().filter(|info| method_name(info.term).is_some())
}

/// The term of a name, in the spelling of JavaScript or that of Python.
pub(super) fn term_of(name: &str, span: Span) -> Result<TermType, TextError> {
    let named = |info: &&TermInfo| info.method == name || spells(name, info.name);
    if let Some(info) = methods().find(named) {
        return Ok(info.term);
    }
    Err(TextError::new(
        match name {
            "run" => "Leave `run` out: the query runs when it is sent.".to_owned(),
            "then" | "catch" | "toArray" | "next" | "each" => {
                format!("`{name}` is a method of the driver; the query ends before it.")
            }
            _ => {
                let names = methods().map(|info| info.method).chain(["expr"]);
                format!("There is no term `{name}`.{}", did_you_mean(name, names))
            }
        },
        span,
    ))
}

/// Whether `name` is `PROTOCOL_NAME` as `protocol_name` or as `protocolName`.
fn spells(name: &str, protocol_name: &str) -> bool {
    let same_letters = name.bytes().filter(|byte| *byte != b'_').map(|byte| byte.to_ascii_uppercase());
    same_letters.eq(protocol_name.bytes().filter(|byte| *byte != b'_')) && {
        let snake = protocol_name.to_ascii_lowercase();
        name == camel_case(&snake) || name == snake
    }
}

/// Whether a term may be written without parentheses: `r.row`, `r.minval`, `r.monday`.
pub(super) fn is_property(term: TermType) -> bool {
    is_bare(term)
}

/// Whether the last of `count` arguments, an object, holds the options of a term: it does when
/// there are enough without it.
pub(super) fn has_options(term: TermType, count: usize) -> bool {
    let info = term.info();
    info.optargs.iter().any(|name| is_public(name)) && count > info.arity.min()
}

/// The server's name of an option that is written in either spelling.
pub(super) fn option_of(term: TermType, name: &str, span: Span) -> Result<Text, TextError> {
    let options = || term.info().optargs.iter().copied().filter(|option| is_public(option));
    if let Some(option) = options().find(|option| *option == name || camel_case(option) == name) {
        return Ok(Text::from_static(option));
    }
    let names: Vec<String> = options().map(camel_case).collect();
    let method = term.info().method;
    let near = did_you_mean(name, names.iter().map(String::as_str));
    let message = format!("`{method}` has no option `{name}`.{near} Its options are: {}.", names.join(", "));
    Err(TextError::new(message, span))
}

fn is_public(option: &str) -> bool {
    !option.starts_with('_')
}

/// Whether `r.row` in an argument of the term makes that argument a function, as drivers do.
pub(super) fn wraps_row(term: TermType) -> bool {
    use TermType as T;
    matches!(
        term,
        T::Map
            | T::Filter
            | T::ConcatMap
            | T::OrderBy
            | T::Asc
            | T::Desc
            | T::Group
            | T::Count
            | T::Sum
            | T::Avg
            | T::Min
            | T::Max
            | T::Contains
            | T::OffsetsOf
            | T::Update
            | T::Replace
            | T::Merge
            | T::ForEach
            | T::EqJoin
            | T::IndexCreate
            | T::Funcall
    )
}
