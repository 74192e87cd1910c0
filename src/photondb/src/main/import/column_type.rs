//! What the cells of a CSV file mean.

use std::str::FromStr;

use photondb_datum::Datum;
use photondb_datum::json::{self, ParseLimits};
use photondb_datum::pseudo::{parse_iso8601, time};

/// Times without an offset are taken as UTC.
const TIME_ZONE_DEFAULT: &str = "+00:00";

/// What a cell is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    String,
    Number,
    Bool,
    Time,
    Json,
}

/// A column and its type, as in `age:number`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypedColumn {
    pub name: String,
    pub kind: ColumnType,
}

const NAMES: [(&str, ColumnType); 5] = [
    ("string", ColumnType::String),
    ("number", ColumnType::Number),
    ("bool", ColumnType::Bool),
    ("time", ColumnType::Time),
    ("json", ColumnType::Json),
];

impl ColumnType {
    /// The value of a cell, or what is wrong with it.
    pub fn read(self, cell: &str) -> Result<Datum, String> {
        let wrong = |what: &str| format!("`{cell}` is no {what}");
        match self {
            Self::String => Ok(Datum::string(cell)),
            Self::Number => {
                let number = cell.trim().parse::<f64>().map_err(|_| wrong("number"))?;
                Datum::number(number).map_err(|_| wrong("finite number"))
            }
            Self::Bool => match cell.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" => Ok(Datum::Bool(true)),
                "false" | "no" | "0" => Ok(Datum::Bool(false)),
                _ => Err(wrong("truth value: true, false, yes, no, 1 or 0")),
            },
            Self::Time => Self::time(cell.trim()).ok_or_else(|| {
                wrong("time: ISO 8601, seconds since 1970, or a time as the export writes it")
            }),
            Self::Json => json::parse(cell.as_bytes(), ParseLimits::default())
                .map_err(|error| format!("`{cell}` is no JSON: {error}")),
        }
    }

    fn time(cell: &str) -> Option<Datum> {
        if cell.starts_with('{') {
            let parsed = json::parse(cell.as_bytes(), ParseLimits::default()).ok()?;
            return parsed.is_time().then_some(parsed);
        }
        match cell.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() => Some(time(seconds, TIME_ZONE_DEFAULT)),
            _ => parse_iso8601(cell, Some(TIME_ZONE_DEFAULT)).ok(),
        }
    }
}

impl FromStr for TypedColumn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let names = || NAMES.map(|(name, _)| name).join(", ");
        let Some((name, kind)) = text.rsplit_once(':') else {
            return Err(format!("`{text}` should be FIELD:TYPE; types are {}", names()));
        };
        let known = NAMES.iter().find(|(known, _)| *known == kind);
        let kind = known.ok_or_else(|| format!("`{kind}` is no type; types are {}", names()))?.1;
        Ok(Self { name: name.to_owned(), kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_become_values() {
        for (kind, cell, value) in [
            (ColumnType::String, "01", Datum::from("01")),
            (ColumnType::Number, " 1.5e3 ", Datum::Number(1500.0)),
            (ColumnType::Bool, "Yes", Datum::Bool(true)),
            (ColumnType::Bool, "0", Datum::Bool(false)),
            (ColumnType::Time, "0", time(0.0, "+00:00")),
            (ColumnType::Time, "1970-01-01T01:00:00+01:00", time(0.0, "+01:00")),
            (ColumnType::Time, "1970-01-02", time(86_400.0, "+00:00")),
            (
                ColumnType::Time,
                "{\"$reql_type$\":\"TIME\",\"epoch_time\":1,\"timezone\":\"+02:00\"}",
                time(1.0, "+02:00"),
            ),
            (ColumnType::Json, "[1,null]", Datum::array([Datum::from(1), Datum::Null])),
        ] {
            assert_eq!(kind.read(cell), Ok(value), "{cell}");
        }
        for (kind, cell, said) in [
            (ColumnType::Number, "x", "`x` is no number"),
            (ColumnType::Number, "inf", "`inf` is no finite number"),
            (ColumnType::Bool, "maybe", "no truth value"),
            (ColumnType::Time, "soon", "no time"),
            (ColumnType::Time, "{}", "no time"),
            (ColumnType::Json, "[1", "no JSON"),
        ] {
            let error = kind.read(cell).expect_err(cell);
            assert!(error.contains(said), "{cell}: {error}");
        }
    }

    #[test]
    fn columns_are_typed() {
        let column = TypedColumn { name: "a:b".to_owned(), kind: ColumnType::Time };
        assert_eq!("a:b:time".parse(), Ok(column));
        let error = "age:int".parse::<TypedColumn>().expect_err("no type");
        assert_eq!(error, "`int` is no type; types are string, number, bool, time, json");
        assert!("age".parse::<TypedColumn>().is_err());
    }
}
