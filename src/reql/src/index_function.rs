//! The `function` of an index status and of a write hook: how RethinkDB 2.4 stores functions,
//! and how dumps carry them.
//!
//! After a prefix follow, all integers little-endian: a format version, three versions of
//! the language, the kind of function, its captured scope, its parameters, its body as
//! JSON behind a length, a number for backtraces, and whether the index is `multi` and
//! `geo`, and for a unique index, which RethinkDB does not know, one byte more. A term of the
//! body is `[number, arguments, options, backtrace number]`, a value
//! `[1, value, backtrace number]`.

use photondb_datum::{Datum, Text, json};
use smallvec::smallvec;

use crate::lexer::{Kind, Lexer, Malformed};
use crate::{Ast, Node, Optargs, ReqlError, TermId, TermType, Variable, decode_term};

const PREFIX: &[u8] = b"$reql_index_function$";
const HOOK_PREFIX: &[u8] = b"$reql_write_hook_function$";
/// The format of RethinkDB 2.4.
const FORMAT: u8 = 9;
/// Formats since 2.2 carry JSON; earlier ones Protocol Buffers.
const FORMAT_JSON_MIN: u8 = 7;
/// The language of RethinkDB 2.4.
const LANGUAGE: u8 = 7;
const KIND_REQL: u8 = 0;
/// Ends the blob of a unique index.
const UNIQUE: u8 = 1;

/// The variable of a function that RethinkDB makes itself of an index name.
pub const FIELD_VARIABLE: Variable = Variable(-19);

/// An index function with what belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexFunction {
    /// A tree whose root is a `FUNC`.
    pub function: Ast,
    /// Whether each element of an array is a key of its own.
    pub multi: bool,
    /// Whether the keys are geometries.
    pub geo: bool,
    /// Whether no two documents may have the same key.
    pub unique: bool,
}

