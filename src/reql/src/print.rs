//! Terms as text, in the JavaScript form in which RethinkDB shows index functions.

use photondb_datum::Datum;

use crate::index_function::IndexFunction;
use crate::{Ast, Family, Node, TermId, TermType};

/// Beyond this depth a term is printed as an ellipsis.
const DEPTH_MAX: usize = 15;
const ELLIPSIS: &str = "...";

/// An expression in one line, `r.table("x").get(1)`.
pub fn print_term(ast: &Ast, id: TermId) -> String {
    let mut printer = Printer::new(ast);
    printer.expression(id);
    printer.out
}

/// A `FUNC` node in one line, `function(_var19) { return _var19.getField("g"); }`.
pub fn print_function(ast: &Ast, id: TermId) -> String {
    let mut printer = Printer::new(ast);
    printer.function(id);
    printer.out
}

/// The `query` of an index status.
pub fn print_index_create(name: &str, index: &IndexFunction) -> String {
    let function = print_function(&index.function, index.function.root());
    let options = [("multi", index.multi), ("geo", index.geo), ("unique", index.unique)];
    let set: Vec<String> =
        options.iter().filter(|(_, set)| *set).map(|(name, _)| format!("{name}: true")).collect();
    match set.is_empty() {
        true => format!("indexCreate('{name}', {function})"),
        false => format!("indexCreate('{name}', {function}, {{{}}})", set.join(", ")),
    }
}

/// The `query` of a write hook.
pub fn print_write_hook(ast: &Ast, function: TermId) -> String {
    format!("setWriteHook({})", print_function(ast, function))
}

struct Printer<'a> {
    ast: &'a Ast,
    out: String,
    depth: usize,
    /// Inside an argument list or `r.expr`, where literals need no wrapping.
    wrapped: bool,
}

impl<'a> Printer<'a> {
    fn new(ast: &'a Ast) -> Self {
        Self { ast, out: String::new(), depth: 0, wrapped: false }
    }

    fn expression(&mut self, id: TermId) {
        if self.depth == DEPTH_MAX {
            self.out.push_str(ELLIPSIS);
            return;
        }
        self.depth += 1;
        let wrapped_before = self.wrapped;
        match self.ast.node(id) {
            Node::Constant(value) => self.literal(value),
            Node::Term { term, .. } => self.term(id, *term),
        }
        self.wrapped = wrapped_before;
        self.depth -= 1;
    }

    fn term(&mut self, id: TermId, term: TermType) {
        match term {
            TermType::MakeArray => self.array(id),
            TermType::MakeObj => self.object(id),
            TermType::Func => self.function(id),
            TermType::Var => self.variable(id),
            TermType::ImplicitVar => self.out.push_str("r.row"),
            TermType::Funcall if self.ast.args(id).len() != 2 => self.call(id),
            _ if chains(self.ast, id) => self.chain(id),
            _ if is_bare(term) && self.ast.args(id).is_empty() => {
                self.out.push_str("r.");
                self.out.push_str(&name(term));
            }
            _ => {
                self.out.push_str("r.");
                self.out.push_str(&name(term));
                self.out.push('(');
                self.arguments(id, 0);
                self.out.push(')');
            }
        }
    }

    /// `first.name(rest, {options})`
    fn chain(&mut self, id: TermId) {
        let args = self.ast.args(id);
        let term = self.ast.term_type(id);
        let subject = if term == TermType::Funcall { args.get(1) } else { args.first() };
        match subject {
            Some(subject) => self.subject(*subject),
            None => self.out.push('r'),
        }
        match term {
            TermType::Bracket => {
                self.out.push('(');
                self.arguments(id, 1);
            }
            TermType::Funcall => {
                self.out.push_str(".do(");
                let wrapped_before = std::mem::replace(&mut self.wrapped, true);
                self.expression(args[0]);
                self.wrapped = wrapped_before;
            }
            _ => {
                self.out.push('.');
                self.out.push_str(&name(term));
                self.out.push('(');
                self.arguments(id, 1);
            }
        }
        self.out.push(')');
    }

    /// What stands left of a dot: never a bare literal.
    fn subject(&mut self, id: TermId) {
        let wrapped_before = std::mem::replace(&mut self.wrapped, false);
        self.expression(id);
        self.wrapped = wrapped_before;
    }

