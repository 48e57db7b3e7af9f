//! The help in both languages, completions and man pages.

use std::{fs, process::Command};

use crate::support::{TIDU, directory};

/// Standard output of a command that succeeds, in a locale.
fn said(locale: &[(&str, &str)], args: &[&str]) -> String {
    let mut command = Command::new(TIDU);
    for name in ["LC_ALL", "LC_MESSAGES", "LANG", "TIDU_LANG"] {
        command.env_remove(name);
    }
    let output = command.args(args).envs(locale.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_help_is_in_the_language_of_the_reader() {
    let (english, chinese) = ("Start the server", "启动服务器");
    let speaks = |locale: &[(&str, &str)], args: &[&str], text: &str| {
        let said = said(locale, args);
        assert!(said.contains(text), "{locale:?} {args:?}: {said}");
    };
    speaks(&[], &["--help"], english);
    speaks(&[("LANG", "fr_FR.UTF-8")], &["--help"], english);
    speaks(&[("LANG", "zh_CN.UTF-8")], &["--help"], chinese);
    speaks(&[("LANG", "zh_CN.UTF-8"), ("TIDU_LANG", "en")], &["--help"], english);
    speaks(&[("TIDU_LANG", "en")], &["--lang", "zh", "--help"], chinese);
    speaks(&[("TIDU_LANG", "zh")], &["--lang=en", "--help"], english);
    speaks(&[], &["--lang", "zh", "help", "serve"], chinese);
    let refused = Command::new(TIDU).args(["status", "--lang", "de"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
}

#[test]
fn every_shell_gets_its_completions() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = said(&[], &["completions", shell]);
        assert!(script.contains("record"), "{shell}: {script}");
    }
}

#[test]
fn every_command_has_a_man_page_in_both_languages() {
    let dir = directory();
    for (lang, text) in [("en", "Start the server"), ("zh", "启动服务器")] {
        let to = dir.path().join(lang);
        fs::create_dir(&to).unwrap();
        said(&[], &["man", "--to", to.to_str().unwrap(), "--lang", lang]);
        let page = fs::read_to_string(to.join("tidu-serve.1")).unwrap();
        assert!(page.contains(text), "{page}");
        assert!(to.join("tidu-cursor-advance.1").exists());
    }
}
