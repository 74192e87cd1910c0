//! Sessions, cursors and doors.
