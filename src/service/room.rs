//! The room for lists in a response. A list ends before the entry that does not fit, and the answer
//! says how many entries it lacks, so that nothing on record makes an answer too large.

use crate::limits::{ANSWER_REST_BYTES, PAGE_BYTES, RESPONSE_BYTES_MAX};

/// A key, and the length of an entry.
const OVERHEAD: usize = 4;

/// Bytes that are left for the entries of a list.
pub(crate) struct Room(usize);

impl Room {
    /// Room for some bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self(bytes)
    }

    /// Room for a page.
    pub(crate) fn of_page() -> Self {
        Self(PAGE_BYTES)
    }

    /// Room for the lists of a whole response.
    pub(crate) fn of_response() -> Self {
        Self(RESPONSE_BYTES_MAX - ANSWER_REST_BYTES)
    }

    /// Takes the room of an entry; false, and no room is left, if it does not fit.
    pub(crate) fn takes(&mut self, entry: &impl prost::Message) -> bool {
        let left = self.0.checked_sub(entry.encoded_len() + OVERHEAD);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }

    /// The first entries of a list, as many as fit and at most `most`, and how many others it has.
    pub(crate) fn fill<T: prost::Message>(
        &mut self,
        most: usize,
        entries: impl ExactSizeIterator<Item = T>,
    ) -> (Vec<T>, u32) {
        let all = entries.len();
        let kept: Vec<T> = entries.take(most).take_while(|entry| self.takes(entry)).collect();
        let omitted = u32::try_from(all - kept.len()).unwrap_or(u32::MAX);
        (kept, omitted)
    }
}

/// The first positions of a list, at most `most`, and the number of the others.
pub(crate) fn first(mut positions: Vec<u64>, most: usize) -> (Vec<u64>, u32) {
    let omitted = u32::try_from(positions.len().saturating_sub(most)).unwrap_or(u32::MAX);
    positions.truncate(most);
    (positions, omitted)
}

#[cfg(test)]
mod tests {
    use prost::Message as _;

    use super::*;
    use crate::{
        domain::{
            AuthorityCode, CivilDate, DesigneeId,
            catalogue::Catalogues,
            event::{Declared, Ground},
        },
        limits::{
            DESIGNEE_POSITIONS_MAX, EXPLAINED_STEPS_MAX, EXPLANATIONS_MAX, LEAF_BYTES_MAX,
            LOG_EVENTS_MAX, REDACTED_POSITIONS_MAX, TITLE_BYTES_MAX, TITLE_POSITIONS_MAX,
        },
        protocol::pb,
        register::{
            BatchCounts, BatchState, BatchView, DatedId, DatedName, DesigneeView, Effect, EndCause,
            Explanation, Flags, Membership, Status, Step, SublistView, SupportView, TitleView,
        },
        service::convert,
    };

    /// The longest text that one event can hold.
    fn text() -> String {
        "t".repeat(LEAF_BYTES_MAX - 64)
    }

    fn id() -> DesigneeId {
        DesigneeId::recorded(&format!("local:440000/{}", text())).unwrap()
    }

    fn ministry() -> AuthorityCode {
        AuthorityCode::ministry()
    }

    fn day() -> CivilDate {
        CivilDate::MAX
    }

    /// The largest title, with `count` entries in each of its lists.
    fn title(catalogues: &Catalogues, count: usize) -> TitleView {
        let programme = catalogues.find("little-giant").unwrap();
        let (batch, round, rule_version, item) = (text(), text(), text(), text());
        TitleView {
            programme,
            authority: ministry(),
            item,
            status: Status::Active,
            flags: Flags::default(),
            valid_from: Some(day()),
            valid_to: Some(day()),
            inferred: true,
            batch,
            sublist: Some(ministry()),
            round,
            rule_version,
            recommended_by: Some(ministry()),
            responsible: Some(ministry()),
            ban_until: Some(day()),
            ban_inferred: true,
            ground: Some(Ground::BelowStandard),
            end_cause: Some(EndCause::ReviewFailed),
            ended_on: Some(day()),
            ended_at: Some(LOG_EVENTS_MAX),
            region_inferred: true,
            successor: Some(id()),
            converted_to: Some(programme),
            rectify_by: Some(day()),
            supports: vec![
                SupportView {
                    scheme: text(),
                    round: String::new(),
                    position: LOG_EVENTS_MAX
                };
                count.min(8)
            ],
            positions: vec![LOG_EVENTS_MAX; count],
            superseded: vec![LOG_EVENTS_MAX; count],
        }
    }

    fn designee(catalogues: &Catalogues, titles: usize, items: usize) -> DesigneeView {
        DesigneeView {
            id: id(),
            ids: vec![DatedId { id: id(), from: Some(day()), position: Some(7) }; items],
            version: LOG_EVENTS_MAX,
            names: vec![DatedName { name: text(), from: day() }; items],
            region: None,
            region_inferred: true,
            industry: None,
            responsible: Some(ministry()),
            ended_on: Some(day()),
            titles: vec![title(catalogues, 2 * TITLE_POSITIONS_MAX); titles],
            pools: vec![
                Membership { authority: ministry(), pool: text(), entered_on: day() };
                items
            ],
            positions: vec![LOG_EVENTS_MAX; 5_000],
            profile_at: None,
        }
    }

    #[test]
    fn a_list_ends_before_the_entry_that_does_not_fit() {
        let entry = pb::Pool { pool: "2020".to_owned(), ..Default::default() };
        let size = 6 + OVERHEAD;
        let fill = |bytes, most| {
            let (kept, omitted) = Room::of(bytes).fill(most, vec![entry.clone(); 5].into_iter());
            (kept.len(), omitted)
        };
        assert_eq!(fill(5 * size, 5), (5, 0));
        assert_eq!(fill(5 * size - 1, 5), (4, 1));
        assert_eq!(fill(5 * size, 3), (3, 2));
        assert_eq!(fill(size - 1, 5), (0, 5));
        assert_eq!(first(vec![1, 2, 3], 3), (vec![1, 2, 3], 0));
        assert_eq!(first(vec![1, 2, 3], 2), (vec![1, 2], 1));
    }

