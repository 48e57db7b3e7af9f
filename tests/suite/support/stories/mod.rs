//! Stories: random histories of facts that get in each other's way. They are told in plain values,
//! so that a model reads them without the register's own reading of an event.

mod said;
mod teller;
mod themes;

pub use self::{
    said::{Fact, Of, Said, message},
    teller::{Story, Teller, precedence, tell},
    themes::PEOPLE,
};
