//! The language: terms, syntax tree, wire form, errors.
