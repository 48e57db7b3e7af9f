use super::*;
use crate::limits::{GATEWAY_SOCKETS_MAX, PARTY_IN_FLIGHT_BYTES_MAX, TLS_CRL_FILES_MAX};

#[test]
#[allow(clippy::result_large_err)] // as below
fn a_variable_names_several_leaders_as_the_flag_does() {
    figment::Jail::expect_with(|jail| {
        let (a, b) = ("https://a:1", "https://b:2");
        let read = || Config::load(&ServerSettings::default(), None);
        let named = || read().unwrap().follow.iter().map(ToString::to_string).collect::<Vec<_>>();
        for text in [format!("{a},{b}"), format!("{a}, {b}"), format!("[\"{a}\",\"{b}\"]")] {
            jail.set_env("TIDU_FOLLOW", text);
            assert_eq!(named(), [a, b]);
        }
        jail.set_env("TIDU_FOLLOW", a);
        assert_eq!(named(), [a]);
        jail.set_env("TIDU_FOLLOW", "https://a:1,b");
        assert!(read().unwrap_err().to_string().contains("the form is https://HOST:PORT"));
        jail.create_file(DEFAULT_FILE, "follow = [\"https://b:2\"]")?;
        jail.set_env("TIDU_FOLLOW", "[]");
        assert!(named().is_empty());
        Ok(())
    });
}

#[test]
#[allow(clippy::result_large_err)] // the jail's own error type
fn flags_win_over_the_environment_over_the_file() {
    figment::Jail::expect_with(|jail| {
        jail.create_file(DEFAULT_FILE, "listen = \"127.0.0.1:1\"\ndata_dir = \"from-file\"")?;
        jail.set_env("TIDU_LISTEN", "127.0.0.1:2");
        let read = |flags: &ServerSettings| Config::load(flags, None).unwrap();
        let config = read(&ServerSettings::default());
        assert_eq!(config.listen.port(), 2);
        assert_eq!(config.data_dir, Path::new("from-file"));
        let flags =
            ServerSettings { listen: "127.0.0.1:3".parse().ok(), ..ServerSettings::default() };
        assert_eq!(read(&flags).listen.port(), 3);
        assert_eq!(config.operations_listen.to_string(), "127.0.0.1:9464");
        jail.set_env("TIDU_OPERATIONS_LISTEN", "off");
        assert_eq!(read(&flags).operations_listen, OperationsListen::Off);
        let flags = ServerSettings {
            operations_listen: "127.0.0.1:0".parse().ok(),
            ..ServerSettings::default()
        };
        assert_eq!(read(&flags).operations_listen.to_string(), "127.0.0.1:0");
        Ok(())
    });
}

#[test]
#[allow(clippy::result_large_err)] // as above
fn unknown_settings_missing_files_and_open_addresses_are_refused() {
    figment::Jail::expect_with(|jail| {
        let load = |flags: &ServerSettings, file: Option<&str>| {
            Config::load(flags, file.map(Path::new)).unwrap_err().to_string()
        };
        let flags =
            ServerSettings { listen: "0.0.0.0:1".parse().ok(), ..ServerSettings::default() };
        assert!(load(&flags, None).contains("--insecure"));
        assert!(load(&ServerSettings::default(), Some("nowhere.toml")).contains("nowhere.toml"));
        for odd in ["example.org", "https://example.org/", "https://example.org/page"] {
            let flags =
                ServerSettings { web_origins: vec![odd.to_owned()], ..ServerSettings::default() };
            let config = Config::load(&flags, None).unwrap();
            assert!(config.origins().unwrap_err().to_string().contains(odd));
        }
        let operations = |listen: &str| ServerSettings {
            operations_listen: listen.parse().ok(),
            ..ServerSettings::default()
        };
        let text = load(&operations("[::]:9464"), None);
        assert!(text.contains("operations_listen") && text.contains("--insecure"), "{text}");
        let both = |port| ServerSettings {
            listen: "127.0.0.1:9464".parse().ok(),
            ..operations(&format!("127.0.0.1:{port}"))
        };
        let text = load(&both(9464), None);
        assert!(text.contains("listen and operations_listen both name 127.0.0.1:9464"));
        assert!(Config::load(&both(9465), None).is_ok());
        let small = PARTY_IN_FLIGHT_BYTES_MAX - 1;
        let least = |bytes| ServerSettings { in_flight_bytes: Some(bytes), ..Default::default() };
        assert!(load(&least(small), None).contains(&small.to_string()));
        assert!(Config::load(&least(small + 1), None).is_ok());
        for odd in ["9464", "\"9464\"", "\"on\"", "\"\"", "false"] {
            jail.create_file("odd.toml", &format!("operations_listen = {odd}"))?;
            let text = load(&ServerSettings::default(), Some("odd.toml"));
            assert!(text.contains("operations_listen"), "{odd}: {text}");
        }
        for odd in ["collector:4317", "http://collector", "http://user:word@collector:1"] {
            let flags =
                ServerSettings { otlp_endpoint: Some(odd.to_owned()), ..ServerSettings::default() };
            let said = load(&flags, None);
            assert!(said.contains("otlp_endpoint") && said.contains("collector"), "{said}");
            assert!(!said.contains("word@"), "{said}");
        }
        for odd in [-0.5, 1.01, f64::NAN] {
            let flags =
                ServerSettings { otlp_sample_ratio: Some(odd), ..ServerSettings::default() };
            let said = load(&flags, None);
            assert!(said.contains(&format!("otlp_sample_ratio: {odd}")), "{said}");
        }
        jail.create_file("odd.toml", "listen = 1")?;
        assert!(load(&ServerSettings::default(), Some("odd.toml")).contains("listen"));
        Ok(())
    });
}

