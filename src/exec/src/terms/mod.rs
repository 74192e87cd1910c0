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
pub(crate) mod index;
pub(crate) mod join;
pub(crate) mod json;
pub(crate) mod meta;
pub(crate) mod object;
pub(crate) mod order;
pub(crate) mod random;
pub(crate) mod string;
pub(crate) mod table;
pub(crate) mod time;
pub(crate) mod transform;
pub(crate) mod write;