/// Why a blob is no index function.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexFunctionError {
    /// It does not begin as one.
    #[error(
        "Cannot create an sindex except from a reql_index_function returned from `index_status` in the \
         field `function`."
    )]
    Prefix,
    /// It does not begin as the function of a write hook.
    #[error(
        "Cannot create a write hook except from a reql_write_hook_function returned from `get_write_hook`."
    )]
    HookPrefix,
    /// It is of another version.
    #[error("Unrecognized secondary index version, secondary index not created.")]
    Version,
    /// It ends early, goes on too long, or holds what it must not.
    #[error("Binary blob passed to index create could not be interpreted as a reql_index_function ({0}).")]
    Malformed(&'static str),
    /// Its body is no query.
    #[error("Binary blob passed to index create could not be interpreted as a reql_index_function ({0}).")]
    Body(#[from] ReqlError),
}

impl From<Malformed> for IndexFunctionError {
    fn from(_: Malformed) -> Self {
        Self::Malformed("The body is no JSON.")
    }
}

impl IndexFunction {
    /// The function of an index that is created by a name alone: that field.
    pub fn of_field(name: &str, multi: bool, geo: bool) -> Self {
        let mut function = Ast::new();
        let variable = function.add_constant(Datum::Number(FIELD_VARIABLE.0 as f64));
        let variable = function.add_term(TermType::Var, smallvec![variable], Optargs::new());
        let name = function.add_constant(Datum::string(name));
        let body = function.add_term(TermType::GetField, smallvec![variable, name], Optargs::new());
        let parameters = function.add_constant(Datum::array([Datum::Number(FIELD_VARIABLE.0 as f64)]));
        let root = function.add_term(TermType::Func, smallvec![parameters, body], Optargs::new());
        function.set_root(root);
        Self { function, multi, geo, unique: false }
    }

    /// The field that the function gives, if that is all it does.
    pub fn field(&self) -> Option<Text> {
        let tree = &self.function;
        let [_, body] = *tree.args(tree.root()) else { return None };
        let [row, name] = *tree.args(body) else { return None };
        let reads_field = matches!(tree.term_type(body), TermType::GetField | TermType::Bracket);
        let parameters = tree.parameters(tree.root())?;
        if !reads_field || parameters != [tree.variable(row)?] {
            return None;
        }
        match tree.constant(name)? {
            Datum::String(name) => Some(name.clone()),
            _ => None,
        }
    }

    /// The blob. Fails when the tree is no function of its own.
    pub fn encode(&self) -> Result<Vec<u8>, IndexFunctionError> {
        let mut out = PREFIX.to_vec();
        out.extend_from_slice(&[FORMAT, LANGUAGE, LANGUAGE, LANGUAGE]);
        write_function(&self.function, &mut out)?;
        out.extend_from_slice(&[u8::from(self.multi), u8::from(self.geo)]);
        if self.unique {
            out.push(UNIQUE);
        }
        Ok(out)
    }

    /// Reads a blob of RethinkDB 2.2 or later.
    pub fn decode(blob: &[u8]) -> Result<Self, IndexFunctionError> {
        let mut input = Input(blob.strip_prefix(PREFIX).ok_or(IndexFunctionError::Prefix)?);
        let format = input.byte()?;
        if !(FORMAT_JSON_MIN..=FORMAT + 1).contains(&format) {
            return Err(IndexFunctionError::Version);
        }
        input.array::<3>()?;
        let function = read_function(&mut input)?;
        let (multi, geo) = (input.byte()? != 0, input.byte()? != 0);
        let unique = !input.0.is_empty() && input.byte()? == UNIQUE;
        input.end()?;
        Ok(Self { function, multi, geo, unique })
    }
}

/// The `function` of a write hook: a prefix and the function, without versions.
pub fn encode_write_hook(function: &Ast) -> Result<Vec<u8>, IndexFunctionError> {
    let mut out = HOOK_PREFIX.to_vec();
    write_function(function, &mut out)?;
    Ok(out)
}

/// Reads the `function` of a write hook.
pub fn decode_write_hook(blob: &[u8]) -> Result<Ast, IndexFunctionError> {
    let mut input = Input(blob.strip_prefix(HOOK_PREFIX).ok_or(IndexFunctionError::HookPrefix)?);
    let function = read_function(&mut input)?;
    input.end()?;
    Ok(function)
}

fn write_function(function: &Ast, out: &mut Vec<u8>) -> Result<(), IndexFunctionError> {
    let root = function.root();
    let parameters =
        function.parameters(root).ok_or(IndexFunctionError::Malformed("The function has no parameters."))?;
    let body =
        *function.args(root).get(1).ok_or(IndexFunctionError::Malformed("The function has no body."))?;
    // No captured variables, at no depth of `r.row`.
    out.extend_from_slice(&[KIND_REQL, 0]);
    out.extend_from_slice(&0u32.to_le_bytes());
    write_varint(parameters.len() as u64, out);
    for parameter in parameters {
        out.extend_from_slice(&parameter.0.to_le_bytes());
    }
    let mut text = Vec::new();
    write_body(function, body, &mut text)?;
    text.push(0);
    let length =
        i32::try_from(text.len()).map_err(|_| IndexFunctionError::Malformed("The function is too large."))?;
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&text);
    out.extend_from_slice(&0u32.to_le_bytes());
    Ok(())
}

fn read_function(input: &mut Input<'_>) -> Result<Ast, IndexFunctionError> {
    if input.byte()? != KIND_REQL {
        return Err(IndexFunctionError::Malformed("It is written in JavaScript."));
    }
    if input.varint()? != 0 {
        return Err(IndexFunctionError::Malformed("It captures variables."));
    }
    if u32::from_le_bytes(input.array()?) == 1 && input.byte()? != 0 {
        return Err(IndexFunctionError::Malformed("It captures `r.row`."));
    }
    let count = input.varint()?;
    let mut parameters = Vec::new();
    for _ in 0..count {
        // Each takes eight bytes: the blob bounds the loop, whatever the count says.
        parameters.push(Datum::Number(i64::from_le_bytes(input.array()?) as f64));
    }
    let length = usize::try_from(i32::from_le_bytes(input.array()?))
        .map_err(|_| IndexFunctionError::Malformed("The length is negative."))?;
    let text = input.take(length)?;
    input.array::<4>()?;
    let text = text.strip_suffix(&[0]).unwrap_or(text);
    let body = decode_term(&wire_body(text)?)?;
    let mut function = Ast::new();
    let parameters = function.add_constant(Datum::array(parameters));
    let body = function.graft(&body, body.root());
    let root = function.add_term(TermType::Func, smallvec![parameters, body], Optargs::new());
    function.set_root(root);
    if function.parameters(root).is_none() {
        return Err(IndexFunctionError::Malformed("A parameter is too large."));
    }
    Ok(function)
}

