//! The value model: data, packed documents, order, keys, JSON.
