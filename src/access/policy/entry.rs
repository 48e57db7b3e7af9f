//! One principal of a policy: its rights and its credentials, read from text.

use std::ops::Range;

use jiff::Timestamp;
use toml::{Spanned, value::Datetime};

use super::{
    fault::Part,
    reaches::{self, Known},
    roles::{Action, clash, idle_role, needs_authority, of_authority, usual_rights},
    text::{PrincipalText, RightText, Text},
};
use crate::{
    domain::{
        AuthorityCode, Principal,
        access::{Reach, Rights, Role, Roles, Unseen},
        text::unhex,
    },
    limits::{CREDENTIAL_NAME_BYTES_MAX, PRINCIPAL_RIGHTS_MAX},
};

/// Ids that begin so are those of the users at Unix sockets.
pub(crate) const SOCKET_PREFIX: &str = "unix:";
/// SHA-256 of nothing, which a command prints for a file that was empty.
const SHA256_OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// A principal of a policy.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) id: Principal,
    pub(crate) rights: Rights,
    pub(crate) credentials: Credentials,
    /// The delegate that manages it.
    pub(crate) managed_by: Option<Principal>,
}

/// How a principal can prove itself. Each is enough.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Credentials {
    /// The one URI of a certificate.
    pub(crate) certificate: Option<String>,
    /// SHA-256 of the key of a certificate.
    pub(crate) key: Option<[u8; 32]>,
    pub(crate) token: Option<Token>,
    pub(crate) subject: Option<Subject>,
}

/// A token, of which only the hash is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) sha256: [u8; 32],
    pub(crate) expires_micros: Option<i64>,
}

/// Whom a JWT is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Subject {
    /// Its issuer; `None` for the only one of the policy.
    pub(crate) issuer: Option<String>,
    pub(crate) name: String,
}