fn write_body(ast: &Ast, id: TermId, out: &mut Vec<u8>) -> Result<(), IndexFunctionError> {
    match ast.node(id) {
        Node::Constant(Datum::MinVal) => out.extend_from_slice(b"[180,[],0]"),
        Node::Constant(Datum::MaxVal) => out.extend_from_slice(b"[181,[],0]"),
        Node::Constant(value) => {
            out.extend_from_slice(b"[1,");
            json::write(value, out)
                .map_err(|_| IndexFunctionError::Malformed("A captured value holds a bound."))?;
            out.extend_from_slice(b",0]");
        }
        Node::Term { term, args, optargs } => {
            out.push(b'[');
            out.extend_from_slice(term.id().to_string().as_bytes());
            if !args.is_empty() || optargs.is_empty() {
                out.extend_from_slice(b",[");
                for (position, arg) in args.iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    write_body(ast, *arg, out)?;
                }
                out.push(b']');
            }
            if !optargs.is_empty() {
                out.extend_from_slice(b",{");
                for (position, (name, value)) in optargs.iter().enumerate() {
                    if position > 0 {
                        out.push(b',');
                    }
                    json::write_string(name.as_str(), out);
                    out.push(b':');
                    write_body(ast, *value, out)?;
                }
                out.push(b'}');
            }
            out.extend_from_slice(b",0]");
        }
    }
    Ok(())
}

/// Takes the backtrace numbers out, which makes it the wire form.
fn wire_body(text: &[u8]) -> Result<Vec<u8>, IndexFunctionError> {
    let mut lexer = Lexer::new(text);
    let mut out = Vec::with_capacity(text.len());
    strip_term(&mut lexer, 0, &mut out)?;
    lexer.end()?;
    Ok(out)
}

fn strip_term(lexer: &mut Lexer<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), IndexFunctionError> {
    if depth > photondb_base::limits::NESTING_DEPTH_MAX {
        return Err(IndexFunctionError::Malformed("The body is too deep."));
    }
    let mut first = true;
    lexer.expect(b'[')?;
    out.push(b'[');
    if !lexer.element(&mut first, b']')? {
        return Err(Malformed.into());
    }
    let number = lexer.scalar()?;
    out.extend_from_slice(number);
    let is_datum = number == b"1";
    let mut value_seen = false;
    while lexer.element(&mut first, b']')? {
        match lexer.kind()? {
            _ if is_datum && !value_seen => {
                out.push(b',');
                out.extend_from_slice(lexer.value()?.0);
                value_seen = true;
            }
            Kind::Array => strip_args(lexer, depth, out)?,
            Kind::Object => strip_optargs(lexer, depth, out)?,
            _ => {
                lexer.scalar()?;
            }
        }
    }
    out.push(b']');
    Ok(())
}

fn strip_args(lexer: &mut Lexer<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), IndexFunctionError> {
    lexer.expect(b'[')?;
    out.extend_from_slice(b",[");
    let mut first = true;
    while lexer.element(&mut first, b']')? {
        strip_term(lexer, depth + 1, out)?;
        out.push(b',');
    }
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(b']');
    Ok(())
}

