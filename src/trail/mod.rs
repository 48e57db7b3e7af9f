//! The audit trail: who was refused, and who administered the server, as a chain of lines.
//!
//! Accepted appends are not in it: they are on the log. No secret ever is.
