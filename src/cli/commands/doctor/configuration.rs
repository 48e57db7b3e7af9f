//! The settings that a server would use here, and where they come from.

use std::{
    env, io,
    path::{Path, PathBuf},
};

use super::finding::{Finding, word};
use crate::{
    domain::fault::echo,
    files,
    lang::{say, word as said},
    server::config::{Config, ConfigError, DEFAULT_FILE, ENVIRONMENT_PREFIX, ServerSettings},
};

/// Variables with the prefix that are no settings of the server.
const OTHERS: [&str; 9] = [
    "TIDU_CLIENT_CERT",
    "TIDU_CLIENT_KEY",
    "TIDU_CONTEXT",
    "TIDU_LANG",
    "TIDU_LOG",
    "TIDU_SERVER",
    "TIDU_TLS_CA",
    "TIDU_TOKEN_FILE",
    "TIDU_WEBHOOK_SECRET",
];
/// The setting whose value may have a password; its error shows it without.
const SECRET: &str = "TIDU_OTLP_ENDPOINT";
/// Most bytes of a configuration file that is looked at.
const FILE_BYTES_MAX: usize = 1024 * 1024;

/// All sources of settings but flags.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    pub(super) file: PathBuf,
    /// The settings in the file; `None` if there is no file, or it cannot be read.
    pub(super) in_file: Option<toml::Table>,
    /// The variables with the prefix.
    pub(super) variables: Vec<(String, String)>,
    /// The names of all settings.
    pub(super) names: Vec<String>,
    /// The settings together, or why they cannot be used.
    pub(super) config: Result<Config, String>,
    /// The settings for which they cannot be used.
    pub(super) at_fault: Vec<String>,
}

/// Reads the settings as `serve` would, with this file and this data directory.
pub(super) fn look(file: Option<&Path>, data_dir: Option<&Path>) -> Sources {
    let flags =
        ServerSettings { data_dir: data_dir.map(Path::to_path_buf), ..ServerSettings::default() };
    let path = file.unwrap_or(Path::new(DEFAULT_FILE));
    let text = files::read_text(path, FILE_BYTES_MAX);
    let missing = text.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let in_file = text.ok().and_then(|text| text.parse().ok());
    let has_prefix = |name: &str| {
        name.get(..ENVIRONMENT_PREFIX.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(ENVIRONMENT_PREFIX))
    };
    // Values are compared. They are shown only if a start refuses them: one may be a secret.
    let variables = env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok().filter(|name| has_prefix(name))?;
        Some((name, value.to_string_lossy().into_owned()))
    });
    let mut variables: Vec<_> = variables.collect();
    variables.sort();
    let config = Config::load(&flags, file);
    let at_fault = config.as_ref().err().map_or_else(Vec::new, ConfigError::settings);
    Sources {
        file: path.to_path_buf(),
        in_file: in_file.filter(|_| !missing),
        variables,
        names: Config::setting_names().unwrap_or_default(),
        config: config.map_err(|error| error.to_string()),
        at_fault,
    }
}

impl Sources {
    /// The setting that a variable sets, if there is one.
    fn setting(&self, variable: &str) -> Option<&String> {
        let name = variable.get(ENVIRONMENT_PREFIX.len()..)?;
        self.names.iter().find(|setting| setting.eq_ignore_ascii_case(name))
    }

    /// The variables that set the settings at fault, which override the file.
    fn at_fault(&self) -> Vec<&(String, String)> {
        let is_at_fault = |variable: &str| {
            self.setting(variable).is_some_and(|name| {
                self.at_fault.iter().any(|at_fault| at_fault.eq_ignore_ascii_case(name))
            })
        };
        self.variables.iter().filter(|(name, _)| is_at_fault(name)).collect()
    }

    pub(super) fn edit(&self) -> String {
        format!("${{EDITOR:-vi}} {}", word(&self.file))
    }
}