    /// `r.do(arguments, function)`
    fn call(&mut self, id: TermId) {
        let args = self.ast.args(id);
        self.out.push_str("r.do(");
        let wrapped_before = std::mem::replace(&mut self.wrapped, true);
        for arg in args.iter().skip(1) {
            self.expression(*arg);
            self.out.push_str(", ");
        }
        if let Some(function) = args.first() {
            self.expression(*function);
        }
        self.wrapped = wrapped_before;
        self.out.push(')');
    }

    fn arguments(&mut self, id: TermId, skip: usize) {
        let wrapped_before = std::mem::replace(&mut self.wrapped, true);
        let args = self.ast.args(id).get(skip..).unwrap_or_default();
        let optargs = self.ast.optargs(id);
        for (position, arg) in args.iter().enumerate() {
            if position > 0 {
                self.out.push_str(", ");
            }
            self.expression(*arg);
        }
        if !optargs.is_empty() {
            if !args.is_empty() {
                self.out.push_str(", ");
            }
            self.out.push('{');
            for (position, (key, value)) in optargs.iter().enumerate() {
                if position > 0 {
                    self.out.push_str(", ");
                }
                self.out.push('"');
                self.out.push_str(&camel_case(key.as_str()));
                self.out.push_str("\": ");
                self.expression(*value);
            }
            self.out.push('}');
        }
        self.wrapped = wrapped_before;
    }

    fn array(&mut self, id: TermId) {
        let opened = self.open_expr();
        self.out.push('[');
        for (position, arg) in self.ast.args(id).iter().enumerate() {
            if position > 0 {
                self.out.push_str(", ");
            }
            self.expression(*arg);
        }
        self.out.push(']');
        self.close_expr(opened);
    }

    fn object(&mut self, id: TermId) {
        let natural = std::mem::replace(&mut self.wrapped, true);
        self.out.push_str(if natural { "{" } else { "r.object(" });
        for (position, (key, value)) in self.ast.optargs(id).iter().enumerate() {
            if position > 0 {
                self.out.push_str(", ");
            }
            self.out.push('"');
            self.out.push_str(key.as_str());
            self.out.push_str(if natural { "\": " } else { "\", " });
            self.expression(*value);
        }
        self.out.push_str(if natural { "}" } else { ")" });
    }

    fn literal(&mut self, value: &Datum) {
        if let (Datum::Object(object), false) = (value, self.wrapped) {
            self.out.push_str("r.object(");
            for (position, (key, field)) in object.iter().enumerate() {
                if position > 0 {
                    self.out.push_str(", ");
                }
                self.out.push('"');
                self.out.push_str(key.as_str());
                self.out.push_str("\", ");
                datum(&field, &mut self.out);
            }
            self.out.push(')');
            return;
        }
        let opened = self.open_expr();
        datum(value, &mut self.out);
        self.close_expr(opened);
    }

    fn open_expr(&mut self) -> bool {
        let open = !std::mem::replace(&mut self.wrapped, true);
        if open {
            self.out.push_str("r.expr(");
        }
        open
    }

    fn close_expr(&mut self, opened: bool) {
        if opened {
            self.out.push(')');
        }
    }

    fn function(&mut self, id: TermId) {
        self.out.push_str("function(");
        for (position, parameter) in self.ast.parameters(id).unwrap_or_default().iter().enumerate() {
            if position > 0 {
                self.out.push_str(", ");
            }
            self.out.push_str(&parameter.to_string());
        }
        self.out.push_str(") { return ");
        if let Some(body) = self.ast.args(id).get(1) {
            let wrapped_before = std::mem::replace(&mut self.wrapped, false);
            self.expression(*body);
            self.wrapped = wrapped_before;
        }
        self.out.push_str("; }");
    }

    fn variable(&mut self, id: TermId) {
        match self.ast.variable(id) {
            Some(variable) => self.out.push_str(&variable.to_string()),
            None => self.out.push_str(ELLIPSIS),
        }
    }
}

fn datum(value: &Datum, out: &mut String) {
    match value {
        Datum::MinVal => out.push_str("r.minval"),
        Datum::MaxVal => out.push_str("r.maxval"),
        Datum::Null => out.push_str("null"),
        Datum::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Datum::Number(number) => number_text(*number, out),
        Datum::String(text) => {
            out.push('"');
            out.push_str(text.as_str());
            out.push('"');
        }
        Datum::Binary(_) => {
            out.push_str("Buffer(");
            out.push_str(ELLIPSIS);
            out.push(')');
        }
        Datum::Array(array) => {
            out.push('[');
            for (position, item) in array.iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                datum(&item, out);
            }
            out.push(']');
        }
        Datum::Object(object) => {
            out.push('{');
            for (position, (key, field)) in object.iter().enumerate() {
                if position > 0 {
                    out.push_str(", ");
                }
                out.push('"');
                out.push_str(key.as_str());
                out.push_str("\": ");
                datum(&field, out);
            }
            out.push('}');
        }
    }
}

