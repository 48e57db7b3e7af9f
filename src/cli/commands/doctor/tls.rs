//! The files of TLS: a start would take them, and none of them ends soon.

use super::finding::{Finding, word};
use crate::{
    lang::say,
    limits::DOCTOR_DAYS_LEFT_WARN,
    server::{TlsOutlook, config::Config},
};

const ID: &str = "tls";
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// The files that settings name; `None` without TLS.
pub(super) type Tls = Option<Result<TlsOutlook, String>>;

/// Reads the files as a start would.
pub(super) fn look(config: Option<&Config>, now_micros: i64) -> Tls {
    let now = now_micros.div_euclid(1_000_000);
    TlsOutlook::of(config?, now).map_err(|error| error.to_string()).transpose()
}

/// `tls`: a start takes the files, and none of them ends soon.
pub(super) fn check(tls: &Tls, now_micros: i64, edit: &str) -> Vec<Finding> {
    let outlook = match tls {
        None => return Vec::new(),
        Some(Err(why)) => {
            let text = say!(
                en: "a start refuses a file of TLS: {why}", zh: "启动时会拒绝 TLS 文件：{why}"
            );
            return vec![Finding::error(ID, text, edit)];
        }
        Some(Ok(outlook)) => outlook,
    };
    let now = now_micros.div_euclid(1_000_000);
    let days = |end: i64| end.saturating_sub(now).div_euclid(DAY_SECONDS);
    let soon = i64::try_from(DOCTOR_DAYS_LEFT_WARN).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for (setting, path, end) in &outlook.ends {
        let shown = path.display();
        let (is_list, left) = (*setting == "tls_client_crl", days(*end));
        if is_list && *end <= now {
            let text = say!(
                en: "a revocation list of {setting} ({shown}) is overdue",
                zh: "{setting} 的吊销列表（{shown}）已过更新日期"
            );
            let run = format!("openssl crl -noout -nextupdate -in {}", word(path));
            found.push(Finding::warn(ID, text, run));
        } else if !is_list && left < soon {
            let text = say!(
                en: "a certificate of {setting} ({shown}) ends in {left} days",
                zh: "{setting} 的证书（{shown}）将在 {left} 天后到期"
            );
            let run = format!("openssl x509 -noout -enddate -in {}", word(path));
            found.push(Finding::warn(ID, text, run));
        }
    }
    if found.is_empty() {
        let left = outlook.ends.iter().map(|(.., end)| days(*end)).min().unwrap_or_default();
        let text = say!(
            en: "a start takes the files of TLS; the first ends in {left} days",
            zh: "TLS 文件可用于启动；最早的 {left} 天后到期"
        );
        found.push(Finding::ok(ID, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Level, told},
        *,
    };

    fn levels(ends: &[(&'static str, i64)]) -> Vec<Level> {
        let end = |(setting, days): &(&'static str, i64)| {
            (*setting, format!("/etc/{setting}").into(), days * DAY_SECONDS)
        };
        let outlook = TlsOutlook { ends: ends.iter().map(end).collect() };
        let outlook = Some(Ok(outlook));
        let found = told(|| check(&outlook, 100 * DAY_SECONDS * 1_000_000, "edit"));
        found.iter().map(|finding| finding.level).collect()
    }

    #[test]
    fn files_that_end_soon_are_told() {
        assert!(check(&None, 0, "edit").is_empty(), "there is no TLS");
        let (ok, warn) = (Level::Ok, Level::Warn);
        assert_eq!(levels(&[("tls_cert", 114), ("tls_client_crl", 101)]), [ok]);
        assert_eq!(levels(&[("tls_cert", 113), ("tls_client_ca", 100)]), [warn, warn]);
        assert_eq!(levels(&[("tls_cert", 114), ("tls_client_crl", 100)]), [warn]);
        let broken = Some(Err("tls_key: k, line 1: no".to_owned()));
        let broken = told(|| check(&broken, 0, "edit"));
        assert_eq!(broken[0].level, Level::Error);
        assert!(broken[0].found.contains("line 1"), "{}", broken[0]);
    }
}
