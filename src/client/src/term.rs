//! Queries as Rust expressions.

use std::cell::Cell;

use photondb_datum::{Datum, json};
use photondb_reql::{Ast, EXPLAIN_QUERY_TYPE, TermType, encode};

/// A term of a query, built from the outside in: `Term::table("films").get(1).field("title")`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    wire: String,
}

impl Term {
    /// Any term, with its arguments and options in the server's spelling. The methods
    /// cover the common ones.
    pub fn call(term: TermType, args: &[Self], options: &[(&str, Self)]) -> Self {
        let args: Vec<&str> = args.iter().map(|arg| arg.wire.as_str()).collect();
        let mut wire = format!("[{},[{}]", term.id(), args.join(","));
        if !options.is_empty() {
            wire.push(',');
            wire.push_str(&fields(options));
        }
        wire.push(']');
        Self { wire }
    }

    /// A literal.
    pub fn value(value: impl Into<Self>) -> Self {
        value.into()
    }

    /// An object of fields.
    pub fn object(options: &[(&str, Self)]) -> Self {
        Self { wire: fields(options) }
    }

    /// An array of items.
    pub fn array(items: &[Self]) -> Self {
        Self::call(TermType::MakeArray, items, &[])
    }

    /// A database.
    pub fn db(name: &str) -> Self {
        Self::call(TermType::Db, &[name.into()], &[])
    }

    /// A table of the query's database.
    pub fn table(name: &str) -> Self {
        Self::call(TermType::Table, &[name.into()], &[])
    }

    /// A table of a database.
    #[must_use]
    pub fn table_of(&self, name: &str) -> Self {
        Self::call(TermType::Table, &[self.clone(), name.into()], &[])
    }

    /// The parameter of the enclosing function.
    pub fn row() -> Self {
        Self::call(TermType::ImplicitVar, &[], &[])
    }

    /// The value below all others.
    pub fn minval() -> Self {
        Self::call(TermType::Minval, &[], &[])
    }

    /// The value above all others.
    pub fn maxval() -> Self {
        Self::call(TermType::Maxval, &[], &[])
    }

    /// A function of one parameter.
    pub fn function(body: impl FnOnce(Self) -> Self) -> Self {
        let number = fresh_variable();
        let body = body(variable(number));
        Self { wire: format!("[{},[[2,[{number}]],{}]]", TermType::Func.id(), body.wire) }
    }

    /// A function of two parameters.
    pub fn function2(body: impl FnOnce(Self, Self) -> Self) -> Self {
        let (left, right) = (fresh_variable(), fresh_variable());
        let body = body(variable(left), variable(right));
        Self { wire: format!("[{},[[2,[{left},{right}]],{}]]", TermType::Func.id(), body.wire) }
    }

    /// A function of three parameters.
    pub fn function3(body: impl FnOnce(Self, Self, Self) -> Self) -> Self {
        let (first, second, third) = (fresh_variable(), fresh_variable(), fresh_variable());
        let body = body(variable(first), variable(second), variable(third));
        Self { wire: format!("[{},[[2,[{first},{second},{third}]],{}]]", TermType::Func.id(), body.wire) }
    }

    /// The same term with one more option.
    #[must_use]
    pub fn option(&self, name: &str, value: impl Into<Self>) -> Self {
        let value = value.into();
        let name = text(name);
        let head = self.wire.trim_end_matches(']');
        // A term ends `]]` without options and `}]` with some.
        let wire = match self.wire.strip_suffix("}]") {
            Some(open) if head.ends_with('}') => format!("{open},{name}:{}}}]", value.wire),
            _ => format!("{},{{{name}:{}}}]", self.wire.strip_suffix(']').unwrap_or(""), value.wire),
        };
        Self { wire }
    }

    /// The wire form of the term alone.
    pub fn wire(&self) -> &str {
        &self.wire
    }

    /// The query that runs this term.
    pub fn start(&self) -> Vec<u8> {
        format!("[1,{}]", self.wire).into_bytes()
    }