fn strip_optargs(lexer: &mut Lexer<'_>, depth: usize, out: &mut Vec<u8>) -> Result<(), IndexFunctionError> {
    lexer.expect(b'{')?;
    out.extend_from_slice(b",{");
    let mut first = true;
    while lexer.element(&mut first, b'}')? {
        if lexer.kind()? != Kind::String {
            return Err(Malformed.into());
        }
        out.extend_from_slice(lexer.scalar()?);
        lexer.expect(b':')?;
        out.push(b':');
        strip_term(lexer, depth + 1, out)?;
        out.push(b',');
    }
    if out.last() == Some(&b',') {
        out.pop();
    }
    out.push(b'}');
    Ok(())
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn end(&self) -> Result<(), IndexFunctionError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(IndexFunctionError::Malformed("An sindex description was incompletely deserialized."))
        }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], IndexFunctionError> {
        let (taken, rest) =
            self.0.split_at_checked(length).ok_or(IndexFunctionError::Malformed("It ends early."))?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, IndexFunctionError> {
        Ok(self.array::<1>()?[0])
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], IndexFunctionError> {
        let (taken, rest) =
            self.0.split_first_chunk::<N>().ok_or(IndexFunctionError::Malformed("It ends early."))?;
        self.0 = rest;
        Ok(*taken)
    }

    fn varint(&mut self) -> Result<u64, IndexFunctionError> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(IndexFunctionError::Malformed("A number does not end."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn write_hooks_survive() {
        let text =
            br#"[69,[[2,[1,2,3]],[35,[[10,[3]],{"at":[31,[[10,[1]],"timestamp"]],"n":[2,[1,"x"]]}]]]]"#;
        let function = decode_term(text).expect("valid");
        let blob = encode_write_hook(&function).expect("a function");
        assert_eq!(decode_write_hook(&blob), Ok(function.clone()));
        assert_eq!(decode_write_hook(&blob[1..]), Err(IndexFunctionError::HookPrefix));
        for end in HOOK_PREFIX.len()..blob.len() {
            assert!(decode_write_hook(&blob[..end]).is_err());
        }
        let printed = crate::print_write_hook(&function, function.root());
        assert!(
            printed.starts_with("setWriteHook(function(var1, var2, var3) { return var3.merge("),
            "{printed}"
        );
    }

    #[test]
    fn index_functions_of_any_terms_survive() {
        let terms = [
            "[69,[[2,[1]],[13]]]",
            "[69,[[2,[1]],[180,[]]]]",
            r#"[69,[[2,[7]],[2,[[170,[[10,[7]],"a"]],[2,[1,[2,[]]]],{"k":[2,[]]}]]]]"#,
            r#"[69,[[2,[7]],[30,[[31,[[10,[7]],"a"]],1,2],{"right_bound":"closed"}]]]"#,
        ];
        for text in terms {
            let function = decode_term(text.as_bytes()).expect(text);
            let index = IndexFunction { function, multi: true, geo: false, unique: false };
            let blob = index.encode().expect(text);
            assert_eq!(IndexFunction::decode(&blob), Ok(index.clone()));
            for end in 0..blob.len() {
                assert!(IndexFunction::decode(&blob[..end]).is_err());
            }
            let unique = IndexFunction { unique: true, ..index };
            let longer = unique.encode().expect(text);
            assert_eq!(longer[..blob.len()], blob);
            assert_eq!(IndexFunction::decode(&longer), Ok(unique));
        }
    }

    #[test]
    fn functions_that_give_a_field_are_told_from_others() {
        let field = |text: &str| {
            let function = decode_term(text.as_bytes()).expect(text);
            let index = IndexFunction { function, multi: false, geo: false, unique: false };
            IndexFunction::decode(&index.encode().expect(text)).expect(text).field()
        };
        assert_eq!(IndexFunction::of_field("a", false, false).field(), Some("a".into()));
        assert_eq!(field(r#"[69,[[2,[7]],[31,[[10,[7]],"a"]]]]"#), Some("a".into()));
        assert_eq!(field(r#"[69,[[2,[7]],[170,[[10,[7]],"b"]]]]"#), Some("b".into()));
        for other in [
            r#"[69,[[2,[7]],[170,[[10,[7]],0]]]]"#,
            r#"[69,[[2,[7]],[31,[[31,[[10,[7]],"a"]],"b"]]]]"#,
            r#"[69,[[2,[7]],[33,[[10,[7]],"a"]]]]"#,
            r#"[69,[[2,[7,8]],[31,[[10,[8]],"a"]]]]"#,
            r#"[69,[[2,[7]],[31,[{"a":1},"a"]]]]"#,
            r#"[69,[[2,[7]],[10,[7]]]]"#,
        ] {
            assert_eq!(field(other), None, "{other}");
        }
    }
}
