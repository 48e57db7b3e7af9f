//! Facts that a sealed list refuses: earlier versions took reviews and notices into it.

use tidu::protocol::pb::{self, event::Fact};

use super::cases::{Case, little_giant};
use crate::support::{A, B, failed, ministry, notice, passed, sealed};

pub fn cases() -> Vec<Case> {
    // The round of `passed` and `failed` is the batch of this seal.
    let round = || vec![little_giant(), sealed("2022", "2022-09-02", Some(0))];
    let batch = || vec![little_giant(), sealed("1", "2019-06-06", Some(1))];
    let refused = |what, history, event| Case { what, reason: "BatchSealed", history, event };
    let recommended = {
        let mut event = notice(B, "1", "2019-06-01");
        let Some(Fact::NoticeOpened(fact)) = &mut event.fact else { unreachable!() };
        fact.scope = pb::NoticeScope::Recommendation.into();
        "440000".clone_into(&mut event.authority);
        event
    };
    let mut reviewed = pb::NoticeOpened {
        programme: "little-giant".to_owned(),
        batch: "1".to_owned(),
        ..Default::default()
    };
    reviewed.purpose = pb::NoticePurpose::Review.into();
    vec![
        refused("a pass in a sealed round", round(), passed(A, "2022-06-05")),
        refused("a failure in a sealed round", round(), failed(A, "little-giant", "2022-06-05")),
        refused("a notice of a sealed batch", batch(), notice(B, "1", "2019-06-01")),
        refused("a recommendation for a sealed batch", batch(), recommended),
        refused(
            "a notice of a review in a sealed batch",
            batch(),
            ministry(B, "2019-06-01", Fact::NoticeOpened(reviewed)),
        ),
    ]
}
