//! The shape of a query: its text with the values left blank.
//!
//! An application sends few queries, and each of them over and over with other keys and
//! documents. What was found out about one of them is true of all that have its shape; of their
//! texts only the values are read.
//!
//! Only values that nobody looks at before a query runs are left blank. A name, an option, an
//! index of an array and the rows of `limit` are parts of the shape.

use std::ops::Range;

use photondb_datum::Datum;
use smallvec::SmallVec;

use crate::direct;
use crate::lexer::{Kind, Lexer};
use crate::literal::pack;
use crate::{Ast, Node, StartQuery, TermId, TermType};

/// The values that fill the blanks of a shape, in the order of its text.
pub type Bindings = SmallVec<[Datum; 4]>;

/// Terms below so many others are left alone: a query is walked on the stack of whoever serves it.
const LEVELS_MAX: usize = 48;
/// More blanks make no shape that is met again.
pub(crate) const BLANKS_MAX: usize = 64;
/// Nor does a longer text.
pub(crate) const TEXT_BYTES_MAX: usize = 4 * 1024;

/// How a value begins, which tells queries apart that differ in more than their values: there is
/// a difference between an insert of a document and one of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Scalar,
    Object,
    Array,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Blank {
    /// How much of the fixed text stands before it.
    at: usize,
    form: Form,
}

/// The text of a query with blanks for values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Everything but the values.
    fixed: Box<[u8]>,
    blanks: Box<[Blank]>,
}

impl Shape {
    /// The shape of a query whose text this is, and the nodes whose values are left blank;
    /// `None` when it is unlikely to come again, or written in an unusual way.
    pub fn of(text: &[u8], query: &StartQuery) -> Option<(Self, Vec<TermId>)> {
        let mut cutter = Cutter {
            text,
            lexer: Lexer::new(text),
            ast: &query.ast,
            taken: 0,
            fixed: Vec::new(),
            blanks: Vec::new(),
            nodes: Vec::new(),
        };
        cutter.lexer.expect(b'[').ok()?;
        cutter.lexer.scalar().ok()?;
        cutter.lexer.expect(b',').ok()?;
        cutter.term(query.ast.root(), false, LEVELS_MAX)?;
        cutter.take_fixed(text.len())?;
        let Cutter { fixed, blanks, nodes, .. } = cutter;
        Some((Self { fixed: fixed.into(), blanks: blanks.into() }, nodes))
    }

    /// The values of a query that has this shape.
    pub fn read(&self, text: &[u8]) -> Option<Bindings> {
        let mut bindings = Bindings::new();
        let (mut rest, mut from) = (text, 0);
        for blank in &self.blanks {
            rest = rest.strip_prefix(&self.fixed[from..blank.at])?;
            from = blank.at;
            let (value, bytes) = value(rest, blank.form)?;
            bindings.push(value);
            rest = &rest[bytes..];
        }
        (rest == &self.fixed[from..]).then_some(bindings)
    }
}

/// How the value begins that a text begins with.
fn form(text: &[u8]) -> Option<Form> {
    match Lexer::new(text).kind().ok()? {
        Kind::Object => Some(Form::Object),
        Kind::Array => text.starts_with(b"[2,").then_some(Form::Array),
        _ => Some(Form::Scalar),
    }
}

/// Reads the value that a text begins with, and its length.
fn value(text: &[u8], expected: Form) -> Option<(Datum, usize)> {
    if form(text)? != expected {
        return None;
    }
    if expected == Form::Scalar {
        let scalar = Lexer::new(text).scalar().ok()?;
        return Some((pack(scalar).ok()?, scalar.len()));
    }
    let literal = direct::literal(std::str::from_utf8(text).ok()?)?;
    Some((literal.value, literal.bytes))
}

/// Whether an argument of a term is a value that nobody looks at before it is evaluated.
pub(crate) fn takes_value(term: TermType, position: usize) -> bool {
    match term {
        TermType::Get
        | TermType::GetAll
        | TermType::Between
        | TermType::Insert
        | TermType::Update
        | TermType::Replace
        | TermType::Default => position > 0,
        TermType::MakeArray
        | TermType::Eq
        | TermType::Ne
        | TermType::Lt
        | TermType::Le
        | TermType::Gt
        | TermType::Ge
        | TermType::Add
        | TermType::Sub
        | TermType::Mul
        | TermType::Div
        | TermType::Mod => true,
        _ => false,
    }
}

/// Walks the text of a query beside its tree.
struct Cutter<'a> {
    text: &'a [u8],
    lexer: Lexer<'a>,
    ast: &'a Ast,
    /// So much of the text is in `fixed` or left blank.
    taken: usize,
    fixed: Vec<u8>,
    blanks: Vec<Blank>,
    nodes: Vec<TermId>,
}