    /// The query that asks for the plan of this term.
    pub fn explain(&self) -> Vec<u8> {
        format!("[{EXPLAIN_QUERY_TYPE},{}]", self.wire).into_bytes()
    }

    /// The query that runs this term with options.
    pub fn start_with(&self, options: &[(&str, Self)]) -> Vec<u8> {
        format!("[1,{},{}]", self.wire, fields(options)).into_bytes()
    }
}

macro_rules! methods {
    ($($name:ident($($parameter:ident),*) = $term:ident, $doc:literal;)+) => {
        impl Term {
            $(
                #[doc = $doc]
                #[must_use]
                pub fn $name(&self, $($parameter: impl Into<Self>),*) -> Self {
                    let args = vec![self.clone(), $($parameter.into()),*];
                    Self::call(TermType::$term, &args, &[])
                }
            )+
        }
    };
}

methods! {
    get(key) = Get, "The document with a primary key.";
    get_all(key) = GetAll, "The documents with a key.";
    between(lower, upper) = Between, "The documents between two keys.";
    filter(predicate) = Filter, "The elements for which a predicate holds.";
    map(function) = Map, "A function of every element.";
    concat_map(function) = ConcatMap, "The elements of a function of every element.";
    reduce(function) = Reduce, "All elements, combined pairwise.";
    order_by(key) = OrderBy, "Sorted by a field or function.";
    limit(count) = Limit, "The first elements.";
    skip(count) = Skip, "All but the first elements.";
    nth(position) = Nth, "One element.";
    count() = Count, "The number of elements.";
    sum(field) = Sum, "The sum of a field or function.";
    avg(field) = Avg, "The mean of a field or function.";
    min(field) = Min, "The element with the least field or function.";
    max(field) = Max, "The element with the greatest field or function.";
    group(key) = Group, "Groups by a field or function.";
    ungroup() = Ungroup, "Groups as an array of objects.";
    distinct() = Distinct, "The elements without repetitions.";
    pluck(selector) = Pluck, "Objects with these fields only.";
    without(selector) = Without, "Objects without these fields.";
    merge(object) = Merge, "Objects merged.";
    field(name) = GetField, "A field.";
    bracket(selector) = Bracket, "A field by name or an element by position.";
    has_fields(selector) = HasFields, "Whether objects have fields.";
    contains(value) = Contains, "Whether a sequence holds a value.";
    insert(documents) = Insert, "Inserts documents.";
    update(change) = Update, "Merges changes into documents.";
    replace(document) = Replace, "Replaces documents.";
    delete() = Delete, "Deletes documents.";
    changes() = Changes, "A feed of changes.";
    sync() = Sync, "Makes soft writes durable.";
    eq_join(field, table) = EqJoin, "Joins by equality.";
    zip() = Zip, "Merges joined pairs.";
    default(value) = Default, "A replacement for what is missing.";
    coerce_to(kind) = CoerceTo, "Another type.";
    type_of() = TypeOf, "The name of the type.";
    info() = Info, "A description.";
    eq(other) = Eq, "Equality.";
    ne(other) = Ne, "Inequality.";
    lt(other) = Lt, "Less.";
    le(other) = Le, "Less or equal.";
    gt(other) = Gt, "Greater.";
    ge(other) = Ge, "Greater or equal.";
    and(other) = And, "Both.";
    or(other) = Or, "Either.";
    not() = Not, "Negation.";
    add(other) = Add, "Sum or concatenation.";
    sub(other) = Sub, "Difference.";
    mul(other) = Mul, "Product.";
    div(other) = Div, "Quotient.";
    rem(other) = Mod, "Remainder.";
    table_create(name) = TableCreate, "Creates a table in a database.";
    table_drop(name) = TableDrop, "Drops a table of a database.";
    table_list() = TableList, "The tables of a database.";
    index_create(name) = IndexCreate, "Creates an index of a field.";
    index_create_with(name, function) = IndexCreate, "Creates an index of a function.";
    index_drop(name) = IndexDrop, "Drops an index.";
    index_list() = IndexList, "The indexes of a table.";
    index_status() = IndexStatus, "The status of all indexes of a table.";
    index_wait() = IndexWait, "Waits for all indexes of a table.";
    wait() = Wait, "Waits until tables are ready.";
}

