//! All terms, one file per family. This file only says which file a term is in, and how
//! a term is applied to grouped data.

pub(crate) mod aggregation;
pub(crate) mod arithmetic;
pub(crate) mod array;
pub(crate) mod binary;
pub(crate) mod comparison;
pub(crate) mod control;
pub(crate) mod conversion;
pub(crate) mod document;
pub(crate) mod feed;
pub(crate) mod geometry;
pub(crate) mod grouping;
pub(crate) mod http;
pub(crate) mod index;
pub(crate) mod join;
pub(crate) mod json;
pub(crate) mod merge;
pub(crate) mod meta;
pub(crate) mod object;
pub(crate) mod order;
pub(crate) mod random;
pub(crate) mod script;
pub(crate) mod string;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod transform;
pub(crate) mod write;

use photondb_plan::{Call, Expression, Operation};
use photondb_reql::TermType as T;

use crate::error::{EvalError, Result};
use crate::evaluate::{self, Invocation};
use crate::value::{Kind, Value};

/// Terms whose arguments are known only now, or whose first argument may be grouped.
pub(crate) fn evaluate_rare(call: &Invocation<'_>) -> Result<Value> {
    if call.spliced() {
        let spliced = splice(call)?;
        let call = Invocation { call: &spliced, ..*call };
        return if maps_over_groups(&call) { grouping::apply(&call) } else { dispatch(&call) };
    }
    if maps_over_groups(call) { grouping::apply(call) } else { dispatch(call) }
}

/// Whether a term is applied to each group of a grouped first argument.
fn maps_over_groups(call: &Invocation<'_>) -> bool {
    let special = matches!(
        call.call.term,
        T::Group
            | T::Ungroup
            | T::TypeOf
            | T::Info
            | T::Branch
            | T::Default
            | T::Funcall
            | T::MakeObj
            | T::MakeArray
    );
    !special && call.call.arguments.first().is_some_and(|first| first.grouped)
}

/// The call with the elements of `r.args` in their places.
fn splice(call: &Invocation<'_>) -> Result<Call> {
    let mut arguments: Vec<Expression> = Vec::new();
    for argument in &call.call.arguments {
        match &argument.operation {
            Operation::Call(inner) if inner.term == T::Args => {
                let list = inner
                    .arguments
                    .first()
                    .ok_or_else(|| EvalError::logic("Expected 1 argument but found 0."))?;
                let items = match evaluate::value(call.env, list, call.frame)? {
                    Value { kind: Kind::Datum(photondb_datum::Datum::Array(items)), .. } => items.into_vec(),
                    value => crate::sequence::Sequence::from_value(value)
                        .and_then(|sequence| sequence.collect(call.env))
                        .map_err(|error| error.at(argument.site))?
                        .into_vec(),
                };
                arguments.extend(items.into_iter().map(|item| Expression {
                    operation: Operation::Constant(item),
                    site: argument.site,
                    grouped: false,
                    determinism: argument.determinism,
                }));
            }
            _ => arguments.push(argument.clone()),
        }
    }
    let arity = call.call.term.info().arity;
    if !arity.contains(arguments.len()) {
        return Err(EvalError::logic(arity.mismatch(arguments.len())));
    }
    Ok(Call { term: call.call.term, arguments, options: call.call.options.clone(), spliced: true })
}

