//! The pure floors of Tidu with the register's own tests, as one crate. A changed rule is built and
//! tested without the log, the service and the command line.

#![allow(dead_code, unused_imports, unreachable_pub, irrefutable_let_patterns)]

/// The tests call the crate by its name.
extern crate self as tidu;

pub mod cli;
#[path = "../../src/domain/mod.rs"]
pub mod domain;
pub mod ledger;
pub mod protocol;
#[path = "../../src/register/mod.rs"]
pub mod register;

/// Parts of `limits.rs` are files beside it.
#[path = "../../src"]
mod floors {
    pub mod limits;
}

pub use self::floors::limits;

#[cfg(test)]
mod support;

#[cfg(test)]
#[path = "../suite/register/cases/mod.rs"]
mod cases;
#[cfg(test)]
#[path = "../suite/register/filters.rs"]
mod filters;
#[cfg(test)]
#[path = "../suite/register/fold/mod.rs"]
mod fold;
#[cfg(test)]
#[path = "../suite/register/growth/mod.rs"]
mod growth;
#[cfg(test)]
#[path = "../suite/register/model/mod.rs"]
mod model;
#[cfg(test)]
#[path = "../suite/register/names.rs"]
mod names;
#[cfg(test)]
#[path = "../suite/register/orders/mod.rs"]
mod orders;
#[cfg(test)]
#[path = "../suite/register/rules_by_position.rs"]
mod rules_by_position;
#[cfg(test)]
#[path = "../suite/register/titles.rs"]
mod titles;
#[cfg(test)]
#[path = "../suite/register/trials.rs"]
mod trials;
#[cfg(test)]
#[path = "../suite/register/withheld.rs"]
mod withheld;
