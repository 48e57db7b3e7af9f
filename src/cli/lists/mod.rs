//! Lists on their way to the server: the files of a run, the commits that they make, and the places
//! of their rows as the user's program shows them.

mod columns;
mod duplicates;
mod groups;
mod outcome;
mod parts;
mod report;
mod run;
mod tell;

pub(crate) use self::{
    duplicates::{duplicates, duplicates_across, print_duplicates},
    groups::{print_more, print_rejections, print_warnings, warning_lines},
    outcome::{Outcome, positions},
    parts::{Part, Rows},
    report::print_report,
    run::{Run, authority_of},
    tell::Teller,
};