/// One term, by family.
pub(crate) fn dispatch(call: &Invocation<'_>) -> Result<Value> {
    match call.call.term {
        T::Branch => control::branch(call),
        T::Default => control::default(call),
        T::Funcall => control::funcall(call),
        T::Error => control::error(call),
        T::Args => control::args(call),
        T::Javascript => script::javascript(call),
        T::Http => http::http(call),
        T::ForEach => control::for_each(call),
        T::Asc => control::asc(call),
        T::Desc => control::desc(call),
        T::Minval => control::minval(call),
        T::Maxval => control::maxval(call),
        T::TypeOf => conversion::type_of(call),
        T::CoerceTo => conversion::coerce_to(call),
        T::Info => conversion::info(call),

        T::Eq => comparison::eq(call),
        T::Ne => comparison::ne(call),
        T::Lt => comparison::lt(call),
        T::Le => comparison::le(call),
        T::Gt => comparison::gt(call),
        T::Ge => comparison::ge(call),
        T::Not => comparison::not(call),
        T::And => comparison::and(call),
        T::Or => comparison::or(call),
        T::Add => arithmetic::add(call),
        T::Sub => arithmetic::sub(call),
        T::Mul => arithmetic::mul(call),
        T::Div => arithmetic::div(call),
        T::Mod => arithmetic::modulo(call),
        T::Floor => arithmetic::floor(call),
        T::Ceil => arithmetic::ceil(call),
        T::Round => arithmetic::round(call),
        T::BitAnd => arithmetic::bit_and(call),
        T::BitOr => arithmetic::bit_or(call),
        T::BitXor => arithmetic::bit_xor(call),
        T::BitNot => arithmetic::bit_not(call),
        T::BitSal => arithmetic::bit_sal(call),
        T::BitSar => arithmetic::bit_sar(call),

        T::Match => string::match_term(call),
        T::Upcase => string::upcase(call),
        T::Downcase => string::downcase(call),
        T::Split => string::split(call),
        T::Format => string::format_term(call),
        T::Json => json::json(call),
        T::ToJsonString => json::to_json_string(call),
        T::Binary => binary::binary(call),
        T::Random => random::random(call),
        T::Uuid => random::uuid(call),
        T::Sample => random::sample(call),

        T::MakeArray => array::make_array(call),
        T::Append => array::append(call),
        T::Prepend => array::prepend(call),
        T::InsertAt => array::insert_at(call),
        T::SpliceAt => array::splice_at(call),
        T::DeleteAt => array::delete_at(call),
        T::ChangeAt => array::change_at(call),
        T::Difference => array::difference(call),
        T::SetInsert => array::set_insert(call),
        T::SetIntersection => array::set_intersection(call),
        T::SetUnion => array::set_union(call),
        T::SetDifference => array::set_difference(call),

        T::MakeObj => object::make_obj(call),
        T::Object => object::object(call),
        T::Keys => object::keys(call),
        T::Values => object::values(call),
        T::GetField => object::get_field(call),
        T::Bracket => object::bracket(call),
        T::Pluck => document::pluck(call),
        T::Without => document::without(call),
        T::Merge => document::merge(call),
        T::HasFields => document::has_fields(call),
        T::WithFields => document::with_fields(call),
        T::Literal => document::literal(call),

        T::Map => transform::map(call),
        T::ConcatMap => transform::concat_map(call),
        T::Filter => transform::filter(call),
        T::Limit => transform::limit(call),
        T::Skip => transform::skip(call),
        T::Slice => transform::slice(call),
        T::Nth => transform::nth(call),
        T::Range => transform::range(call),
        T::Union => transform::union(call),
        T::OrderBy => order::order_by(call),
        T::InnerJoin => join::inner_join(call),
        T::OuterJoin => join::outer_join(call),
        T::EqJoin => join::eq_join(call),
        T::Zip => join::zip(call),

        T::Count => aggregation::count(call),
        T::Sum => aggregation::sum(call),
        T::Avg => aggregation::avg(call),
        T::Min => aggregation::min(call),
        T::Max => aggregation::max(call),
        T::Reduce => aggregation::reduce(call),
        T::Fold => aggregation::fold(call),
        T::Distinct => aggregation::distinct(call),
        T::IsEmpty => aggregation::is_empty(call),
        T::Contains => aggregation::contains(call),
        T::OffsetsOf => aggregation::offsets_of(call),
        T::Group => grouping::group(call),
        T::Ungroup => grouping::ungroup(call),

        T::Db => table::db(call),
        T::Table => table::table(call),
        T::Get => table::get(call),
        T::GetAll => table::get_all(call),
        T::Between | T::BetweenDeprecated => table::between(call),
        T::Insert => write::insert(call),
        T::Update => write::update(call),
        T::Replace => write::replace(call),
        T::Delete => write::delete(call),
        T::Sync => write::sync(call),
        T::Changes => feed::changes(call),

        T::IndexCreate => index::index_create(call),
        T::IndexDrop => index::index_drop(call),
        T::IndexList => index::index_list(call),
        T::IndexRename => index::index_rename(call),
        T::IndexStatus => index::index_status(call),
        T::IndexWait => index::index_wait(call),
        T::SetWriteHook => index::set_write_hook(call),
        T::GetWriteHook => index::get_write_hook(call),

        T::DbCreate => meta::db_create(call),
        T::DbDrop => meta::db_drop(call),
        T::DbList => meta::db_list(call),
        T::TableCreate => meta::table_create(call),
        T::TableDrop => meta::table_drop(call),
        T::TableList => meta::table_list(call),
        T::Config => meta::config(call),
        T::Status => meta::status(call),
        T::Wait => meta::wait(call),
        T::Reconfigure => meta::reconfigure(call),
        T::Rebalance => meta::rebalance(call),
        T::Grant => meta::grant(call),

        other => dispatch_calendar(call, other),
    }
}

