//! The words of the domain for the protocol's enums; `None` for a value that is not stated, or that
//! this version does not know.

use crate::{
    domain::event::{Ground, Restructuring, ReviewFailureCause, SubjectEndCause},
    protocol::pb,
};

/// All grounds, with their values in the protocol.
const GROUNDS: [(Ground, pb::RevocationGround); 10] = [
    (Ground::BelowStandard, pb::RevocationGround::BelowStandard),
    (Ground::SafetyAccident, pb::RevocationGround::SafetyAccident),
    (Ground::QualityAccident, pb::RevocationGround::QualityAccident),
    (Ground::PollutionAccident, pb::RevocationGround::PollutionAccident),
    (Ground::Dishonesty, pb::RevocationGround::Dishonesty),
    (Ground::TaxEvasion, pb::RevocationGround::TaxEvasion),
    (Ground::Falsification, pb::RevocationGround::Falsification),
    (Ground::DutyNotMet, pb::RevocationGround::DutyNotMet),
    (Ground::ReviewNotSubmitted, pb::RevocationGround::ReviewNotSubmitted),
    (Ground::Other, pb::RevocationGround::Other),
];

/// The ground with a value of the protocol.
pub(crate) fn ground(value: pb::RevocationGround) -> Option<Ground> {
    GROUNDS.iter().find(|(_, known)| *known == value).map(|(ground, _)| *ground)
}

/// The protocol's value for a ground.
#[must_use]
pub fn pb_ground(ground: Ground) -> pb::RevocationGround {
    let found = GROUNDS.iter().find(|(known, _)| *known == ground);
    found.map_or(pb::RevocationGround::Unspecified, |(_, value)| *value)
}

pub(super) fn review_failure_cause(value: pb::ReviewFailureCause) -> Option<ReviewFailureCause> {
    match value {
        pb::ReviewFailureCause::Unspecified => None,
        pb::ReviewFailureCause::NotUpToStandard => Some(ReviewFailureCause::NotUpToStandard),
        pb::ReviewFailureCause::NotSubmitted => Some(ReviewFailureCause::NotSubmitted),
    }
}

pub(super) fn restructuring(value: pb::RestructuringKind) -> Option<Restructuring> {
    match value {
        pb::RestructuringKind::Unspecified => None,
        pb::RestructuringKind::Merger => Some(Restructuring::Merger),
        pb::RestructuringKind::Absorption => Some(Restructuring::Absorption),
        pb::RestructuringKind::Division => Some(Restructuring::Division),
        pb::RestructuringKind::Reorganisation => Some(Restructuring::Reorganisation),
    }
}

pub(super) fn subject_end_cause(value: pb::SubjectEndCause) -> Option<SubjectEndCause> {
    match value {
        pb::SubjectEndCause::Unspecified => None,
        pb::SubjectEndCause::Deregistered => Some(SubjectEndCause::Deregistered),
        pb::SubjectEndCause::LicenceRevoked => Some(SubjectEndCause::LicenceRevoked),
        pb::SubjectEndCause::Absorbed => Some(SubjectEndCause::Absorbed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ground_has_one_value_and_back() {
        for number in 1..=10 {
            let value = pb::RevocationGround::try_from(number).unwrap();
            assert_eq!(pb_ground(ground(value).unwrap()), value);
        }
        assert!(pb::RevocationGround::try_from(11).is_err(), "add the new ground above");
        assert_eq!(ground(pb::RevocationGround::Unspecified), None);
    }

    #[test]
    fn the_serious_grounds_are_those_of_the_measures() {
        let serious: Vec<_> = GROUNDS.iter().filter(|(g, _)| g.is_serious()).collect();
        let numbers: Vec<i32> = serious.iter().map(|(_, value)| i32::from(*value)).collect();
        assert_eq!(numbers, [2, 3, 4, 5, 6, 7]);
    }
}
