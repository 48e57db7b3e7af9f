//! Lists on their way to the server: the files of a run, the commits that they make, and the places
//! of their rows as the user's program shows them.

mod columns;
mod duplicates;
mod groups;
mod json;
mod outcome;
mod parts;
mod report;
mod run;

pub(crate) use self::{
    duplicates::{duplicates, duplicates_across, print_duplicates},
    groups::{print_more, print_rejections, print_warnings, warning_lines},
    json::print_answer,
    outcome::{Outcome, positions},
    parts::{Part, Rows},
    report::print_report,
    run::{Run, authority_of},
};