/// One credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Credential<'a> {
    Certificate(&'a str),
    Key(&'a [u8; 32]),
    Token(&'a [u8; 32]),
    Subject(&'a Subject),
}

impl Credentials {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each of them, with its key in a file. No two principals may have the same one.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&'static str, Credential<'_>)> {
        let Self { certificate, key, token, subject } = self;
        let certificate = certificate.as_deref().map(Credential::Certificate);
        let token = token.as_ref().map(|token| Credential::Token(&token.sha256));
        [
            ("certificate", certificate),
            ("key_sha256", key.as_ref().map(Credential::Key)),
            ("token_sha256", token),
            ("jwt", subject.as_ref().map(Credential::Subject)),
        ]
        .into_iter()
        .filter_map(|(key, credential)| credential.map(|credential| (key, credential)))
    }
}

/// Reads a principal. `None` if it has a fault, which is told to its part.
pub(crate) fn read(stated: &PrincipalText, known: Known, part: &mut Part) -> Option<Entry> {
    let id = principal_id(&stated.id, "id", part);
    part.principal = id.as_ref().map(|id| id.as_str().to_owned()).unwrap_or_default();
    let credentials = read_credentials(stated, part);
    let managed_by =
        optional(stated.managed_by.as_ref(), |delegate| principal_id(delegate, "managed_by", part));
    // Without roles nobody knows which rights go with them.
    let roles = read_roles(stated, part)?;
    require_certificate_of_gateway(stated, roles, part)?;
    let authority = read_authority(stated, roles, part)?;
    let rights = read_rights(stated, roles, authority, known, part)?;
    Some(Entry { id: id?, rights, credentials: credentials?, managed_by: managed_by? })
}

/// True for the characters of an id.
fn is_of_id(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._:/".contains(&byte)
}

fn principal_id(stated: &Text, key: &str, part: &mut Part) -> Option<Principal> {
    let id = stated.get_ref();
    let is_free = id.bytes().all(is_of_id) && !id.starts_with(SOCKET_PREFIX);
    let found = is_free.then(|| Principal::named(id)).flatten();
    if found.is_none() {
        let rule = "an id has 1 to 64 characters of a-z0-9-._:/, is not anonymous, server or \
                    service, and does not begin with unix:";
        part.refuse(&stated.span(), key, Some(id), rule);
    }
    found
}

fn read_roles(stated: &PrincipalText, part: &mut Part) -> Option<Roles> {
    let (mut roles, mut is_read) = (Roles::default(), true);
    for (place, name) in stated.roles.iter().enumerate() {
        match Role::from_name(name.get_ref()) {
            Some(role) if roles.contains(role) => {
                part.warn(&name.span(), &format!("roles[{place}]"), Some(name.get_ref()), "twice");
            }
            Some(role) => roles.insert(role),
            None => {
                let rule = "not a role: recorder, signer, reader, auditor, operator, delegate, \
                            node or gateway";
                let key = format!("roles[{place}]");
                part.refuse(&name.span(), &key, Some(name.get_ref()), rule);
                is_read = false;
            }
        }
    }
    if !is_read {
        return None;
    }
    let span = stated.roles.first().unwrap_or(&stated.id).span();
    if let Some(rule) = clash(roles) {
        part.refuse(&span, "roles", None, rule);
        return None;
    }
    if let Some(idle) = idle_role(roles) {
        part.warn(&span, "roles", Some(idle.name()), "changes nothing: another role reads as far");
    }
    Some(roles)
}

/// A gateway speaks for everybody, so a secret that can be copied does not prove it.
fn require_certificate_of_gateway(
    stated: &PrincipalText,
    roles: Roles,
    part: &mut Part,
) -> Option<()> {
    let other = stated.token_sha256.as_ref().or(stated.jwt.as_ref());
    let other = other.filter(|_| roles.contains(Role::Gateway));
    if let Some(other) = other {
        let rule = "a gateway proves itself by its certificate alone";
        part.refuse(&other.span(), "roles", Some(Role::Gateway.name()), rule);
        return None;
    }
    Some(())
}

/// The authority; the outer `None` for a fault.
fn read_authority(
    stated: &PrincipalText,
    roles: Roles,
    part: &mut Part,
) -> Option<Option<AuthorityCode>> {
    let Some(code) = &stated.authority else {
        if needs_authority(roles) {
            let rule = "missing: a recorder, signer or delegate acts for one authority";
            part.refuse(&stated.id.span(), "authority", None, rule);
            return None;
        }
        return Some(None);
    };
    match AuthorityCode::parse(code.get_ref()) {
        Ok(authority) => Some(Some(authority)),
        Err(breach) => {
            part.refuse(&code.span(), "authority", Some(code.get_ref()), breach);
            None
        }
    }
}

fn read_rights(
    stated: &PrincipalText,
    roles: Roles,
    authority: Option<AuthorityCode>,
    known: Known,
    part: &mut Part,
) -> Option<Rights> {
    let mut rights = usual_rights(roles, authority);
    let mut is_read = true;
    match stated.unseen.as_ref().map(|unseen| (unseen, unseen.get_ref().as_str())) {
        None | Some((_, "withheld")) => {}
        Some((_, "hidden")) => rights.unseen = Unseen::Hidden,
        Some((unseen, value)) => {
            part.refuse(&unseen.span(), "unseen", Some(value), "neither withheld nor hidden");
            is_read = false;
        }
    }
    if stated.right.len() > PRINCIPAL_RIGHTS_MAX {
        let rule =
            format!("{} rights; at most {PRINCIPAL_RIGHTS_MAX} are allowed", stated.right.len());
        part.refuse(&stated.id.span(), "right", None, rule);
        return None;
    }
    let mut by_action: Vec<(Action, Vec<Reach>)> = Vec::new();
    for (place, right) in stated.right.iter().enumerate() {
        let key = format!("right[{place}]");
        let Some((action, reach)) = read_right(right, &key, &rights, known, part) else {
            is_read = false;
            continue;
        };
        match by_action.iter_mut().find(|(known, _)| *known == action) {
            Some((_, reaches)) => {
                warn_if_contained(&reach, reaches, right, &key, part);
                reaches.push(reach);
            }
            None => by_action.push((action, vec![reach])),
        }
    }
    for (action, reaches) in by_action {
        *action.reaches_mut(&mut rights) = reaches;
    }
    is_read.then_some(rights)
}

fn warn_if_contained(
    reach: &Reach,
    others: &[Reach],
    right: &Spanned<RightText>,
    key: &str,
    part: &mut Part,
) {
    if others.iter().any(|other| reach.is_within(other)) {
        part.warn(&right.span(), key, None, "changes nothing: a right above it reaches as far");
    } else if others.iter().any(|other| other.is_within(reach)) {
        part.warn(&right.span(), key, None, "a right above it changes nothing beside this one");
    }
}

fn read_right(
    right: &Spanned<RightText>,
    key: &str,
    usual: &Rights,
    known: Known,
    part: &mut Part,
) -> Option<(Action, Reach)> {
    let (span, right) = (right.span(), right.get_ref());
    let stated = &right.action;
    let action: Option<Action> = stated.get_ref().parse().ok();
    let Some(action) = action else {
        let rule = "not an action: record, approve or read";
        part.refuse(&stated.span(), &format!("{key}.action"), Some(stated.get_ref()), rule);
        return None;
    };
    let mut reach = reaches::read(right, key, known, part)?;
    if !usual.roles.any(action.roles()) {
        let rule = match action {
            Action::Read => "its roles read everything or nothing; they take no right to read",
            Action::Record => "only a recorder, or a delegate that gives it, has rights to record",
            Action::Approve => "only a signer, or a delegate that gives it, has rights to approve",
        };
        part.refuse(&span, &format!("{key}.action"), Some(action.name()), rule);
        return None;
    }
    let own = usual.authority.map(of_authority).unwrap_or_default();
    if action == Action::Read {
        let is_wide = reach.own && !reach.authorities.is_within(own.authorities);
        if is_wide || reach.own && reach.authorities.is_empty() {
            let rule = "reads the class own of other authorities, as an auditor does";
            part.warn(&span, &format!("{key}.own"), None, rule);
        }
        return Some((action, reach));
    }
    // Nobody decides for another authority.
    if reach.authorities.is_empty() {
        reach.authorities = own.authorities;
    }
    if !reach.authorities.is_within(own.authorities) {
        let rule = "a principal records and approves for its own authority alone";
        part.refuse(&span, &format!("{key}.authorities"), None, rule);
        return None;
    }
    if reach.own {
        part.warn(&span, &format!("{key}.own"), None, "changes nothing: it is about reading");
        reach.own = false;
    }
    Some((action, reach))
}

fn read_credentials(stated: &PrincipalText, part: &mut Part) -> Option<Credentials> {
    let certificate = optional(stated.certificate.as_ref(), |uri| certificate_uri(uri, part));
    let key = optional(stated.key_sha256.as_ref(), |digits| digest(digits, "key_sha256", part));
    let sha256 =
        optional(stated.token_sha256.as_ref(), |digits| digest(digits, "token_sha256", part));
    let expires = optional(stated.token_expires.as_ref(), |end| token_end(end, part));
    let name = optional(stated.jwt.as_ref(), |name| bounded_name(name, "jwt", part));
    let issuer =
        optional(stated.jwt_issuer.as_ref(), |name| bounded_name(name, "jwt_issuer", part));
    let (sha256, expires_micros, name, issuer) = (sha256?, expires?, name?, issuer?);
    if let (None, Some(end)) = (sha256, &stated.token_expires) {
        part.refuse(
            &end.span(),
            "token_expires",
            None,
            "there is no token_sha256 that it is about",
        );
        return None;
    }
    if let (None, Some(issuer)) = (&name, &stated.jwt_issuer) {
        part.refuse(&issuer.span(), "jwt_issuer", None, "there is no jwt that it is about");
        return None;
    }
    Some(Credentials {
        certificate: certificate?,
        key: key?,
        token: sha256.map(|sha256| Token { sha256, expires_micros }),
        subject: name.map(|name| Subject { issuer, name }),
    })
}

/// Reads a value that may be absent; the outer `None` is a fault.
fn optional<T, R>(stated: Option<&T>, read: impl FnOnce(&T) -> Option<R>) -> Option<Option<R>> {
    match stated {
        Some(value) => read(value).map(Some),
        None => Some(None),
    }
}

fn certificate_uri(stated: &Text, part: &mut Part) -> Option<String> {
    let uri = stated.get_ref();
    let is_uri = uri.len() <= CREDENTIAL_NAME_BYTES_MAX
        && uri.bytes().all(|byte| byte.is_ascii_graphic())
        && uri.split_once(':').is_some_and(|(scheme, rest)| {
            scheme.starts_with(|first: char| first.is_ascii_alphabetic()) && !rest.is_empty()
        });
    if !is_uri {
        let rule = format!(
            "not a URI as certificates have them, such as spiffe://gd.example/recorder, of at most \
             {CREDENTIAL_NAME_BYTES_MAX} bytes"
        );
        part.refuse(&stated.span(), "certificate", Some(uri), rule);
    }
    is_uri.then(|| uri.clone())
}

/// Reads a SHA-256. The value is not repeated: somebody may have put the token itself there.
fn digest(stated: &Text, key: &str, part: &mut Part) -> Option<[u8; 32]> {
    let digits = stated.get_ref();
    let Some(sha256) = unhex(digits) else {
        let found = digits.chars().count();
        let rule =
            format!("not a SHA-256: 64 hexadecimal digits are needed, {found} characters found");
        part.refuse(&stated.span(), key, None, rule);
        return None;
    };
    if digits.eq_ignore_ascii_case(SHA256_OF_NOTHING) {
        part.refuse(&stated.span(), key, None, "the SHA-256 of an empty text");
        return None;
    }
    Some(sha256)
}

fn token_end(stated: &Spanned<Datetime>, part: &mut Part) -> Option<i64> {
    let text = stated.get_ref().to_string();
    let end: Option<Timestamp> = text.parse().ok();
    if end.is_none() {
        let rule = "an instant with its offset is needed, such as 2027-01-01T00:00:00Z";
        part.refuse(&stated.span(), "token_expires", Some(&text), rule);
    }
    end.map(Timestamp::as_microsecond)
}

fn bounded_name(stated: &Text, key: &str, part: &mut Part) -> Option<String> {
    let name = stated.get_ref();
    require_name(name, &stated.span(), key, part).then(|| name.clone())
}

/// Refuses a name of a JWT that nobody can compare by eye. True if it may be used.
pub(crate) fn require_name(name: &str, span: &Range<usize>, key: &str, part: &mut Part) -> bool {
    let is_name = (1..=CREDENTIAL_NAME_BYTES_MAX).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_name {
        let rule = format!(
            "1 to {CREDENTIAL_NAME_BYTES_MAX} printable ASCII characters without spaces are needed"
        );
        part.refuse(span, key, Some(name), rule);
    }
    is_name
}