impl From<&Term> for Term {
    fn from(term: &Term) -> Self {
        term.clone()
    }
}

impl From<&str> for Term {
    fn from(value: &str) -> Self {
        Self { wire: text(value) }
    }
}

impl From<String> for Term {
    fn from(value: String) -> Self {
        Self::from(value.as_str())
    }
}

impl From<bool> for Term {
    fn from(value: bool) -> Self {
        Self { wire: value.to_string() }
    }
}

impl From<i32> for Term {
    fn from(value: i32) -> Self {
        Self { wire: value.to_string() }
    }
}

impl From<u32> for Term {
    fn from(value: u32) -> Self {
        Self { wire: value.to_string() }
    }
}

impl From<f64> for Term {
    /// Numbers that no value can be become null.
    fn from(value: f64) -> Self {
        Datum::number(value).unwrap_or(Datum::Null).into()
    }
}

impl From<&Ast> for Term {
    /// A term that was read from elsewhere, from text for example.
    fn from(ast: &Ast) -> Self {
        Self { wire: String::from_utf8(encode(ast, ast.root())).unwrap_or_default() }
    }
}

impl From<Datum> for Term {
    fn from(value: Datum) -> Self {
        Self::from(&value)
    }
}

impl From<&Datum> for Term {
    fn from(value: &Datum) -> Self {
        let mut literal = Ast::new();
        let root = literal.add_constant(value.clone());
        let wire = encode(&literal, root);
        Self { wire: String::from_utf8(wire).unwrap_or_default() }
    }
}

impl<T: Into<Term>> From<Vec<T>> for Term {
    fn from(items: Vec<T>) -> Self {
        let items: Vec<Self> = items.into_iter().map(Into::into).collect();
        Self::array(&items)
    }
}

fn variable(number: u64) -> Term {
    Term { wire: format!("[{},[{number}]]", TermType::Var.id()) }
}

/// Functions may stand within each other: each parameter has its own number.
fn fresh_variable() -> u64 {
    thread_local! {
        static NEXT: Cell<u64> = const { Cell::new(1) };
    }
    NEXT.with(|next| next.replace(next.get() + 1))
}

fn fields(options: &[(&str, Term)]) -> String {
    let fields: Vec<String> =
        options.iter().map(|(name, value)| format!("{}:{}", text(name), value.wire)).collect();
    format!("{{{}}}", fields.join(","))
}

fn text(text: &str) -> String {
    let mut out = Vec::new();
    json::write_string(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_written_as_drivers_write_them() {
        let cases = [
            (Term::db("d").table_of("t").get("k"), r#"[16,[[15,[[14,["d"]],"t"]],"k"]]"#),
            (Term::table("t").get_all("k").option("index", "i"), r#"[78,[[15,["t"]],"k"],{"index":"i"}]"#),
            (
                Term::table("t").changes().option("squash", true).option("include_initial", true),
                r#"[152,[[15,["t"]]],{"squash":true,"include_initial":true}]"#,
            ),
            (
                Term::table("t").insert(Term::object(&[("a", 1.into())])).option("conflict", "error"),
                r#"[56,[[15,["t"]],{"a":1}],{"conflict":"error"}]"#,
            ),
            (Term::table("t").insert(vec![1, 2]).count(), r#"[43,[[56,[[15,["t"]],[2,[1,2]]]]]]"#),
        ];
        for (term, wire) in cases {
            assert_eq!(term.wire(), wire);
            assert!(photondb_reql::decode_query(&term.start()).is_ok(), "{wire}");
        }
    }

    #[test]
    fn nested_functions_have_parameters_of_their_own() {
        let term = Term::table("t").map(Term::function(|outer| {
            Term::table("u").map(Term::function(move |inner| inner.add(outer.clone())))
        }));
        let ast = photondb_reql::decode_term(term.wire().as_bytes()).expect("valid");
        assert!(ast.free_variables(ast.root()).is_empty());
    }
}
