//! From syntax tree to plan.
