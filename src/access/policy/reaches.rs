//! How far a right reaches, and what needs two principals, read from text.

use super::{
    fault::Part,
    text::{FourEyesText, RightText, Text},
};
use crate::domain::{
    AuthorityCode, RegionCode,
    access::{AuthoritySet, FourEyes, KindSet, ProgrammeSet, Reach},
    catalogue::Catalogues,
    kind::Kind,
};

/// The programmes that a policy may name. `None` before the log is open, which knows them: then any
/// name is taken, and none is kept.
pub(crate) type Known<'a> = Option<&'a Catalogues>;

/// Reads a reach. `None` if it has a fault, which is told to its part.
pub(crate) fn read(right: &RightText, key: &str, known: Known, part: &mut Part) -> Option<Reach> {
    let lists = [
        ("authorities", &right.authorities),
        ("programmes", &right.programmes),
        ("kinds", &right.kinds),
    ];
    for (field, list) in lists {
        // It bounds nothing, and looks as if it bounded everything.
        if list.as_ref().is_some_and(Vec::is_empty) {
            let rule = "an empty list; leave the key out if there is no such bound";
            part.refuse(&right.action.span(), &format!("{key}.{field}"), None, rule);
            return None;
        }
    }
    let [authorities_stated, programmes_stated, kinds_stated] =
        lists.map(|(_, list)| list.as_deref().unwrap_or_default());
    let authorities = authorities(authorities_stated, key, part);
    let programmes = programmes(programmes_stated, key, known, part);
    let kinds = kinds(kinds_stated, key, part);
    let region = match &right.region {
        Some(code) => Some(region(code, key, part)?),
        None => None,
    };
    Some(Reach {
        authorities: authorities?,
        region,
        programmes: programmes?,
        kinds: kinds?,
        own: right.own,
    })
}

/// Reads an entry of the four-eyes rule. `None` if it has a fault.
pub(crate) fn four_eyes(stated: &FourEyesText, known: Known, part: &mut Part) -> Option<FourEyes> {
    let key = "four_eyes";
    let authorities = authorities(&stated.authorities, key, part);
    let programmes = programmes(&stated.programmes, key, known, part);
    let kinds = kinds(&stated.kinds, key, part);
    Some(FourEyes { authorities: authorities?, programmes: programmes?, kinds: kinds? })
}

fn region(stated: &Text, key: &str, part: &mut Part) -> Option<RegionCode> {
    let code = stated.get_ref();
    let read = RegionCode::parse(code);
    let refused =
        |breach| part.refuse(&stated.span(), &format!("{key}.region"), Some(code), breach);
    read.map_err(refused).ok()
}

fn authorities(stated: &[Text], key: &str, part: &mut Part) -> Option<AuthoritySet> {
    items(stated, key, "authorities", part, AuthorityCode::parse)
}

fn programmes(stated: &[Text], key: &str, known: Known, part: &mut Part) -> Option<ProgrammeSet> {
    match known {
        Some(known) => items(stated, key, "programmes", part, |id| known.find(id)),
        None => Some(ProgrammeSet::default()),
    }
}

fn kinds(stated: &[Text], key: &str, part: &mut Part) -> Option<KindSet> {
    let kind = |name: &str| Kind::from_name(name).ok_or("not a kind of event, such as designated");
    items(stated, key, "kinds", part, kind)
}

fn items<T, S: FromIterator<T>, E: std::fmt::Display>(
    stated: &[Text],
    key: &str,
    field: &str,
    part: &mut Part,
    read: impl Fn(&str) -> Result<T, E>,
) -> Option<S> {
    let mut refused = false;
    let mut all = Vec::with_capacity(stated.len());
    for (place, text) in stated.iter().enumerate() {
        match read(text.get_ref()) {
            Ok(item) => all.push(item),
            Err(rule) => {
                let key = format!("{key}.{field}[{place}]");
                part.refuse(&text.span(), &key, Some(text.get_ref()), rule);
                refused = true;
            }
        }
    }
    (!refused).then(|| all.into_iter().collect())
}
