//! What tests need: servers, events, ledgers in memory, seeds. Tests import from here, never from
//! one another.

pub mod answers;
pub mod any_event;
pub mod catalogues;
pub mod command;
pub mod connect;
pub mod copies;
pub mod encoding;
pub mod events;
pub mod facts;
pub mod gated_log;
pub mod histories;
pub mod history;
pub mod interests;
pub mod ledger;
pub mod memory_log;
pub mod mtls;
pub mod patience;
pub mod principals;
pub mod published;
pub mod raw_log;
pub mod receiver;
pub mod redacted;
pub mod rules;
pub mod seed;
pub mod server;
pub mod simulated_disk;
pub mod stories;
pub mod tools;
pub mod unmarked_log;
pub mod web;
pub mod withholding;
pub mod workload;

pub use self::{
    answers::{answers_of, traces},
    any_event::any_event,
    command::{coded, done, refused, text},
    copies::{archives, unpacked},
    encoding::base64,
    events::{
        authority, changed, date, designated, endless, event, list, little_giant, made_up, valid_on,
    },
    facts::{annulled, corrected, failed, ministry, notice, passed, revoked, sealed},
    gated_log::GatedLog,
    histories::{A, B, DESIGNEES, OTHERS, Step, other, steps},
    interests::{interests, of_authority, of_batch, scopes, under, watching},
    ledger::{Book, Hands, commit, commit_under, day, open, options, salts, view},
    memory_log::MemoryLog,
    patience::{PATIENCE, in_time},
    principals::{Caller, Governed, rights},
    published::{PARTS_OF_BATCH_3, little_giants_by_authority, published_chapters, published_date},
    raw_log::{encoded, record},
    rules::{BOTH_RULES, SECOND_RULES, rules_adopted},
    server::{Client, Fresh, Server, TIDU, directory, reason},
    unmarked_log::UnmarkedLog,
    withholding::{Places, applied, recordable, redactable, withhold},
};