impl Cutter<'_> {
    fn term(&mut self, id: TermId, is_value: bool, levels: usize) -> Option<()> {
        let levels = levels.checked_sub(1)?;
        match self.ast.node(id) {
            Node::Constant(_) if is_value => self.value(id),
            Node::Constant(_) => self.skip(),
            Node::Term { term: TermType::MakeObj, optargs, .. } if self.lexer.kind() == Ok(Kind::Object) => {
                self.lexer.expect(b'{').ok()?;
                let mut first = true;
                for (_, field) in optargs {
                    self.lexer.element(&mut first, b'}').ok()?.then_some(())?;
                    self.lexer.scalar().ok()?;
                    self.lexer.expect(b':').ok()?;
                    self.term(*field, true, levels)?;
                }
                self.lexer.expect(b'}').ok()
            }
            Node::Term { term, args, .. } => {
                self.lexer.expect(b'[').ok()?;
                self.lexer.scalar().ok()?;
                if self.lexer.take(b',') {
                    self.lexer.expect(b'[').ok()?;
                    let mut first = true;
                    for (position, arg) in args.iter().enumerate() {
                        self.lexer.element(&mut first, b']').ok()?.then_some(())?;
                        match (term, position) {
                            // The names of parameters.
                            (TermType::Func, 0) => self.skip()?,
                            _ => self.term(*arg, takes_value(*term, position), levels)?,
                        }
                    }
                    self.lexer.expect(b']').ok()?;
                    if self.lexer.take(b',') {
                        self.skip()?;
                    }
                }
                self.lexer.expect(b']').ok()
            }
        }
    }

    /// Leaves a value blank, unless it is written in an unusual way.
    fn value(&mut self, id: TermId) -> Option<()> {
        self.lexer.kind().ok()?;
        let start = self.lexer.position();
        let form = form(&self.text[start..]);
        self.skip()?;
        let Some(form) = form else { return Some(()) };
        let end = self.lexer.position();
        self.take_fixed(start)?;
        self.blanks.push(Blank { at: self.fixed.len(), form });
        self.nodes.push(id);
        self.taken = end;
        (self.blanks.len() <= BLANKS_MAX).then_some(())
    }

    /// Goes behind whatever stands here.
    fn skip(&mut self) -> Option<()> {
        self.lexer.value().ok().map(|_| ())
    }

    /// What stands before a position is a part of the shape.
    fn take_fixed(&mut self, end: usize) -> Option<()> {
        let Range { start, end } = self.taken..end;
        self.fixed.extend_from_slice(&self.text[start..end]);
        self.taken = end;
        (self.fixed.len() <= TEXT_BYTES_MAX).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Query, decode_query};

    const TABLE: &str = r#"[15,["t"]]"#;

    fn start(text: &str) -> Box<StartQuery> {
        match decode_query(text.as_bytes()) {
            Ok(Query::Start(query)) => query,
            other => panic!("{text}: {other:?}"),
        }
    }

    /// The shape of a query in which `T` is a table, and its values as that shape reads them.
    fn shape(term: &str) -> (Shape, Vec<String>) {
        let text = format!("[1,{},{{}}]", term.replace('T', TABLE));
        let query = start(&text);
        let (shape, nodes) = Shape::of(text.as_bytes(), &query).unwrap_or_else(|| panic!("{text}"));
        let bindings = shape.read(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
        let values = nodes.iter().map(|node| query.ast.constant(*node).cloned().expect("a value"));
        assert_eq!(values.collect::<Bindings>(), bindings, "{text}");
        (shape, bindings.iter().map(|value| photondb_datum::json::to_string(value).expect("JSON")).collect())
    }

    #[test]
    fn queries_that_differ_in_values_have_one_shape() {
        let pairs = [
            (r#"[16,[T,"a"]]"#, r#"[16, [T,"aé\n"]]"#.replace(", ", ","), vec![r#""aé\n""#]),
            (r#"[16,[T,"a"]]"#, "[16,[T,-1.5e3]]".into(), vec!["-1500"]),
            (
                r#"[53,[[16,[T,1]],{"a":1}],{"durability":"soft"}]"#,
                r#"[53,[[16,[T,2]],{"b":[2,[1]]}],{"durability":"soft"}]"#.into(),
                vec!["2", r#"{"b":[1]}"#],
            ),
            (
                r#"[53,[[16,[T,1]],[69,[[2,[1]],{"c":[24,[[92,[[31,[[10,[1]],"c"]],0]],1]],"d":1}]]]]"#,
                r#"[53,[[16,[T,2]],[69,[[2,[1]],{"c":[24,[[92,[[31,[[10,[1]],"c"]],7]],8]],"d":9}]]]]"#
                    .into(),
                vec!["2", "7", "8", "9"],
            ),
            (r#"[56,[T,{"a":1}]]"#, "[56,[T,{}]]".into(), vec!["{}"]),
            ("[56,[T,[2,[{}]]]]", "[56,[T,[2,[{},{}]]]]".into(), vec!["[{},{}]"]),
            (r#"[56,[T,{"a":1,"b":[103,[]]}]]"#, r#"[56,[T,{"a":null,"b":[103,[]]}]]"#.into(), vec!["null"]),
            (
                r#"[78,[T,1,[2,[1,"x"]]],{"index":"i"}]"#,
                r#"[78,[T,true,[2,[]]],{"index":"i"}]"#.into(),
                vec!["true", "[]"],
            ),
            (
                r#"[71,[[41,[[182,[T,5,[181,[]]],{"index":"i"}]],{"index":"i"}],10]]"#,
                r#"[71,[[41,[[182,[T,6,[181,[]]],{"index":"i"}]],{"index":"i"}],10]]"#.into(),
                vec!["6"],
            ),
        ];
        for (one, other, values) in pairs {
            let ((one_shape, _), (other_shape, other_values)) = (shape(one), shape(&other));
            assert_eq!(one_shape, other_shape, "{one} {other}");
            assert_eq!(other_values, values, "{other}");
        }
    }

    #[test]
    fn what_is_looked_at_before_a_query_runs_is_part_of_the_shape() {
        let pairs = [
            (r#"[16,[T,"a"]]"#, r#"[16,[[15,["u"]],"a"]]"#),
            (r#"[16,[T,"a"]]"#, r#"[16,[T,{"a":1}]]"#),
            (r#"[16,[T,"a"]]"#, r#"[16,[T,[2,[1]]]]"#),
            (r#"[78,[T,1],{"index":"i"}]"#, r#"[78,[T,1],{"index":"j"}]"#),
            ("[71,[[78,[T,1]],10]]", "[71,[[78,[T,1]],1000000]]"),
            (r#"[56,[T,{"a":1}]]"#, r#"[56,[T,[2,[{"a":1}]]]]"#),
            (
                r#"[53,[[16,[T,1]],[69,[[2,[1]],{"a":1,"b":[10,[1]]}]]]]"#,
                r#"[53,[[16,[T,1]],[69,[[2,[2]],{"a":1,"b":[10,[2]]}]]]]"#,
            ),
            ("[64,[[69,[[2,[1]],[45,[[10,[1]],0]]]],1]]", "[64,[[69,[[2,[1]],[45,[[10,[1]],1]]]],1]]"),
            (r#"[31,[[16,[T,1]],"a"]]"#, r#"[31,[[16,[T,1]],"b"]]"#),
        ];
        for (one, other) in pairs {
            assert_ne!(shape(one).0, shape(other).0, "{one} {other}");
            let other_text = format!("[1,{},{{}}]", other.replace('T', TABLE));
            assert_eq!(shape(one).0.read(other_text.as_bytes()), None, "{one} {other}");
        }
    }

    #[test]
    fn what_is_no_value_has_no_place_in_a_blank() {
        let (shape, _) = shape(r#"[56,[T,{"a":1}]]"#);
        for document in [
            "[13]",
            r#"{"a":[13]}"#,
            r#"{"a":1"#,
            r#"{"a":1,"a":2}"#,
            r#"{"$reql_type$":"TIME"}"#,
            r#"{"a":"\ud800"}"#,
            r#"{"a":1}x"#,
            "1",
            "",
        ] {
            let text = format!("[1,[56,[{TABLE},{document}]],{{}}]");
            assert_eq!(shape.read(text.as_bytes()), None, "{document}");
        }
        assert_eq!(shape.read(b"[1,[56,[[15,[\"t\"]],{\"a\":\"\xff\"}]],{}]"), None);
        assert_eq!(shape.read(b"[1,[56,[[15,[\"t\"]],"), None);
        assert_eq!(shape.read(b""), None);
    }

    #[test]
    fn long_and_odd_queries_have_none() {
        let long = format!(r#"[1,[53,[[16,[{TABLE},1]],[69,[[2,[1]],"{}"]]]]]"#, "x".repeat(TEXT_BYTES_MAX));
        let deep = format!("[1,{}1{}]", "[183,[".repeat(60), "]]".repeat(60));
        let many = format!(r#"[1,[78,[{TABLE}{}]]]"#, ",1".repeat(BLANKS_MAX + 1));
        for text in [long, deep, many] {
            assert!(Shape::of(text.as_bytes(), &start(&text)).is_none(), "{text}");
        }
        // A raw datum stays where it is, and what stands beside it is left blank.
        let text = format!(r#"[1,[78,[{TABLE},[1,5],6]]]"#);
        let (shape, nodes) = Shape::of(text.as_bytes(), &start(&text)).expect("a shape");
        assert_eq!(
            (nodes.len(), shape.read(text.as_bytes())),
            (1, Some(Bindings::from_iter([Datum::from(6)])))
        );
    }
}
