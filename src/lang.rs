//! The language in which the command line speaks to people: English or Chinese.
//!
//! Floor 0. Both texts of a message stand side by side where it is made (`say!`, `word!`), so that
//! neither can be missing. Only what people read on their terminal has two languages: log lines of
//! a server, messages on the wire, metrics and the audit trail are in English.

use std::{
    borrow::Cow,
    cell::Cell,
    fmt::{self, Write as _},
    io,
    sync::atomic::{AtomicBool, Ordering},
};

/// A language of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// Chinese in simplified characters.
    Zh,
}

/// The variables of a locale, the strongest first.
const LOCALE: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// True once this process speaks Chinese. It is set before the first text, and not again.
static SPEAKS_CHINESE: AtomicBool = AtomicBool::new(false);

thread_local! {
    /// The language of the text that this thread makes just now, if it is a certain one.
    static SPOKEN: Cell<Option<Lang>> = const { Cell::new(None) };
}

impl Lang {
    /// The language of this process, or of the text that is being made.
    #[must_use]
    pub fn current() -> Self {
        if let Some(spoken) = SPOKEN.get() {
            return spoken;
        }
        if SPEAKS_CHINESE.load(Ordering::Relaxed) { Self::Zh } else { Self::En }
    }

    /// Makes a text in this language, whatever that of the process is.
    pub fn speaking<T>(self, make: impl FnOnce() -> T) -> T {
        /// Gives the thread its language back, also from a panic.
        struct Before(Option<Lang>);
        impl Drop for Before {
            fn drop(&mut self) {
                SPOKEN.set(self.0);
            }
        }
        let _before = Before(SPOKEN.replace(Some(self)));
        make()
    }

    /// Makes this the language of the process.
    pub fn set(self) {
        SPEAKS_CHINESE.store(self == Self::Zh, Ordering::Relaxed);
    }

    /// The language that a word names: `zh`, `en`, or a locale such as `zh_CN.UTF-8`. `None`: none
    /// of the two.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        let language = word.split(['_', '-', '.', '@']).next().unwrap_or_default();
        match language.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::Zh),
            "en" | "c" | "posix" => Some(Self::En),
            _ => None,
        }
    }

    /// The language of a locale, by the first of its variables that says something. English if
    /// none does, or if it is another language.
    #[must_use]
    pub fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        let stated = LOCALE.into_iter().filter_map(variable).find(|value| !value.is_empty());
        stated.and_then(|locale| Self::named(&locale)).unwrap_or(Self::En)
    }

    /// The text in this language.
    #[must_use]
    pub const fn of<T: Copy>(self, en: T, zh: T) -> T {
        match self {
            Self::En => en,
            Self::Zh => zh,
        }
    }
}

/// The cause of an error of the system, without the number that it has there. Chinese words the
/// usual ones.
#[must_use]
pub fn io_cause(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    let english = || {
        let text = error.to_string();
        text.split_once(" (os error ").map_or(text.clone(), |(cause, _)| cause.to_owned())
    };
    if Lang::current() == Lang::En {
        return english();
    }
    let known = match error.kind() {
        Kind::NotFound => "文件或目录不存在",
        Kind::PermissionDenied => "没有权限",
        Kind::AlreadyExists => "已存在",
        Kind::IsADirectory => "是目录，不是文件",
        Kind::NotADirectory => "不是目录",
        Kind::StorageFull => "磁盘已满",
        Kind::QuotaExceeded => "超出磁盘配额",
        Kind::ReadOnlyFilesystem => "文件系统只读",
        Kind::AddrInUse => "端口已被占用",
        Kind::AddrNotAvailable => "本机没有这个地址",
        Kind::ConnectionRefused => "连接被拒绝",
        Kind::ConnectionReset | Kind::ConnectionAborted => "连接被中断",
        Kind::HostUnreachable | Kind::NetworkUnreachable => "网络不可达",
        Kind::TimedOut => "超时",
        Kind::BrokenPipe => "接收方已关闭",
        Kind::UnexpectedEof => "内容意外中断",
        Kind::DirectoryNotEmpty => "目录不为空",
        Kind::OutOfMemory => "内存不足",
        _ => return english(),
    };
    known.to_owned()
}

/// A text made from values, in the language of the process. Both are format strings over the same
/// values.
macro_rules! say {
    (en: $en:literal, zh: $zh:literal $(, $value:expr)* $(,)?) => {
        match $crate::lang::Lang::current() {
            $crate::lang::Lang::En => format!($en $(, $value)*),
            $crate::lang::Lang::Zh => format!($zh $(, $value)*),
        }
    };
}
pub(crate) use say;

/// A text without values, in the language of the process.
macro_rules! word {
    (en: $en:expr, zh: $zh:expr $(,)?) => {
        $crate::lang::Lang::current().of($en, $zh)
    };
}
pub(crate) use word;

/// Between the items of a list, in the language of the process.
#[must_use]
pub fn comma() -> &'static str {
    word!(en: ", ", zh: "、")
}

