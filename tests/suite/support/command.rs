//! What a finished command said, and paths as its arguments.

use std::{path::Path, process::Output};

/// The output of a command that succeeded.
pub fn done(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// A command failed, and said each of these.
pub fn refused(output: &Output, what: &[&str]) {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert!(!output.status.success(), "{output:?}");
    what.iter().for_each(|what| assert!(said.contains(what), "{what:?} is not in {said}"));
}

/// A command failed with this exit code, and said each of these.
pub fn coded(output: &Output, code: i32, what: &[&str]) {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    refused(output, what);
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
