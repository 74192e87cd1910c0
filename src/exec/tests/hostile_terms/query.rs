//! Queries that no sane client sends: any term with any arguments.

use photondb_base::{Random, SeededRandom};
use photondb_reql::{Family, TERMS, TermInfo, TermType};

/// A query as a tree, so that it can be made smaller.
#[derive(Clone, Debug)]
pub enum Query {
    /// Something in its wire form.
    Literal(String),
    /// A term with its arguments and options.
    Call(TermType, Vec<Query>, Vec<(&'static str, Query)>),
}

/// Values, right and wrong ones.
const LITERALS: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "-0.0",
    "1",
    "-1",
    "2",
    "3",
    "0.5",
    "-2.5",
    "100",
    "100001",
    "4294967296",
    "9007199254740992",
    "-9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "1e19",
    "1e308",
    "-1e308",
    "5e-324",
    "253402300800",
    r#""""#,
    r#""a""#,
    r#""id""#,
    r#""A\u0000b""#,
    r#""\u0301é\ud83d\ude00""#,
    r#""[a-z""#,
    r#""(?:a*)*$""#,
    r#""+25:99""#,
    r#""+05:30""#,
    r#""2013-02-30T25:61:00Z""#,
    r#""2013-W07-1T24:00Z""#,
    r#""{\"a\":[1,{\"$reql_type$\":\"TIME\"}]}""#,
    r#""{0} {a} {""#,
    "[2,[]]",
    "[2,[1,2,3]]",
    "[2,[null,[2,[]],{},\"a\",1e308,[180,[]]]]",
    "[2,[{\"id\":1,\"a\":2},{\"a\":null},{\"id\":[2,[1]]}]]",
    "[2,[[2,[0,0]],[2,[0,1]],[2,[1,1]]]]",
    "{}",
    r#"{"a":1,"b":{"c":null}}"#,
    r#"{"id":1,"a":"x"}"#,
    r#"{"id":null}"#,
    r#"{"left":{"a":1},"right":{"b":2}}"#,
    r#"{"group":1,"reduction":2}"#,
    r#"{"a":true,"b":{"c":true},"d":[2,["e"]]}"#,
    r#"{"$reql_type$":"TIME","epoch_time":1e308,"timezone":"+00:00"}"#,
    r#"{"$reql_type$":"TIME","epoch_time":1375147296.681,"timezone":"-07:00"}"#,
    r#"{"$reql_type$":"BINARY","data":"AAEC"}"#,
    r#"{"$reql_type$":"BINARY","data":"not base64!"}"#,
    r#"{"$reql_type$":"GEOMETRY","type":"Point","coordinates":[2,[181,-91]]}"#,
    r#"{"$reql_type$":"GEOMETRY","type":"Polygon","coordinates":[2,[]]}"#,
    r#"{"$reql_type$":"GROUPED_DATA","data":[2,[]]}"#,
    r#"{"$reql_type$":7}"#,
    r#"{"type":"Point","coordinates":[2,[1,2]]}"#,
    r#"{"type":"LineString","coordinates":[2,[[2,[1,2]]]]}"#,
    // What options take.
    r#""open""#,
    r#""closed""#,
    r#""always""#,
    r#""error""#,
    r#""replace""#,
    r#""soft""#,
    r#""km""#,
    r#""unit_sphere""#,
    r#""m""#,
    r#""g""#,
];

/// What a type can be asked to become.
const TYPES: &[&str] = &[
    "ARRAY",
    "BINARY",
    "BOOL",
    "DB",
    "NULL",
    "NUMBER",
    "OBJECT",
    "STRING",
    "TABLE",
    "PTYPE<TIME>",
    "SELECTION",
];

/// Values that need terms to be made.
const MADE: &[&str] = &[
    "[180,[]]",
    "[181,[]]",
    "[103,[]]",
    "[155,[\"a\\u0000b\"]]",
    "[101,[-62167219201]]",
    "[159,[0,0]]",
    "[159,[179.9,-89.9]]",
    "[160,[[2,[0,0]],[2,[0.001,0.001]]]]",
    "[161,[[2,[0,0]],[2,[0,1]],[2,[1,1]]]]",
    "[165,[[2,[-122,37]],1000]]",
    "[26,[1e308,-1e308]]",
    "[27,[1,5e-324]]",
    "[12,[\"raised\"]]",
    "[12,[]]",
    "[13,[]]",
    "[137,[{\"a\":1}]]",
    "[137,[]]",
    "[144,[[2,[1,2,2]],[69,[[2,[900]],[10,[900]]]]]]",
    "[73,[\"a\"]]",
    "[74,[[69,[[2,[901]],[10,[901]]]]]]",
    "[154,[[2,[1,2]]]]",
    "[26,[[2,[1,2]],200]]",
    "[170,[{\"a\":1},\"b\"]]",
];

/// Sequences and whatever else comes from tables.
const SEQUENCES: &[&str] = &[
    "[15,[\"t\"]]",
    "[15,[\"t\"]]",
    "[15,[\"u\"]]",
    "[15,[\"absent\"]]",
    "[14,[\"test\"]]",
    "[16,[[15,[\"t\"]],1]]",
    "[16,[[15,[\"t\"]],77]]",
    "[78,[[15,[\"t\"]],1,2],{\"index\":\"a\"}]",
    "[182,[[15,[\"t\"]],[180,[]],[181,[]]]]",
    "[182,[[15,[\"t\"]],1,[181,[]]],{\"index\":\"m\"}]",
    "[41,[[15,[\"t\"]]],{\"index\":\"a\"}]",
    "[41,[[15,[\"t\"]],\"a\"]]",
    "[39,[[15,[\"t\"]],{\"a\":1}]]",
    "[39,[[15,[\"t\"]],true]]",
    "[71,[[15,[\"t\"]],2]]",
    "[144,[[15,[\"t\"]],\"a\"]]",
    "[152,[[15,[\"t\"]]]]",
    "[173,[]]",
    "[173,[5]]",
    "[173,[-9007199254740992,9007199254740992]]",
    "[50,[[15,[\"t\"]],\"a\",[15,[\"u\"]]]]",
    "[44,[[15,[\"t\"]],[15,[\"u\"]]]]",
    "[38,[[173,[3]],[69,[[2,[902]],[10,[902]]]]]]",
];

/// Makes queries.
pub struct Generator<'a> {
    random: &'a SeededRandom,
    /// Parameters of the functions around.
    variables: Vec<u64>,
    variables_made: u64,
}