#[test]
#[allow(clippy::result_large_err)] // as above
fn settings_of_tls_need_each_other_and_protect_an_open_address() {
    figment::Jail::expect_with(|jail| {
        let load = |lines: &str| {
            jail.create_file("tls.toml", lines)?;
            let loaded = Config::load(&ServerSettings::default(), Some(Path::new("tls.toml")));
            Ok::<_, figment::Error>(loaded.map_err(|error| error.to_string()))
        };
        let tls = "tls_cert = \"c\"\ntls_key = \"k\"\n";
        assert!(load(tls)?.unwrap().has_tls());
        for (lines, set, missing) in [
            ("tls_cert = \"c\"", "tls_cert", "tls_key"),
            ("tls_key = \"k\"", "tls_key", "tls_cert"),
            ("tls_client_ca = \"a\"", "tls_client_ca", "tls_cert"),
            ("tls_client_crl = [\"l\"]", "tls_client_crl", "tls_client_ca"),
        ] {
            let said = load(lines)?.unwrap_err();
            let expected = format!("{set}: it is set, and {missing} is not");
            assert!(said.starts_with(&expected), "{said}");
        }
        let open = "listen = \"0.0.0.0:0\"\n";
        assert!(load(open)?.unwrap_err().contains("no TLS and callers have no principals"));
        assert!(load(&format!("{open}{tls}"))?.unwrap_err().contains("knows no principals"));
        assert!(load(&format!("{open}{tls}insecure = true"))?.is_ok());
        let lists = |count| {
            let files = vec!["\"l\""; count].join(", ");
            load(&format!("{tls}tls_client_ca = \"a\"\ntls_client_crl = [{files}]"))
        };
        assert!(lists(TLS_CRL_FILES_MAX)?.is_ok());
        assert!(lists(TLS_CRL_FILES_MAX + 1)?.unwrap_err().contains("the limit is 64"));
        let sockets = |count| {
            let sockets = vec!["\"/s:1\""; count].join(", ");
            load(&format!("gateway_sockets = [{sockets}]"))
        };
        assert!(sockets(GATEWAY_SOCKETS_MAX)?.is_ok());
        assert!(sockets(GATEWAY_SOCKETS_MAX + 1)?.unwrap_err().contains("the limit is 8"));
        assert!(load("gateway_sockets = [\"s:1\"]")?.unwrap_err().contains("absolute path"));
        Ok(())
    });
}

/// The settings that the example file shows: their lines, and whether a value is only an example.
fn shown_settings(text: &str) -> Vec<(bool, &str)> {
    let (mut shown, mut example) = (Vec::new(), false);
    for line in text.lines() {
        let setting = line.strip_prefix('#').unwrap_or(line);
        if line == "# example" || setting.is_empty() {
            example = line == "# example";
        } else if !setting.starts_with(' ') {
            shown.push((example, setting));
        }
    }
    shown
}

#[test]
#[allow(clippy::result_large_err)] // as above
fn the_example_file_has_every_setting_with_its_default() {
    const TEXT: &str = include_str!("../../../deploy/tidu.toml");
    let shown = shown_settings(TEXT);
    let name = |line: &str| line.split(' ').next().unwrap_or_default().to_owned();
    let mut names: Vec<_> = shown.iter().map(|(_, line)| name(line)).collect();
    names.sort();
    assert_eq!(names, Config::setting_names().unwrap(), "deploy/tidu.toml shows each setting once");
    let lines = |wanted: fn(&bool) -> bool| -> String {
        let lines = shown.iter().filter(|(example, _)| wanted(example));
        lines.map(|(_, line)| format!("{line}\n")).collect()
    };
    figment::Jail::expect_with(|jail| {
        let load = |name: &str, text: &str| {
            jail.create_file(name, text).unwrap();
            Config::load(&ServerSettings::default(), Some(Path::new(name))).unwrap()
        };
        let installed = Config { data_dir: "/var/lib/tidu/log".into(), ..Config::default() };
        assert_eq!(load("installed.toml", TEXT), installed);
        assert_eq!(load("defaults.toml", &lines(|example| !example)), installed);
        load("all.toml", &lines(|_| true));
        Ok(())
    });
}

#[test]
#[allow(clippy::result_large_err)] // as above
fn the_settings_of_the_image_and_of_the_pod_are_usable() {
    figment::Jail::expect_with(|jail| {
        jail.create_file("image.toml", include_str!("../../../deploy/container.toml"))?;
        jail.create_file("pod.toml", include_str!("../../../deploy/kubernetes/tidu.toml"))?;
        let load = |name: &str, insecure| {
            let flags = ServerSettings { insecure, ..ServerSettings::default() };
            Config::load(&flags, Some(Path::new(name)))
        };
        let refused = load("image.toml", false).unwrap_err().to_string();
        assert!(refused.contains("--insecure"), "{refused}");
        for (name, insecure) in [("image.toml", true), ("pod.toml", false)] {
            let config = load(name, insecure).unwrap();
            // The volume is at /data; the server makes the directory inside it.
            assert_eq!(config.data_dir, Path::new("/data/log"));
        }
        Ok(())
    });
}
