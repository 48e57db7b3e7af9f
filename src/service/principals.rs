//! Principals as messages: out of the policy, and into the form of its files.

use tonic::{Code, Status};

use super::errors;
use crate::{
    access::{Action, Entry, PrincipalText, RightText, unplaced},
    domain::{
        AuthorityCode,
        access::{Reach, Rights, Role, Unseen},
        catalogue::Catalogues,
        fault::echo,
        kind::{Kind, ProgrammeId},
        text::hex,
    },
    protocol::{
        pb::{self, ErrorReason},
        time::{micros, timestamp},
    },
};

/// A principal without its credentials.
pub(super) fn without_credentials(
    name: String,
    rights: &Rights,
    catalogues: &Catalogues,
) -> pb::PrincipalEntry {
    let unseen = match rights.unseen {
        Unseen::Withheld => pb::Unseen::Withheld,
        Unseen::Hidden => pb::Unseen::Hidden,
    };
    let of_action = |action: Action| {
        let reaches = action.reaches(rights).iter();
        reaches.map(move |reach| right(action, reach, catalogues))
    };
    pb::PrincipalEntry {
        id: name,
        authority: rights.authority.map(|code| code.as_str().to_owned()).unwrap_or_default(),
        roles: rights.roles.iter().map(|role| i32::from(role as u8)).collect(),
        rights: [Action::Record, Action::Approve, Action::Read]
            .into_iter()
            .flat_map(of_action)
            .collect(),
        unseen: unseen.into(),
        ..Default::default()
    }
}

/// A principal of the policy, with its credentials as far as the server knows them.
pub(crate) fn of_entry(entry: &Entry, catalogues: &Catalogues) -> pb::PrincipalEntry {
    let credentials = &entry.credentials;
    let (token, subject) = (credentials.token, credentials.subject.as_ref());
    pb::PrincipalEntry {
        certificate_uri: credentials.certificate.clone().unwrap_or_default(),
        key_sha256: credentials.key.map(Vec::from).unwrap_or_default().into(),
        token_sha256: token.map(|token| Vec::from(token.sha256)).unwrap_or_default().into(),
        token_expire_time: token.and_then(|token| token.expires_micros).map(timestamp),
        jwt_subject: subject.map(|subject| subject.name.clone()).unwrap_or_default(),
        jwt_issuer: subject.and_then(|subject| subject.issuer.clone()).unwrap_or_default(),
        managed_by: entry.managed_by.as_ref().map(|by| by.as_str().to_owned()).unwrap_or_default(),
        ..without_credentials(entry.id.as_str().to_owned(), &entry.rights, catalogues)
    }
}

fn right(action: Action, reach: &Reach, catalogues: &Catalogues) -> pb::Right {
    let Reach { authorities, region, programmes, kinds, own } = reach;
    let authorities = AuthorityCode::all().filter(|code| authorities.contains(*code));
    let programmes = ProgrammeId::all().filter(|id| programmes.contains(*id));
    pb::Right {
        action: match action {
            Action::Record => pb::RightAction::Record,
            Action::Approve => pb::RightAction::Approve,
            Action::Read => pb::RightAction::Read,
        }
        .into(),
        authorities: authorities.map(|code| code.as_str().to_owned()).collect(),
        region: region.map(|region| region.to_string()).unwrap_or_default(),
        programmes: programmes.map(|id| catalogues.id_of(id).to_owned()).collect(),
        kinds: Kind::all()
            .filter(|kind| kinds.contains(*kind))
            .map(|kind| i32::from(kind.number()))
            .collect(),
        own: *own,
    }
}

