//! Filters of every sort over the designees of random histories.

use std::sync::LazyLock;

use tidu::{
    domain::{AuthorityCode, DesigneeId, RegionCode, catalogue::Catalogue, kind::Kind},
    register::Interest,
};

use super::histories::DESIGNEES;

const MINISTRY: &str = "100000";

pub fn watching(designees: &[&str]) -> Interest {
    let mut interest = Interest::default();
    for designee in designees {
        interest.designee(DesigneeId::parse(designee).unwrap());
    }
    interest
}

pub fn under(region: &str) -> Interest {
    let mut interest = Interest::default();
    interest.region_under(RegionCode::parse(region).unwrap());
    interest
}

pub fn of_batch(batch: &str) -> Interest {
    let mut interest = Interest::default();
    interest.batch(batch);
    interest
}

pub fn of_kind(mut interest: Interest, kind: &str) -> Interest {
    interest.kind(Kind::from_name(kind).unwrap());
    interest
}

pub fn of_authority(mut interest: Interest, authority: &str) -> Interest {
    interest.authority(AuthorityCode::parse(authority).unwrap());
    interest
}

/// Filters of every sort, alone and together.
pub fn interests() -> Vec<Interest> {
    let mut all: Vec<Interest> = DESIGNEES.iter().map(|id| watching(&[id])).collect();
    all.push(watching(&DESIGNEES[1..3]));
    all.extend(["440000", "440300", "440305", "330000"].map(under));
    all.extend(["1", "2", "2022", "unheard-of"].map(of_batch));
    all.push(of_kind(Interest::default(), "designated"));
    all.push(of_authority(Interest::default(), "440000"));
    all.push(of_kind(under("440000"), "relocated"));
    all.push(of_authority(of_kind(watching(&DESIGNEES[..1]), "designated"), MINISTRY));
    all.push(of_kind(of_batch("1"), "notice_opened"));
    all
}

/// Every authority, programme and kind on its own.
pub fn scopes() -> &'static [Interest] {
    static SCOPES: LazyLock<Vec<Interest>> = LazyLock::new(|| {
        let mut all = Vec::new();
        let mut add = |narrow: &dyn Fn(&mut Interest)| {
            let mut interest = Interest::default();
            narrow(&mut interest);
            all.push(interest);
        };
        AuthorityCode::all().for_each(|authority| add(&|i| i.authority(authority)));
        Catalogue::built_in().ids().for_each(|programme| add(&|i| i.programme(programme)));
        (0..128).filter_map(Kind::from_number).for_each(|kind| add(&|i| i.kind(kind)));
        assert!(all.len() > 70, "only {}", all.len());
        all
    });
    &SCOPES
}