    #[test]
    fn the_largest_designee_fits_a_page() {
        let catalogues = Catalogues::built_in();
        let view = designee(&catalogues, 40, 100);
        let mut largest = convert::designee(view, &catalogues, true);
        assert!(Room::of_page().takes(&largest), "a list could not go past it");
        assert_eq!(largest.titles.len() + largest.omitted_title_count as usize, 40);
        assert!(largest.titles.len() >= 3, "{} titles", largest.titles.len());
        assert_eq!(largest.names.len() + largest.omitted_name_count as usize, 100);
        assert_eq!(largest.identifiers.len() + largest.omitted_identifier_count as usize, 100);
        assert_eq!(largest.pools.len() + largest.omitted_pool_count as usize, 100);
        assert_eq!(largest.positions.len(), DESIGNEE_POSITIONS_MAX);
        assert_eq!(largest.omitted_position_count as usize, 5_000 - DESIGNEE_POSITIONS_MAX);
        largest.profile = Some(pb::Profile { name: text(), ..Default::default() });
        assert!(Room::of_page().takes(&largest), "its profile is in GetDesignee");
        let small = convert::designee(designee(&catalogues, 1, 1), &catalogues, false);
        let omitted = (small.omitted_title_count, small.omitted_name_count);
        assert_eq!((omitted, small.omitted_position_count), ((0, 0), 0));
    }

    #[test]
    fn two_versions_of_the_largest_title_fit_behind_a_page() {
        let catalogues = Catalogues::built_in();
        let largest = convert::title(title(&catalogues, 2 * TITLE_POSITIONS_MAX), &catalogues);
        let size = largest.encoded_len();
        assert!(size <= TITLE_BYTES_MAX, "{size} bytes");
        assert_eq!(largest.positions.len(), TITLE_POSITIONS_MAX);
        assert_eq!(largest.omitted_position_count as usize, TITLE_POSITIONS_MAX);
        assert_eq!(largest.omitted_superseded_position_count as usize, TITLE_POSITIONS_MAX);
        assert!(largest.omitted_support_count > 0);
        let redacted_positions = vec![LOG_EVENTS_MAX; REDACTED_POSITIONS_MAX];
        let as_of = pb::AnswerAsOf { redacted_positions, ..Default::default() };
        let rest = as_of.encoded_len() + id().to_string().len() + text().len();
        assert!(PAGE_BYTES + 2 * size + rest <= RESPONSE_BYTES_MAX);
    }

    #[test]
    fn the_largest_explanations_fit_a_response() {
        let catalogues = Catalogues::built_in();
        let step = Step {
            position: LOG_EVENTS_MAX,
            corrected_position: Some(LOG_EVENTS_MAX),
            kind: 30,
            effective: day(),
            authority: Some(ministry()),
            effect: Effect::Applied,
            obstacle: None,
            message: "m".repeat(600),
            document: "d".repeat(128),
            rule_version: "v".repeat(64),
            rule: "r".repeat(200),
            precedence: 1,
        };
        for positions in [1, 2 * TITLE_POSITIONS_MAX] {
            let explanation = Explanation {
                title: title(&catalogues, positions),
                steps: vec![step.clone(); 2 * EXPLAINED_STEPS_MAX],
                conclusion: "c".repeat(600),
            };
            let all = vec![explanation; 2 * EXPLANATIONS_MAX];
            let shown = convert::explanations(all, &catalogues);
            assert!(shown.len() >= 5, "{} explanations", shown.len());
            for explained in &shown {
                assert!(!explained.steps.is_empty(), "each gets its share");
                let all = explained.steps.len() + explained.omitted_step_count as usize;
                assert_eq!(all, 2 * EXPLAINED_STEPS_MAX);
            }
            let answer = pb::ExplainTitleResponse { explanations: shown, ..Default::default() };
            let size = answer.encoded_len();
            assert!(size + ANSWER_REST_BYTES <= RESPONSE_BYTES_MAX, "{size} bytes");
        }
    }

    #[test]
    fn the_largest_batch_and_its_sublists_fit_a_response() {
        let catalogues = Catalogues::built_in();
        let sublist = SublistView {
            sublist: ministry(),
            state: BatchState::Sealed,
            counts: BatchCounts::default(),
            declared: Declared { designated: Some(u32::MAX), reviewed: Some(u32::MAX) },
            sealed_on: Some(day()),
            digest: Some([7; 32]),
        };
        let view = BatchView {
            programme: catalogues.find("little-giant").unwrap(),
            authority: ministry(),
            batch: text(),
            state: BatchState::Sealed,
            counts: BatchCounts::default(),
            declared: sublist.declared,
            opened_on: Some(day()),
            sealed_on: Some(day()),
            document: text(),
            positions: vec![LOG_EVENTS_MAX; TITLE_POSITIONS_MAX + 1],
            digest: Some([7; 32]),
            sublists: vec![sublist; AuthorityCode::all().count()],
        };
        let batch = convert::batch(&view, &catalogues);
        assert_eq!((batch.positions.len(), batch.omitted_position_count), (1_000, 1));
        assert!(Room::of_page().takes(&batch), "a list could not go past it");
        let sublists = view.sublists.iter().map(convert::sublist).collect();
        let answer = pb::GetBatchResponse { batch: Some(batch), sublists, as_of: None };
        assert!(Room::of_response().takes(&answer));
    }
}