/// The principal of a request, in the form of the files.
pub(super) fn into_text(entry: pb::PrincipalEntry) -> Result<PrincipalText, Status> {
    if !entry.managed_by.is_empty() {
        return Err(invalid("managed_by", Some(&entry.managed_by), "it must be empty"));
    }
    let some = |text: String| Some(text).filter(|text| !text.is_empty()).map(unplaced);
    let digest = |bytes: &[u8]| some(hex(bytes));
    let mut roles = Vec::with_capacity(entry.roles.len());
    for (place, number) in entry.roles.iter().enumerate() {
        let role = u8::try_from(*number).ok().and_then(Role::from_repr);
        let unknown = || errors::unknown_enum(&format!("principal.roles[{place}]"), *number);
        roles.push(unplaced(role.ok_or_else(unknown)?.name()));
    }
    let mut rights = Vec::with_capacity(entry.rights.len());
    for (place, right) in entry.rights.into_iter().enumerate() {
        rights.push(toml::Spanned::new(0..0, right_text(place, right)?));
    }
    let unseen = match pb::Unseen::try_from(entry.unseen) {
        Ok(pb::Unseen::Unspecified | pb::Unseen::Withheld) => None,
        Ok(pb::Unseen::Hidden) => Some(unplaced("hidden")),
        Err(_) => return Err(errors::unknown_enum("principal.unseen", entry.unseen)),
    };
    Ok(PrincipalText {
        id: unplaced(entry.id),
        authority: some(entry.authority),
        roles,
        certificate: some(entry.certificate_uri),
        key_sha256: digest(&entry.key_sha256),
        token_sha256: digest(&entry.token_sha256),
        token_expires: entry.token_expire_time.as_ref().map(end_of_token).transpose()?,
        jwt: some(entry.jwt_subject),
        jwt_issuer: some(entry.jwt_issuer),
        unseen,
        managed_by: None,
        right: rights,
    })
}

fn end_of_token(
    stated: &prost_types::Timestamp,
) -> Result<toml::Spanned<toml::value::Datetime>, Status> {
    let end = jiff::Timestamp::from_microsecond(micros(stated)).ok();
    let end = end.and_then(|end| end.to_string().parse().ok());
    let unknown = || invalid("token_expires", None, "not an instant before the year 10000");
    Ok(toml::Spanned::new(0..0, end.ok_or_else(unknown)?))
}

fn right_text(place: usize, right: pb::Right) -> Result<RightText, Status> {
    let at = |field: &str| format!("principal.rights[{place}].{field}");
    let action = match pb::RightAction::try_from(right.action) {
        Ok(pb::RightAction::Record) => Action::Record,
        Ok(pb::RightAction::Approve) => Action::Approve,
        Ok(pb::RightAction::Read) => Action::Read,
        _ => return Err(errors::unknown_enum(&at("action"), right.action)),
    };
    let mut kinds = Vec::with_capacity(right.kinds.len());
    for number in right.kinds {
        let kind = Kind::from_number(number);
        kinds.push(kind.ok_or_else(|| errors::unknown_enum(&at("kinds"), number))?.name());
    }
    Ok(RightText {
        action: unplaced(action.name()),
        authorities: list(right.authorities),
        region: Some(right.region).filter(|region| !region.is_empty()).map(unplaced),
        programmes: list(right.programmes),
        kinds: list(kinds),
        own: right.own,
    })
}

fn list<T: Into<String>>(values: Vec<T>) -> Option<Vec<toml::Spanned<String>>> {
    (!values.is_empty()).then(|| values.into_iter().map(unplaced).collect())
}

/// A principal that cannot be used. The key is that of a file.
pub(super) fn invalid(key: &str, value: Option<&str>, rule: &str) -> Status {
    let field = match key {
        "" => "principal".to_owned(),
        "certificate" => "principal.certificate_uri".to_owned(),
        "jwt" => "principal.jwt_subject".to_owned(),
        "token_expires" => "principal.token_expire_time".to_owned(),
        key => match key.strip_prefix("right") {
            Some(rest) => format!("principal.rights{rest}"),
            None => format!("principal.{key}"),
        },
    };
    let message = format!("{field}: {rule}");
    let mut metadata = vec![("field", field), ("detail", echo(rule))];
    metadata.extend(value.map(|value| ("value", echo(value))));
    errors::with_metadata(Code::InvalidArgument, ErrorReason::PrincipalInvalid, message, metadata)
}