/// `configuration`: a server would take the settings.
pub(super) fn check(sources: &Sources) -> Vec<Finding> {
    let id = "configuration";
    let unknown: Vec<_> = sources
        .in_file
        .iter()
        .flat_map(toml::Table::keys)
        .filter(|key| !sources.names.contains(key))
        .collect();
    let mut found: Vec<_> = unknown
        .iter()
        .map(|key| {
            let shown = sources.file.display();
            let text = say!(
                en: "{shown} has the unknown setting {key:?}, so a start refuses it",
                zh: "{shown} 中有未知设置 {key:?}，启动时会被拒绝"
            );
            Finding::error(id, text, sources.edit())
        })
        .collect();
    match &sources.config {
        Ok(_) if found.is_empty() => {
            let source = match &sources.in_file {
                Some(_) => say!(
                    en: "{} and the environment", zh: "{} 和环境变量", sources.file.display()
                ),
                None => said!(en: "the environment", zh: "环境变量").to_owned(),
            };
            let text = say!(
                en: "a start accepts the settings of {source}", zh: "{source}中的设置可用于启动"
            );
            found.push(Finding::ok(id, text));
        }
        Err(why) if found.is_empty() => {
            let set = sources.at_fault();
            let names: Vec<_> = set.iter().map(|(name, _)| name.as_str()).collect();
            let run = match names.is_empty() {
                false => format!("unset {}", names.join(" ")),
                true => sources.edit(),
            };
            let values = set.iter().filter(|(name, _)| !SECRET.eq_ignore_ascii_case(name));
            let shown = |(name, value): &(String, String)| {
                let value = echo(value);
                say!(en: "; {name} is {value:?}", zh: "；{name} 为 {value:?}")
            };
            let values: String = values.map(|set| shown(set)).collect();
            let text = say!(
                en: "a start refuses the settings: {why}{values}",
                zh: "这些设置不能用于启动：{why}{values}"
            );
            found.push(Finding::error(id, text, run));
        }
        _ => {}
    }
    found
}

/// `settings`: each is known, and set in one place.
pub(super) fn check_settings(sources: &Sources) -> Vec<Finding> {
    let id = "settings";
    let mut found = Vec::new();
    for (variable, value) in &sources.variables {
        let unset = || format!("unset {variable}");
        let Some(name) = sources.setting(variable) else {
            if !OTHERS.iter().any(|other| other.eq_ignore_ascii_case(variable)) {
                let text = say!(
                    en: "the variable {variable} is no setting and has no effect",
                    zh: "环境变量 {variable} 不是设置，不起作用"
                );
                found.push(Finding::warn(id, text, unset()));
            }
            continue;
        };
        let in_file = sources.in_file.as_ref().and_then(|table| table.get(name));
        if in_file.is_some_and(|in_file| !is_same(in_file, value)) {
            let file = sources.file.display();
            let text = say!(
                en: "the variable {variable} overrides {name} of {file}",
                zh: "环境变量 {variable} 覆盖了 {file} 中的 {name}"
            );
            found.push(Finding::warn(id, text, unset()));
        }
    }
    if found.is_empty() {
        let text = said!(
            en: "each is known, and no source overrides another",
            zh: "各项设置均有效，且互不覆盖"
        );
        found.push(Finding::ok(id, text));
    }
    found
}

/// True if a variable says the same as a file.
fn is_same(in_file: &toml::Value, variable: &str) -> bool {
    match in_file {
        toml::Value::String(text) => text == variable.trim_matches('"'),
        other => other.to_string() == variable,
    }
}

