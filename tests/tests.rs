//! Tests from outside: the real binary over real ports, the ledger over logs that misbehave, and the shape of the house.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
#![allow(
    missing_docs,
    unreachable_pub,
    clippy::await_holding_lock,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap
)]

#[path = "suite/bad_input.rs"]
mod bad_input;
#[path = "suite/command_line.rs"]
mod command_line;
#[path = "suite/crashes.rs"]
mod crashes;
#[path = "suite/damage.rs"]
mod damage;
#[path = "suite/delivery.rs"]
mod delivery;
#[path = "suite/edge_cases.rs"]
mod edge_cases;
#[path = "suite/error_details.rs"]
mod error_details;
#[path = "suite/faults.rs"]
mod faults;
#[path = "suite/filters.rs"]
mod filters;
#[path = "suite/fuzz.rs"]
mod fuzz;
#[path = "suite/getting_out.rs"]
mod getting_out;
#[path = "suite/guarantees.rs"]
mod guarantees;
#[path = "suite/harness.rs"]
mod harness;
#[path = "suite/hooks.rs"]
mod hooks;
#[path = "suite/house.rs"]
mod house;
#[path = "suite/interleavings.rs"]
mod interleavings;
#[path = "suite/ledger_alone.rs"]
mod ledger_alone;
#[path = "suite/lists.rs"]
mod lists;
#[path = "suite/model.rs"]
mod model;
#[path = "suite/newcomer.rs"]
mod newcomer;
#[path = "suite/old_formats.rs"]
mod old_formats;
#[path = "suite/power_loss.rs"]
mod power_loss;
#[path = "suite/published_history.rs"]
mod published_history;
#[path = "suite/register.rs"]
mod register;
#[path = "suite/simulation.rs"]
mod simulation;
#[path = "suite/state.rs"]
mod state;
#[path = "suite/stored_bytes.rs"]
mod stored_bytes;
#[path = "suite/transport.rs"]
mod transport;
