//! What follows from the events: titles, cases of real life, filters, and a model beside the
//! register.

mod cases;
mod filters;
mod fold;
mod growth;
mod images;
mod model;
mod names;
mod orders;
mod published_history;
mod questions;
mod replay;
mod rules_by_position;
mod rules_served;
mod timelines;
mod titles;
mod trials;
mod withheld;