/// Times and geometry.
fn dispatch_calendar(call: &Invocation<'_>, term: T) -> Result<Value> {
    match term {
        T::Iso8601 => time::iso8601(call),
        T::ToIso8601 => time::to_iso8601(call),
        T::EpochTime => time::epoch_time(call),
        T::ToEpochTime => time::to_epoch_time(call),
        T::Now => time::now(call),
        T::InTimezone => time::in_timezone(call),
        T::During => time::during(call),
        T::Date => time::date(call),
        T::TimeOfDay => time::time_of_day(call),
        T::Timezone => time::timezone(call),
        T::Year => time::year(call),
        T::Month => time::month(call),
        T::Day => time::day(call),
        T::DayOfWeek => time::day_of_week(call),
        T::DayOfYear => time::day_of_year(call),
        T::Hours => time::hours(call),
        T::Minutes => time::minutes(call),
        T::Seconds => time::seconds(call),
        T::Time => time::time(call),
        T::Monday => time::weekday(call, 1),
        T::Tuesday => time::weekday(call, 2),
        T::Wednesday => time::weekday(call, 3),
        T::Thursday => time::weekday(call, 4),
        T::Friday => time::weekday(call, 5),
        T::Saturday => time::weekday(call, 6),
        T::Sunday => time::weekday(call, 7),
        T::January => time::month_number(call, 1),
        T::February => time::month_number(call, 2),
        T::March => time::month_number(call, 3),
        T::April => time::month_number(call, 4),
        T::May => time::month_number(call, 5),
        T::June => time::month_number(call, 6),
        T::July => time::month_number(call, 7),
        T::August => time::month_number(call, 8),
        T::September => time::month_number(call, 9),
        T::October => time::month_number(call, 10),
        T::November => time::month_number(call, 11),
        T::December => time::month_number(call, 12),

        T::GeoJson => geometry::geojson(call),
        T::ToGeoJson => geometry::to_geojson(call),
        T::Point => geometry::point(call),
        T::Line => geometry::line(call),
        T::Polygon => geometry::polygon(call),
        T::PolygonSub => geometry::polygon_sub(call),
        T::Distance => geometry::distance(call),
        T::Intersects => geometry::intersects(call),
        T::Includes => geometry::includes(call),
        T::Circle => geometry::circle(call),
        T::Fill => geometry::fill(call),
        T::GetIntersecting => geometry::get_intersecting(call),
        T::GetNearest => geometry::get_nearest(call),
        other => {
            Err(EvalError::logic(format!("The term {} is not available in this version.", other.name())))
        }
    }
}
