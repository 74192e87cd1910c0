//! Terms as drivers write them nearly always, read by recursion.
//!
//! Whatever is unusual here (a raw datum, escapes in names, a literal that is no JSON, many
//! levels, a mistake) is given up, and the decoder begins again, which knows what to make of it
//! and where a mistake stands.

use photondb_datum::{Datum, Text};

use crate::direct::{self, Literal};
use crate::lexer::Kind;
use crate::literal::pack;
use crate::term_decoder::TermDecoder;
use crate::{Args, Optargs, TermId, TermType};

/// Terms below so many others are unusual: this is read on the stack of whoever serves a query.
const LEVELS_MAX: usize = 48;
/// How often the text of something that turns out to be no literal is read to see whether it is.
const TRIES_MAX: usize = 4;

impl TermDecoder<'_> {
    /// A whole term, or nothing: then nothing was taken.
    pub(crate) fn usual(&mut self) -> Option<TermId> {
        let (position, nodes) = (self.lexer.position(), self.ast.len());
        let (is_checked, has_write) = (self.is_checked, self.has_write);
        let term = self.usual_value(LEVELS_MAX, TRIES_MAX);
        if term.is_none() {
            self.lexer.go_to(position);
            self.ast.truncate(nodes);
            (self.is_checked, self.has_write) = (is_checked, has_write);
        }
        term
    }

    fn usual_value(&mut self, levels: usize, tries: usize) -> Option<TermId> {
        let levels = levels.checked_sub(1)?;
        match self.lexer.kind().ok()? {
            Kind::Array => {
                if self.lexer.is_next(b"[2,") {
                    return match self.usual_literal(tries) {
                        Some(literal) => Some(literal),
                        None => self.usual_term(levels, tries.saturating_sub(1)),
                    };
                }
                self.usual_term(levels, tries)
            }
            Kind::Object => match self.usual_literal(tries) {
                Some(literal) => Some(literal),
                None => self.usual_object(levels, tries.saturating_sub(1)),
            },
            _ => {
                let value = pack(self.lexer.scalar().ok()?).ok()?;
                Some(self.ast.add_constant(value))
            }
        }
    }

    /// An object or the term of an array, with nothing but values in it.
    fn usual_literal(&mut self, tries: usize) -> Option<TermId> {
        if tries == 0 {
            return None;
        }
        let start = self.lexer.position();
        let Literal { value, bytes, items_max } = direct::literal(self.text?.get(start..)?)?;
        self.lexer.go_to(start + bytes);
        self.ast.note_array_size(items_max);
        Some(self.ast.add_constant(value))
    }

    /// `[number]`, `[number, arguments]` or `[number, arguments, options]`
    fn usual_term(&mut self, levels: usize, tries: usize) -> Option<TermId> {
        self.lexer.expect(b'[').ok()?;
        let (number, _) = self.number().ok()?;
        let term = TermType::from_id(number?)?;
        if matches!(term, TermType::Datum | TermType::MakeObj) {
            return None;
        }
        let (mut args, mut optargs) = (Args::new(), Optargs::new());
        if self.lexer.take(b',') {
            self.lexer.expect(b'[').ok()?;
            let mut first = true;
            while self.lexer.element(&mut first, b']').ok()? {
                args.push(self.usual_value(levels, tries)?);
            }
            if self.lexer.take(b',') {
                optargs = self.usual_fields(term, levels, tries)?;
            }
        }
        self.lexer.expect(b']').ok()?;
        if term == TermType::MakeArray && (self.are_literals(&args, &optargs) || !optargs.is_empty()) {
            return None;
        }
        Some(self.add_term(term, args, optargs))
    }

    fn usual_object(&mut self, levels: usize, tries: usize) -> Option<TermId> {
        let fields = self.usual_fields(TermType::MakeObj, levels, tries)?;
        if self.are_literals(&[], &fields) {
            return None;
        }
        Some(self.add_term(TermType::MakeObj, Args::new(), fields))
    }

    /// Options of a term, or fields of an object that has something else than values in it.
    fn usual_fields(&mut self, term: TermType, levels: usize, tries: usize) -> Option<Optargs> {
        self.lexer.expect(b'{').ok()?;
        let (mut fields, mut first) = (Optargs::new(), true);
        while self.lexer.element(&mut first, b'}').ok()? {
            let name = self.usual_name(term)?;
            if fields.iter().any(|(other, _)| *other == name) {
                return None;
            }
            fields.push((name, self.usual_value(levels, tries)?));
        }
        Some(fields)
    }

    /// The name of a field and the colon after it. Those of options lie in memory already.
    fn usual_name(&mut self, term: TermType) -> Option<Text> {
        let quoted = self.lexer.scalar().ok()?;
        let name = quoted.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        self.lexer.expect(b':').ok()?;
        if let Some(known) = term.info().optargs.iter().find(|known| known.as_bytes() == name) {
            return Some(Text::from_static(known));
        }
        match pack(quoted) {
            Ok(Datum::String(name)) => Some(name),
            _ => None,
        }
    }

    fn are_literals(&self, args: &[TermId], fields: &[(Text, TermId)]) -> bool {
        let mut parts = args.iter().chain(fields.iter().map(|(_, part)| part));
        parts.all(|part| self.ast.constant(*part).is_some())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads the text in both ways; whether it is usual.
    fn both(text: &str) -> bool {
        let (mut usual, mut any) = (TermDecoder::new(text.as_bytes()), TermDecoder::new(text.as_bytes()));
        let Some(root) = usual.usual() else {
            assert_eq!((usual.lexer.position(), usual.ast.len()), (0, 0), "{text}");
            return false;
        };
        let expected = any.any_node().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(usual.ast.same(root, &any.ast, expected), "{text}: {:?} {:?}", usual.ast, any.ast);
        assert_eq!(usual.lexer.position(), any.lexer.position(), "{text}");
        assert_eq!((usual.is_checked, usual.has_write), (any.is_checked, any.has_write), "{text}");
        true
    }

    #[test]
    fn what_drivers_write_is_usual() {
        let table = r#"[15,[[14,["test"]],"heroes"]]"#;
        let deep = "[23,[".repeat(40) + "true" + &"]]".repeat(40);
        let texts = [
            "1",
            "-0.5e3",
            "null",
            r#""a\né""#,
            "[13]",
            "[13,[]]",
            "[2,[]]",
            "[2, [1, [2,[\"x\"]], {\"a\" : null}]]",
            "{}",
            table,
            &format!(r#"[16,[{table},"key"]]"#),
            &format!(
                r#"[53,[[16,[{table},1]],[69,[[2,[1]],{{"c":[24,[[31,[[10,[1]],"c"]],1]]}}]]],{{"durability":"soft"}}]"#
            ),
            &format!(
                r#"[56,[{table},[2,[{{"a":[2,[1,2]]}},{{"at":[103,[]],"b":{{"c":[2,[]]}}}}]]],{{"conflict":"replace","return_changes":true}}]"#
            ),
            &format!(r#"[56,[{table},{{"at":{{"$reql_type$":"BINARY","data":"YQ=="}}}}]]"#),
            &format!(r#"[41,[{table}],{{"index":"a\"b"}}]"#),
            "[2,[[2,[1]],[24,[1,2]]]]",
            &deep,
        ];
        for text in texts {
            assert!(both(text), "{text}");
        }
    }

    #[test]
    fn the_unusual_is_given_up() {
        let deep = "[23,[".repeat(60) + "true" + &"]]".repeat(60);
        let texts = [
            "",
            "[",
            "x",
            "[999]",
            "[1,[1]]",
            "[2,[1],{}]",
            "[3,[]]",
            "[3,[],{\"a\":1}]",
            "[24,{}]",
            "[24,[1,2],{},1]",
            "[24,[1,]]",
            "[24,[1],{\"a\":1,\"a\":2}]",
            "{\"a\":1,\"a\":2}",
            "{\"a\":[13],\"a\":1}",
            "{\"$reql_type$\":\"TIME\"}",
            "{\"a\":1e999}",
            "[24,[1e999]]",
            &deep,
        ];
        for text in texts {
            assert!(!both(text), "{text}");
        }
        assert!(TermDecoder::new(b"{\"a\":\"\xff\"}").usual().is_none());
        assert!(TermDecoder::new(b"[14,[\"\xff\"]]").usual().is_none());
    }

    fn any_term() -> impl Strategy<Value = String> {
        let scalars = [
            "1",
            "0",
            "-2.5",
            "1e400",
            "null",
            "true",
            "tru",
            "\"a\"",
            "\"\\u00e9\"",
            "\"\\\"",
            "{}",
            "[13]",
            "[2]",
        ];
        let name = prop::sample::select(vec!["\"a\"", "\"b\"", "\"index\"", "\"\\u0061\"", "1"]);
        let leaf = prop::sample::select(scalars.to_vec()).prop_map(str::to_owned);
        leaf.prop_recursive(6, 40, 4, move |inner| {
            let fields = prop::collection::vec((name.clone(), inner.clone()), 0..3).prop_map(|fields| {
                let fields: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                format!("{{{}}}", fields.join(","))
            });
            let number = prop::sample::select(vec![1, 2, 2, 2, 3, 24, 39, 56, 69, 73, 154]);
            let args = prop::collection::vec(inner, 0..4).prop_map(|args| format!("[{}]", args.join(", ")));
            let term =
                (number, args, prop::option::of(fields.clone())).prop_map(|(number, args, options)| {
                    match options {
                        Some(options) => format!("[{number},{args},{options}]"),
                        None => format!("[{number},{args}]"),
                    }
                });
            prop_oneof![fields, term]
        })
    }

    proptest! {
        #[test]
        fn both_ways_read_the_same(text in any_term()) {
            both(&text);
        }
    }
}
