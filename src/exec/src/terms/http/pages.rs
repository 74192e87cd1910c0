//! The pages of `r.http` one after the other, as one stream.

use std::sync::Arc;

use photondb_datum::{Datum, Object, Text};
use photondb_reql::TermId;
use photondb_table::Budget;

use crate::environment::Environment;
use crate::error::{EvalError, Result};
use crate::fetch::{FetchRequest, FetchSession};
use crate::function::Function;
use crate::sequence::RowStream;
use crate::terms::http::response::ResultFormat;
use crate::terms::http::{Page, described, fetch, options};

/// How to go on from page to page.
pub(super) struct Paging {
    pub(super) next: NextPage,
    /// `None` for no limit.
    pub(super) pages_max: Option<u64>,
    /// The parameters of the request as the page function sees and changes them.
    pub(super) parameters: Object,
}

/// What tells where the next page is.
pub(super) enum NextPage {
    /// The header's link with `rel="next"`.
    Link,
    Function(Arc<Function>),
}

/// Fetches a page when the rows of the one before are all gone.
pub(super) struct PageStream {
    env: Arc<Environment>,
    site: TermId,
    session: Box<dyn FetchSession>,
    request: FetchRequest,
    format: ResultFormat,
    paging: Paging,
    /// Whether there is another page to ask for.
    more: bool,
    rows: std::vec::IntoIter<Datum>,
}

impl PageStream {
    pub(super) fn new(
        env: &Arc<Environment>,
        site: TermId,
        session: Box<dyn FetchSession>,
        request: FetchRequest,
        format: ResultFormat,
        paging: Paging,
    ) -> Self {
        Self {
            env: Arc::clone(env),
            site,
            session,
            request,
            format,
            more: paging.pages_max != Some(0),
            paging,
            rows: Vec::new().into_iter(),
        }
    }

    fn next_page(&mut self) -> Result<()> {
        self.env.check_cancelled()?;
        let array_size_max = self.env.options.array_size_max;
        let page = fetch(self.session.as_mut(), &self.request, self.format, array_size_max)?;
        self.more = self.advance(&page)?;
        self.rows = match page.body {
            Datum::Array(items) => items.into_vec(),
            other => vec![other],
        }
        .into_iter();
        Ok(())
    }

    /// Makes the request that of the next page; `false` when this was the last one.
    fn advance(&mut self, page: &Page) -> Result<bool> {
        if let Some(pages_left) = &mut self.paging.pages_max {
            *pages_left -= 1;
            if *pages_left == 0 {
                return Ok(false);
            }
        }
        let next = match &self.paging.next {
            NextPage::Link => {
                let links = page.header.get("link");
                links.and_then(|links| links.get("rel=\"next\"")).unwrap_or(Datum::Null)
            }
            NextPage::Function(function) => {
                let function = Arc::clone(function);
                let argument = self.argument(page);
                return function
                    .datum(&self.env, std::slice::from_ref(&argument))
                    .and_then(|next| self.follow(next))
                    .map_err(|error| self.explained(&error, &argument));
            }
        };
        self.follow(next)
    }

    /// What the page function is called with.
    fn argument(&self, page: &Page) -> Datum {
        let parameters = Datum::from(self.paging.parameters.clone());
        let fields = [("params", parameters), ("header", page.header.clone()), ("body", page.body.clone())];
        let object: Object = fields.into_iter().map(|(name, value)| (Text::from(name), value)).collect();
        Datum::from(object)
    }

    /// Takes over what the page function answered.
    fn follow(&mut self, next: Datum) -> Result<bool> {
        let fields = match next {
            Datum::Null | Datum::String(_) => return self.follow_url(next),
            Datum::Object(fields) if !fields.is_pseudo() => fields,
            other => {
                return Err(EvalError::logic(format!(
                    "Expected `page` to return an OBJECT, but found {}.",
                    other.type_name()
                )));
            }
        };
        let (url, parameters) = (fields.get("url"), fields.get("params"));
        if url.is_none() && parameters.is_none() {
            return Err(EvalError::logic(
                "OBJECT returned by `page` must contain `url` and/or `params` fields.",
            ));
        }
        if let Some(new) = parameters {
            let new = options::parameters_object(&new)?;
            self.paging.parameters = self.paging.parameters.clone().merged_shallow(&new);
            self.request.parameters = options::parameters(&self.paging.parameters)?;
        }
        url.map_or(Ok(true), |url| self.follow_url(url))
    }

    fn follow_url(&mut self, url: Datum) -> Result<bool> {
        match url {
            Datum::Null => Ok(false),
            Datum::String(url) => {
                self.request.url = url.as_str().to_owned();
                Ok(true)
            }
            other => Err(EvalError::logic(format!(
                "Expected `url` in OBJECT returned by `page` to be a STRING or NULL, but found {}.",
                other.type_name()
            ))),
        }
    }

    /// A failure of the page function together with what it was called with.
    fn explained(&self, error: &EvalError, argument: &Datum) -> EvalError {
        let message = format!(
            "{}\nError occurred during `page` called with:\n{}\n",
            described(&self.request, error.message()),
            argument.print()
        );
        error.reworded(message)
    }
}

impl RowStream for PageStream {
    fn next_batch(&mut self, budget: &Budget, out: &mut Vec<Datum>) -> Result<bool> {
        // Empty pages give no rows, so a batch may take several requests.
        while self.rows.len() == 0 && self.more {
            self.next_page().map_err(|error| error.at(self.site))?;
        }
        out.extend(self.rows.by_ref().take(budget.rows_max.max(1)));
        Ok(self.rows.len() > 0 || self.more)
    }
}