/// `exposure`: nobody else can reach the server, or TLS protects it.
pub(super) fn check_exposure(sources: &Sources) -> Vec<Finding> {
    let id = "exposure";
    let Ok(config) = &sources.config else { return Vec::new() };
    let operations = config.operations_listen.address().filter(|it| !it.ip().is_loopback());
    let operations = operations.map(|it| {
        ("operations_listen", it, said!(en: "connections have no TLS", zh: "连接没有 TLS"))
    });
    let main = config.missing_protection().map(|lacks| ("listen", config.listen, lacks));
    let found: Vec<_> = [main, operations]
        .into_iter()
        .flatten()
        .map(|(name, address, lacks)| {
            let by_variable = sources.variables.iter().find_map(|(variable, _)| {
                (sources.setting(variable)? == name).then(|| format!("unset {variable}"))
            });
            let text = say!(
                en: "other machines can reach {address} ({name}), and {lacks}",
                zh: "其他机器可以访问 {address}（{name}），而{lacks}"
            );
            Finding::warn(id, text, by_variable.unwrap_or_else(|| sources.edit()))
        })
        .collect();
    if found.is_empty() {
        let text = match config.listen.ip().is_loopback() {
            true => say!(
                en: "only this machine can reach {}", zh: "只有本机可以访问 {}", config.listen
            ),
            false => say!(
                en: "{} has TLS, and callers are known by name",
                zh: "{} 使用 TLS，且调用方均须表明身份",
                config.listen
            ),
        };
        return vec![Finding::ok(id, text)];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{
        super::finding::{Level, told},
        *,
    };

    fn sources(file: &str, variables: &[(&str, &str)]) -> Sources {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Sources {
            file: "tidu.toml".into(),
            in_file: (!file.is_empty()).then(|| file.parse().unwrap()),
            variables: variables.iter().map(own).collect(),
            names: Config::setting_names().unwrap(),
            config: Ok(Config::default()),
            at_fault: Vec::new(),
        }
    }

    fn bad(found: &[Finding]) -> Vec<(Level, &str)> {
        let bad = found.iter().filter(|it| it.level != Level::Ok);
        bad.map(|it| (it.level, it.run.as_deref().unwrap())).collect()
    }

    #[test]
    fn settings_that_are_known_and_set_once_are_well() {
        let file = "listen = \"127.0.0.1:1\"\nquestions = 2";
        let environment =
            [("TIDU_LISTEN", "127.0.0.1:1"), ("TIDU_QUESTIONS", "2"), ("TIDU_LOG", "debug")];
        let sources = sources(file, &environment);
        let found =
            told(|| [check(&sources), check_settings(&sources), check_exposure(&sources)].concat());
        assert_eq!(found.len(), 3);
        assert!(bad(&found).is_empty(), "{found:?}");
    }

    #[test]
    fn unknown_settings_are_named_and_values_are_not() {
        let sources = sources("lisen = 1", &[("TIDU_DATADIR", "planted-secret")]);
        assert_eq!(bad(&told(|| check(&sources))), [(Level::Error, "${EDITOR:-vi} tidu.toml")]);
        let found = told(|| check_settings(&sources));
        assert_eq!(bad(&found), [(Level::Warn, "unset TIDU_DATADIR")]);
        assert!(!format!("{found:?}").contains("planted"), "{found:?}");
    }

    #[test]
    fn a_variable_that_overrides_the_file_is_named() {
        let sources = sources("questions = 2", &[("TIDU_QUESTIONS", "3")]);
        assert_eq!(
            bad(&told(|| check_settings(&sources))),
            [(Level::Warn, "unset TIDU_QUESTIONS")]
        );
    }

    #[test]
    fn settings_that_a_start_refuses_and_open_addresses_are_seen() {
        let refused = |sources: Sources| Sources { config: Err("no".to_owned()), ..sources };
        let of_file = refused(sources("listen = 1", &[("TIDU_LOG", "x")]));
        assert_eq!(bad(&told(|| check(&of_file))), [(Level::Error, "${EDITOR:-vi} tidu.toml")]);
        assert!(check_exposure(&of_file).is_empty());
        let both = [("TIDU_LISTEN", "x y"), ("TIDU_QUESTIONS", "2")];
        let mut of_environment = refused(sources("", &both));
        of_environment.at_fault = vec!["listen".to_owned()];
        let found = told(|| check(&of_environment));
        assert_eq!(bad(&found), [(Level::Error, "unset TIDU_LISTEN")], "the other one is well");
        assert!(found[0].found.contains("TIDU_LISTEN is \"x y\""), "{}", found[0]);
        let secret = [("TIDU_OTLP_ENDPOINT", "planted-secret")];
        let mut of_secret = refused(sources("", &secret));
        of_secret.at_fault = vec!["otlp_endpoint".to_owned()];
        let found = told(|| check(&of_secret));
        assert_eq!(bad(&found), [(Level::Error, "unset TIDU_OTLP_ENDPOINT")]);
        assert!(!found[0].found.contains("planted"), "{}", found[0]);
        let listen = "0.0.0.0:7".parse().unwrap();
        let config = Ok(Config { listen, insecure: true, ..Config::default() });
        let open = Sources { config, ..sources("", &[]) };
        let edit = (Level::Warn, "${EDITOR:-vi} tidu.toml");
        assert_eq!(bad(&told(|| check_exposure(&open))), [edit]);
        let config = Config {
            operations_listen: "0.0.0.0:8".parse().unwrap(),
            insecure: true,
            ..Config::default()
        };
        let both = Sources { config: Ok(config), ..sources("", &[]) };
        assert!(told(|| check_exposure(&both))[0].found.contains("0.0.0.0:8 (operations_listen)"));
        let by_variable = sources("", &[("TIDU_LISTEN", "0.0.0.0:7")]);
        let open = Sources { config: open.config, ..by_variable };
        assert_eq!(bad(&told(|| check_exposure(&open))), [(Level::Warn, "unset TIDU_LISTEN")]);
    }
}