impl<'a> Generator<'a> {
    pub fn new(random: &'a SeededRandom) -> Self {
        Self { random, variables: Vec::new(), variables_made: 0 }
    }

    /// A call of the term with arguments of a depth.
    pub fn call(&mut self, info: &TermInfo, depth: u64) -> Query {
        if info.term == TermType::Func {
            return self.function(depth);
        }
        let (min, max) = (info.arity.min(), info.arity.max().unwrap_or(info.arity.min() + 2));
        let mut count = min + self.below((max - min + 1) as u64) as usize;
        if self.chance(2) {
            count = if self.chance(50) { count + 1 } else { count.saturating_sub(1) };
        }
        let args = (0..count).map(|position| self.argument(info, position, depth)).collect();
        let mut options = Vec::new();
        for name in info.optargs {
            if self.chance(20) {
                options.push((*name, self.value(depth.saturating_sub(1))));
            }
        }
        if self.chance(1) {
            options.push(("no_such_option", self.literal()));
        }
        Query::Call(info.term, args, options)
    }

    fn argument(&mut self, info: &TermInfo, position: usize, depth: u64) -> Query {
        if self.chance(35) {
            return self.value(depth.saturating_sub(1));
        }
        // Most of what a term does comes after its first argument has been taken.
        let text = |pool: &[&str], index: u64| Query::Literal(pool[index as usize].to_owned());
        let pick = |pool: &'static [&'static str]| text(pool, self.below(pool.len() as u64));
        match (info.family, position) {
            (Family::Transformation | Family::Aggregation | Family::Join | Family::Selection, 0)
            | (Family::Write | Family::Index, 0) => pick(SEQUENCES),
            (Family::Join, 1 | 2) if self.chance(50) => pick(SEQUENCES),
            (Family::Transformation | Family::Aggregation | Family::Join | Family::Write, _)
                if self.chance(60) =>
            {
                self.function(depth.saturating_sub(1))
            }
            (Family::Document, 0) => pick(&[
                r#"{"a":1,"b":{"c":null}}"#,
                "[15,[\"t\"]]",
                "[16,[[15,[\"t\"]],1]]",
                "[2,[{\"a\":1},{\"b\":{\"c\":2}}]]",
            ]),
            (Family::Array, 0) => pick(&["[2,[]]", "[2,[1,2,3]]", "[2,[null,\"a\",{},[2,[]]]]"]),
            (Family::String, 0) => pick(&[r#""""#, r#""a b ""#, r#""éZ\u0000""#, r#""[1,{\"a\":null}]""#]),
            (Family::Time, 0) => {
                pick(&["[103,[]]", "[101,[-62167219201]]", "[101,[253402300799.9]]", "2013"])
            }
            (Family::Geography, 0) => pick(&[
                "[159,[0,0]]",
                "[15,[\"t\"]]",
                "[160,[[2,[0,0]],[2,[0.001,0.001]]]]",
                "[161,[[2,[0,0]],[2,[0,1]],[2,[1,1]]]]",
                "[2,[10,10]]",
            ]),
            (Family::Control, 1) if info.term == TermType::CoerceTo => {
                Query::Literal(format!("{:?}", TYPES[self.below(TYPES.len() as u64) as usize]))
            }
            _ => self.value(depth.saturating_sub(1)),
        }
    }

    /// Anything that may stand as an argument.
    fn value(&mut self, depth: u64) -> Query {
        if depth > 0 && self.chance(40) {
            let info = &TERMS[self.below(TERMS.len() as u64) as usize];
            return self.call(info, depth);
        }
        match self.below(10) {
            0 => self.function(depth),
            1 | 2 => Query::Literal(MADE[self.below(MADE.len() as u64) as usize].to_owned()),
            3 => Query::Literal(SEQUENCES[self.below(SEQUENCES.len() as u64) as usize].to_owned()),
            4 if !self.variables.is_empty() => {
                let variable = self.variables[self.below(self.variables.len() as u64) as usize];
                Query::Literal(format!("[10,[{variable}]]"))
            }
            5 if self.chance(20) => {
                let depth = self.below(700) as usize;
                Query::Literal(format!("{}1{}", "[2,[".repeat(depth), "]]".repeat(depth)))
            }
            _ => self.literal(),
        }
    }

    fn literal(&self) -> Query {
        Query::Literal(LITERALS[self.below(LITERALS.len() as u64) as usize].to_owned())
    }

    fn function(&mut self, depth: u64) -> Query {
        let arity = [0, 1, 1, 1, 1, 2, 2, 3][self.below(8) as usize];
        let outer = self.variables.len();
        for _ in 0..arity {
            self.variables_made += 1;
            self.variables.push(self.variables_made);
        }
        let names: Vec<String> = self.variables[outer..].iter().map(ToString::to_string).collect();
        let body = self.value(depth);
        self.variables.truncate(outer);
        let parameters = Query::Literal(format!("[2,[{}]]", names.join(",")));
        Query::Call(TermType::Func, vec![parameters, body], Vec::new())
    }

    fn below(&self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    fn chance(&self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

impl Query {
    /// The query as drivers send it.
    pub fn wire(&self) -> String {
        match self {
            Self::Literal(wire) => wire.clone(),
            Self::Call(term, args, options) => {
                let args: Vec<String> = args.iter().map(Self::wire).collect();
                let options: Vec<String> =
                    options.iter().map(|(name, value)| format!("\"{name}\":{}", value.wire())).collect();
                format!("[{},[{}],{{{}}}]", term.id(), args.join(","), options.join(","))
            }
        }
    }

    /// Queries that are a little smaller.
    pub fn smaller(&self) -> Vec<Self> {
        let Self::Call(term, args, options) = self else { return Vec::new() };
        let mut smaller: Vec<Self> =
            args.iter().chain(options.iter().map(|(_, value)| value)).cloned().collect();
        for position in 0..options.len() {
            let mut fewer = options.clone();
            fewer.remove(position);
            smaller.push(Self::Call(*term, args.clone(), fewer));
        }
        for (position, arg) in args.iter().enumerate() {
            for replacement in arg.smaller() {
                let mut args = args.clone();
                args[position] = replacement;
                smaller.push(Self::Call(*term, args, options.clone()));
            }
        }
        for (position, (name, value)) in options.iter().enumerate() {
            for replacement in value.smaller() {
                let mut options = options.clone();
                options[position] = (name, replacement);
                smaller.push(Self::Call(*term, args.clone(), options));
            }
        }
        smaller
    }

    /// Whether the query may change tables, so that the next one needs new ones.
    pub fn writes(&self) -> bool {
        let Self::Call(term, args, options) = self else { return false };
        term.info().effect == photondb_reql::Effect::Write
            || args.iter().chain(options.iter().map(|(_, value)| value)).any(Self::writes)
    }
}
