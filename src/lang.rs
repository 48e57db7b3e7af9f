//! The language in which the command line speaks to people: English or Chinese.
//!
//! Floor 0. Both texts of a message stand side by side where it is made (`say!`, `word!`), so that
//! neither can be missing. Only what people read on their terminal has two languages: log lines of
//! a server, messages on the wire, metrics and the audit trail are in English.

use std::{
    cell::Cell,
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
}
