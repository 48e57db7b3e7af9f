//! Reads what strace wrote: one system call per entry, with the moments at which it began and
//! ended.

use std::collections::HashMap;

/// A system call. Moments are line numbers of the trace, so that a call which another one
/// interrupts keeps both of its.
pub struct Call {
    pub began: usize,
    pub done: usize,
    pub name: String,
    pub arguments: Vec<Argument>,
    /// What it returned; negative for an error.
    pub result: i64,
}

/// An argument: a string in quotes, decoded, or anything else as strace writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    Text(Vec<u8>),
    Word(String),
}

impl Argument {
    pub fn number(&self) -> u64 {
        let Self::Word(word) = self else { panic!("a number was expected: {self:?}") };
        word.parse().unwrap_or_else(|_| panic!("a number was expected: {word}"))
    }

    pub fn text(&self) -> &[u8] {
        let Self::Text(text) = self else { panic!("a string was expected: {self:?}") };
        text
    }

    pub fn word(&self) -> &str {
        let Self::Word(word) = self else { panic!("a word was expected: {self:?}") };
        word
    }
}

const UNFINISHED: &str = " <unfinished ...>";

/// Reads a trace whose first line gets the number `first`. A call that never ended ends after the
/// last line.
pub fn read(text: &str, first: usize) -> Vec<Call> {
    let mut open: HashMap<&str, (usize, &str)> = HashMap::new();
    let mut calls = Vec::new();
    let mut after = first;
    for (moment, line) in (first..).zip(text.lines()) {
        after = moment + 1;
        let (thread, rest) = line.split_once(' ').expect("a thread before each call");
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(start) = rest.strip_suffix(UNFINISHED) {
            open.insert(thread, (moment, start));
        } else if let Some(resumed) = rest.strip_prefix("<... ") {
            let (_, end) = resumed.split_once(" resumed>").expect("the end of a call");
            let (began, start) = open.remove(thread).expect("the begin of a call");
            calls.push(call(began, moment, &format!("{start}{end}")));
        } else {
            calls.push(call(moment, moment, rest));
        }
    }
    for (began, start) in open.into_values() {
        calls.push(call(began, after, &format!("{start}) = 0")));
    }
    calls.sort_by_key(|call| call.began);
    calls
}

fn call(began: usize, done: usize, text: &str) -> Call {
    let (name, rest) = text.split_once('(').unwrap_or_else(|| panic!("no call: {text:.80}"));
    // The result stands after the last bracket; strings are hexadecimal and hold none.
    let (arguments, result) = rest.rsplit_once(") ").unwrap_or((rest, "= 0"));
    let result = result.trim_start().trim_start_matches("= ");
    let result = result.split(' ').next().unwrap_or("0").parse().unwrap_or(-1);
    Call { began, done, name: name.to_owned(), arguments: split(arguments), result }
}

fn split(text: &str) -> Vec<Argument> {
    let mut arguments = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let Some(quoted) = rest.strip_prefix('"') else {
            // Brackets of an iovec hold commas of their own; nothing here takes such a call apart.
            let (word, after) = rest.split_once(", ").unwrap_or((rest, ""));
            arguments.push(Argument::Word(word.to_owned()));
            rest = after;
            continue;
        };
        let (digits, after) = quoted.split_once('"').expect("the end of a string");
        assert!(!after.starts_with("..."), "strace cut a string short");
        arguments.push(Argument::Text(unhex(digits.as_bytes())));
        rest = after.strip_prefix(", ").unwrap_or(after);
    }
    arguments
}

/// Decodes `\x41\x42`.
fn unhex(text: &[u8]) -> Vec<u8> {
    let digit = |c: u8| if c.is_ascii_digit() { c - b'0' } else { c - b'a' + 10 };
    text.chunks_exact(4).map(|c| digit(c[2]) << 4 | digit(c[3])).collect()
}

#[test]
fn interrupted_calls_keep_both_moments_and_strings_are_decoded() {
    let text = "7 openat(AT_FDCWD, \"\\x2f\\x61\", O_RDWR|O_CREAT, 0666) = 5\n\
                7 pwrite64(5, \"\\x00\\xff\", 2, 4096 <unfinished ...>\n\
                8 fdatasync(5) = 0\n\
                7 <... pwrite64 resumed>) = 2\n\
                8 close(5) = -1 EBADF (Bad file descriptor)\n\
                8 fsync(5 <unfinished ...>\n\
                7 +++ exited with 0 +++";
    let calls = read(text, 10);
    let seen: Vec<_> = calls.iter().map(|c| (c.name.as_str(), c.began, c.done, c.result)).collect();
    assert_eq!(
        seen,
        [
            ("openat", 10, 10, 5),
            ("pwrite64", 11, 13, 2),
            ("fdatasync", 12, 12, 0),
            ("close", 14, 14, -1),
            ("fsync", 15, 17, 0),
        ]
    );
    assert_eq!(calls[0].arguments[1].text(), b"/a");
    assert_eq!(calls[1].arguments[1].text(), [0, 255]);
    assert_eq!(calls[1].arguments[3].number(), 4096);
}
