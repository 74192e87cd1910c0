//! The initial values of a feed of documents.

use photondb_datum::Datum;
use photondb_reql::ReqlError;
use photondb_table::{Budget, ReadMode, ReadOp, ShardStream, Source};

use crate::error::failed;
use crate::hub::Reader;

/// Initial values that are still to be told.
pub(crate) enum Initial {
    /// The one document of a point feed, present or not.
    Document(Option<Datum>),
    /// The documents of a read.
    Documents(Box<dyn ShardStream>),
}

impl Initial {
    /// The document with a key.
    pub(crate) fn of_key(reader: &Reader, key: &Datum) -> Result<Self, ReqlError> {
        let expression = reader.expression();
        let snapshot = Some(reader.start()?);
        let document =
            expression.ground.shards.get(expression.table, key, ReadMode::Single, snapshot.as_ref());
        // A copy: it may be part of a page, and wait for long.
        let document = document.map_err(|error| failed(&error))?.map(|document| document.view().to_datum());
        Ok(Self::Document(document))
    }

    /// The documents that a read finds.
    pub(crate) fn of_source(reader: &Reader, source: Source) -> Result<Self, ReqlError> {
        let expression = reader.expression();
        let operation = ReadOp { snapshot: Some(reader.start()?), ..ReadOp::new(expression.table, source) };
        expression.ground.shards.read(operation).map(Self::Documents).map_err(|error| failed(&error))
    }

    /// Appends a batch of rows; `false` when there are no more.
    pub(crate) fn next_batch(
        &mut self,
        reader: &Reader,
        budget: &Budget,
        out: &mut Vec<Datum>,
    ) -> Result<bool, ReqlError> {
        let expression = reader.expression();
        match self {
            Self::Document(document) => {
                let view = document.as_ref().map_or(Ok(None), |document| expression.view(document))?;
                out.push(expression.format.initial(view.unwrap_or(Datum::Null), None));
                Ok(false)
            }
            Self::Documents(stream) => {
                let mut documents = Vec::new();
                let more = stream.next_batch(*budget, &mut documents).map_err(|error| failed(&error))?;
                for document in &documents {
                    if let Some(view) = expression.view(document)? {
                        out.push(expression.format.initial(view, None));
                    }
                }
                Ok(more)
            }
        }
    }
}
