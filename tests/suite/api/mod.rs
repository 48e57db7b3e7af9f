//! The service as clients see it: the real server over a real port.

mod answers;
mod bad_input;
mod broken_rules;
mod callers;
mod compared_titles;
mod cursors_and_digests;
mod descriptors;
pub(crate) mod error_details;
mod event_ranges;
mod fault_texts;
mod faults_kept;
mod measures;
mod names;
mod personal;
mod raw_requests;
mod register_queries;
mod same_request;
mod standard_services;
mod stored_bytes;
mod strings;
mod texts;
mod title_questions;
mod transport;
mod web_events;
mod web_limits;
mod web_pages;