/// Integers without a point, everything else with six decimals, as RethinkDB does here.
fn number_text(number: f64, out: &mut String) {
    use std::fmt::Write;
    let written = if number.fract() == 0.0 { write!(out, "{number:.0}") } else { write!(out, "{number:.6}") };
    debug_assert!(written.is_ok(), "writing to a string cannot fail");
}

fn name(term: TermType) -> String {
    match term {
        TermType::Javascript => "js".to_owned(),
        TermType::Funcall => "do".to_owned(),
        _ => camel_case(&term.name().to_ascii_lowercase()),
    }
}

pub(crate) fn camel_case(snake: &str) -> String {
    let mut out = String::with_capacity(snake.len());
    let mut upper = false;
    for character in snake.chars() {
        if character == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            out.extend(character.to_uppercase());
        } else {
            out.push(character);
        }
    }
    out
}

/// Whether a term reads as a method of its first argument.
fn chains(ast: &Ast, id: TermId) -> bool {
    let term = ast.term_type(id);
    match term {
        TermType::Table | TermType::Funcall => ast.args(id).len() == 2,
        TermType::Not
        | TermType::Error
        | TermType::Uuid
        | TermType::Http
        | TermType::Db
        | TermType::DbCreate
        | TermType::DbDrop
        | TermType::DbList
        | TermType::Object
        | TermType::Range
        | TermType::Branch
        | TermType::Or
        | TermType::And
        | TermType::Json
        | TermType::Iso8601
        | TermType::EpochTime
        | TermType::Now
        | TermType::Time
        | TermType::Literal
        | TermType::Random
        | TermType::GeoJson
        | TermType::Point
        | TermType::Line
        | TermType::Polygon
        | TermType::Circle
        | TermType::Args
        | TermType::Javascript
        | TermType::Asc
        | TermType::Desc => false,
        TermType::Mod | TermType::Add | TermType::Sub | TermType::Mul | TermType::Div => false,
        _ => term.info().family != Family::Comparison && !is_bare(term) && !ast.args(id).is_empty(),
    }
}

/// Whether a term without arguments is printed without parentheses.
pub(crate) fn is_bare(term: TermType) -> bool {
    matches!(term, TermType::Minval | TermType::Maxval | TermType::ImplicitVar)
        || (TermType::Monday.id()..=TermType::December.id()).contains(&term.id())
}

#[cfg(test)]
mod tests {
    use crate::{decode_term, print_term};

    #[test]
    fn terms_read_as_javascript() {
        let cases = [
            (r#"[16,[[15,[[14,["d"]],"t"]],1]]"#, r#"r.db("d").table("t").get(1)"#),
            (r#"[15,["t"]]"#, r#"r.table("t")"#),
            (r#"[24,[1,[10,[3]]]]"#, "r.add(1, var3)"),
            (r#"[170,[[10,[-19]],"a"]]"#, r#"_var19("a")"#),
            (r#"[2,[1,"a",null]]"#, r#"r.expr([1, "a", null])"#),
            (r#"{"a":{"b":1}}"#, r#"r.object("a", {"b": 1})"#),
            (r#"{"a":{"b":[13]}}"#, r#"r.object("a", {"b": r.row})"#),
            (r#"[30,[[13],1],{"right_bound":"open"}]"#, r#"r.row.slice(1, {"rightBound": "open"})"#),
            (r#"[64,[[69,[[2,[1]],[10,[1]]]],5]]"#, "r.expr(5).do(function(var1) { return var1; })"),
            (r#"[43,[[115,[]]]]"#, "r.february.count()"),
            (r#"[103]"#, "r.now()"),
            (r#"[180]"#, "r.minval"),
            (r#"[24,[1.5,2]]"#, "r.add(1.500000, 2)"),
        ];
        for (text, printed) in cases {
            let ast = decode_term(text.as_bytes()).expect(text);
            assert_eq!(print_term(&ast, ast.root()), printed, "{text}");
        }
        let deep = format!("{}1{}", "[23,[".repeat(100), "]]".repeat(100));
        let ast = decode_term(deep.as_bytes()).expect("valid");
        assert!(print_term(&ast, ast.root()).contains("..."));
    }
}