/// A text in both languages: of a fault that people read in theirs, and programs in English.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Both {
    en: Cow<'static, str>,
    zh: Cow<'static, str>,
}

impl Both {
    /// A text without values.
    #[must_use]
    pub const fn word(en: &'static str, zh: &'static str) -> Self {
        Self { en: Cow::Borrowed(en), zh: Cow::Borrowed(zh) }
    }

    /// A text that is the same in both languages, such as a value.
    #[must_use]
    pub fn same(text: &str) -> Self {
        let text = Cow::<'static, str>::Owned(text.to_owned());
        Self { en: text.clone(), zh: text }
    }

    /// The text that `make` makes, in each language.
    pub fn made(make: impl Fn() -> String) -> Self {
        Self { en: Lang::En.speaking(&make).into(), zh: Lang::Zh.speaking(&make).into() }
    }

    /// The text with a change that both languages get.
    #[must_use]
    pub fn map(&self, change: impl Fn(&str) -> String) -> Self {
        Self { en: change(&self.en).into(), zh: change(&self.zh).into() }
    }

    /// The text for programs.
    #[must_use]
    pub fn en(&self) -> &str {
        &self.en
    }

    /// The text in the language of the process, or of the text that it becomes a part of.
    #[must_use]
    pub fn said(&self) -> &str {
        match Lang::current() {
            Lang::En => &self.en,
            Lang::Zh => &self.zh,
        }
    }
}

impl fmt::Display for Both {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.said())
    }
}

/// A text made from values, in both languages. Both are format strings over the same values.
macro_rules! both {
    ($($text:tt)*) => {
        $crate::lang::Both::made(|| $crate::lang::say!($($text)*))
    };
}
pub(crate) use both;

/// Parts in a row: `a`, `a and b`, `a, b and c`; `甲`, `甲和乙`, `甲、乙和丙`.
pub fn joined<T: fmt::Display>(parts: &[T], [en, zh]: [&str; 2]) -> String {
    let mut text = String::new();
    for (at, part) in parts.iter().enumerate() {
        let is_last = at > 0 && at + 1 == parts.len();
        let before = match (at, is_last) {
            (0, _) => String::new(),
            (_, true) => say!(en: " {en} ", zh: "{zh}"),
            (_, false) => comma().to_owned(),
        };
        // A text takes whatever is written to it.
        let _ = write!(text, "{before}{part}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_tells_the_language() {
        for (set, language) in [
            (&[("LANG", "zh_CN.UTF-8")][..], Lang::Zh),
            (&[("LANG", "zh")], Lang::Zh),
            (&[("LANG", "zh-Hans-CN")], Lang::Zh),
            (&[("LANG", "en_US.UTF-8")], Lang::En),
            (&[("LANG", "de_DE.UTF-8")], Lang::En),
            (&[], Lang::En),
            (&[("LC_ALL", "C.UTF-8"), ("LANG", "zh_CN.UTF-8")], Lang::En),
            (&[("LC_ALL", ""), ("LC_MESSAGES", "zh_CN"), ("LANG", "en_US")], Lang::Zh),
        ] {
            let variable = |name: &str| {
                set.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            };
            assert_eq!(Lang::of_locale(variable), language, "{set:?}");
        }
    }

    #[test]
    fn the_cause_of_an_error_of_the_system_has_no_number() {
        let gone = io::Error::from_raw_os_error(2);
        assert_eq!(io_cause(&gone), "No such file or directory");
        assert_eq!(io_cause(&io::Error::other("a text")), "a text");
    }

    #[test]
    fn a_text_takes_its_values_in_the_order_of_each_language() {
        let (path, why) = ("a.csv", "gone");
        let text = say!(en: "cannot read {path}: {why}", zh: "无法读取 {path}：{why}");
        assert_eq!(text, "cannot read a.csv: gone");
        assert_eq!(say!(en: "{0} of {1}", zh: "{1} 中的 {0}", 1, 2), "1 of 2");
        assert_eq!(word!(en: "yes", zh: "是"), "yes");
        assert_eq!(Lang::Zh.of("yes", "是"), "是");
    }

    #[test]
    fn a_text_in_both_languages_takes_its_parts_in_each() {
        let inner = Both::word("a day", "日期");
        let text = both!(en: "not {inner}", zh: "不是{inner}");
        assert_eq!((text.en(), text.said()), ("not a day", "not a day"));
        assert_eq!(Lang::Zh.speaking(|| text.to_string()), "不是日期");
        let parts = ["a", "b", "c"];
        assert_eq!(joined(&parts, ["or", "或"]), "a, b or c");
        assert_eq!(Lang::Zh.speaking(|| joined(&parts[..2], ["or", "或"])), "a或b");
        let caught = std::panic::catch_unwind(|| Lang::Zh.speaking(|| panic!("for the test")));
        assert!(caught.is_err());
        assert_eq!(Lang::current(), Lang::En);
    }
}
