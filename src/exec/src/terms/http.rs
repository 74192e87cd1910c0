//! `r.http`

mod link;
mod options;
mod padded_json;
mod pages;
mod response;

use photondb_catalog::{Permission, Scope};
use photondb_datum::Datum;
use photondb_reql::ErrorKind;

use crate::error::{EvalError, Result};
use crate::evaluate::Invocation;
use crate::fetch::{FetchError, FetchRequest, FetchSession};
use crate::sequence::{Sequence, Source};
use crate::value::Value;

use options::Options;
use pages::PageStream;
use response::ResultFormat;

pub(crate) fn http(call: &Invocation<'_>) -> Result<Value> {
    let env = call.env;
    env.check_permission(Permission::Connect, Scope::Global)?;
    let options = Options::read(call)?;
    let mut session = env.services()?.fetcher.open(env.cancel.clone());
    let Some(paging) = options.paging else {
        let page = fetch(session.as_mut(), &options.request, options.format, env.options.array_size_max)?;
        return call.answer_new(page.body);
    };
    let stream = PageStream::new(env, call.site, session, options.request, options.format, paging);
    call.answer_sequence(Sequence::new(Source::Stream(Box::new(stream)), false, call.site))
}

/// What a server answered, as data.
struct Page {
    header: Datum,
    body: Datum,
}

/// One request from asking to data.
fn fetch(
    session: &mut dyn FetchSession,
    request: &FetchRequest,
    format: ResultFormat,
    array_size_max: usize,
) -> Result<Page> {
    match session.fetch(request) {
        Ok(answer) => response::interpret(answer, request, format, array_size_max),
        Err(FetchError::Cancelled) => {
            Err(EvalError::new(ErrorKind::OpFailed, "Query terminated by the client."))
        }
        Err(error) => Err(unanswered(request, &error.to_string())),
    }
}

/// The error of a request without an answer; it shows the absent answer all the same. It
/// counts as something absent, so that `default` catches it: what others serve is beyond
/// the query's power.
fn unanswered(request: &FetchRequest, reason: &str) -> EvalError {
    EvalError::absent(format!("{}\nheader:\nnull\nbody:\nnull", described(request, reason)))
}

fn described(request: &FetchRequest, reason: &str) -> String {
    format!("Error in HTTP {} of `{}`: {reason}.", request.method.name(), request.url)
}
