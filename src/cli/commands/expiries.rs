//! Titles that expired, asked of the server day by day and delivered. Nothing is worked out here: a
//! title has expired if the server says so, as of the log that it had at midnight.

use std::collections::HashSet;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{CliError, client::Client},
    delivery::{Delivery, Expiries},
    domain::CivilDate,
    limits::{EXPIRY_DELAY, PAGE_EVENTS_MAX},
    protocol::{
        pb::{self, as_of::Known},
        time::{pb_date, timestamp},
    },
};

/// The day in Shanghai at an instant, for a log that is quiet: it begins [`EXPIRY_DELAY`] late.
pub(super) fn settled_day(now: Timestamp) -> CivilDate {
    CivilDate::today_in_shanghai(now.checked_sub(EXPIRY_DELAY).unwrap_or(now))
}

/// The titles that a filter of events concerns.
pub(super) struct ExpiryFilter {
    /// Their union.
    titles: Vec<pb::TitleFilter>,
    authorities: Vec<String>,
    /// Identifiers of the designees; all if it is empty.
    designees: HashSet<String>,
}

impl ExpiryFilter {
    /// Programmes, region, batches and designees are those of the events; kinds do not apply. A
    /// title concerns the authority that decided it and the one that recommended it.
    pub(super) fn of(filter: &pb::EventFilter) -> Self {
        let filter = filter.clone();
        let by = |authorities: Vec<String>, recommended_by: Vec<String>| pb::TitleFilter {
            programmes: filter.programmes.clone(),
            region_under: filter.region_under.clone(),
            listed_in: filter.batches.clone(),
            authorities,
            recommended_by,
            ..Default::default()
        };
        let mut titles = vec![by(filter.authorities.clone(), Vec::new())];
        if !filter.authorities.is_empty() {
            titles.push(by(Vec::new(), filter.authorities.clone()));
        }
        let designees = filter.designees.into_iter().collect();
        Self { titles, authorities: filter.authorities, designees }
    }
}

/// One day, asked and delivered.
pub(super) struct ExpiryDay<'a> {
    pub(super) filter: &'a ExpiryFilter,
    pub(super) client: &'a mut Client,
    pub(super) delivery: &'a mut Delivery,
    pub(super) log_id: &'a str,
    pub(super) stop: &'a CancellationToken,
}

impl ExpiryDay<'_> {
    /// Asks for changes as of an empty log: so a filter or a right that cannot be asked is refused
    /// at once, not at midnight.
    pub(super) async fn require_askable(&mut self) -> Result<(), CliError> {
        let nothing = pb::AsOf { valid_on: None, known: Some(Known::KnownAt(0)) };
        for filter in &self.filter.titles {
            let request = pb::ListChangesRequest {
                filter: Some(filter.clone()),
                from: Some(nothing),
                to: Some(nothing),
                page_size: 1,
                ..Default::default()
            };
            self.client.register.list_changes(request).await?;
        }
        Ok(())
    }

    /// True if the day has begun by the server's own clock.
    pub(super) async fn has_begun(&mut self, day: CivilDate) -> Result<bool, CliError> {
        let request = pb::ListTitlesRequest { page_size: 1, ..Default::default() };
        let answer = self.client.register.list_titles(request).await?.into_inner();
        let today = answer.as_of.and_then(|as_of| as_of.valid_on);
        let parts = |day: pb::Date| (day.year, day.month, day.day);
        Ok(today.is_some_and(|today| parts(today) >= parts(pb_date(day))))
    }

    /// Delivers what expired on a day, unless the log of its midnight is longer than `delivered`;
    /// false then, or if delivery is to end.
    pub(super) async fn deliver(
        &mut self,
        day: CivilDate,
        delivered: Option<u64>,
    ) -> Result<bool, CliError> {
        let mut after = self.delivery.last_expiry().map(str::to_owned);
        if !self.pass_through(day, delivered, &mut after).await? {
            return Ok(false);
        }
        // The last title is not among them any more, such as after a redaction: once more, all.
        if after.take().is_some() && !self.pass_through(day, delivered, &mut after).await? {
            return Ok(false);
        }
        self.delivery.finish_day();
        Ok(!self.stop.is_cancelled())
    }

    async fn pass_through(
        &mut self,
        day: CivilDate,
        delivered: Option<u64>,
        after: &mut Option<String>,
    ) -> Result<bool, CliError> {
        for (at, filter) in self.filter.titles.iter().enumerate() {
            let mut page_token = String::new();
            loop {
                // The question may take long.
                self.delivery.write_state()?;
                let request = request(filter.clone(), day, page_token);
                let page = tokio::select! {
                    () = self.stop.cancelled() => return Ok(false),
                    page = self.client.register.list_changes(request) => page?.into_inner(),
                };
                let log_size = page.to.and_then(|to| to.known_at).unwrap_or_default();
                if delivered.is_some_and(|delivered| delivered < log_size) {
                    return Ok(false);
                }
                let mut expired = Vec::new();
                for change in page.changes {
                    // The second filter repeats titles of the first one.
                    let is_known = at > 0 && self.filter.authorities.contains(&change.authority);
                    let is_expiry = change.reason() == pb::ChangeReason::Expiry;
                    if is_expiry && !is_known && self.is_watched(&change, log_size).await? {
                        expired.push(change);
                    }
                }
                let reader = self.delivery.reader();
                let expiries =
                    Expiries::read(&reader, self.log_id, (day, log_size), &expired, after)?;
                self.delivery.deliver_expiries(&expiries).await?;
                page_token = page.next_page_token;
                if page_token.is_empty() || self.stop.is_cancelled() {
                    break;
                }
            }
        }
        Ok(!self.stop.is_cancelled())
    }

    /// True if the designee is in the watch-list, under any of its identifiers.
    async fn is_watched(
        &mut self,
        change: &pb::StatusChange,
        log_size: u64,
    ) -> Result<bool, CliError> {
        let watched = &self.filter.designees;
        if watched.is_empty() || watched.contains(&change.designee) {
            return Ok(true);
        }
        let as_of = pb::AsOf { valid_on: None, known: Some(Known::KnownAt(log_size)) };
        let designee = change.designee.clone();
        let request = pb::GetDesigneeRequest { designee, as_of: Some(as_of) };
        let found = self.client.register.get_designee(request).await?.into_inner();
        let identifiers = found.designee.map(|designee| designee.identifiers).unwrap_or_default();
        Ok(identifiers.iter().any(|identifier| watched.contains(&identifier.designee)))
    }
}

/// The question which titles changed with a day, by the events that were known at its midnight.
fn request(filter: pb::TitleFilter, day: CivilDate, page_token: String) -> pb::ListChangesRequest {
    let last = day.midnight_in_shanghai().as_microsecond() - 1;
    let known = Some(Known::KnownAtTime(timestamp(last)));
    let on = |day: CivilDate| pb::AsOf { valid_on: Some(pb_date(day)), known };
    pb::ListChangesRequest {
        filter: Some(filter),
        from: Some(on(day.previous().unwrap_or(day))),
        to: Some(on(day)),
        page_size: i32::try_from(PAGE_EVENTS_MAX).unwrap_or(i32::MAX),
        page_token,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_a_quiet_log_begins_a_minute_after_midnight() {
        let on = |text: &str| settled_day(text.parse().unwrap()).to_string();
        assert_eq!(on("2026-03-31T16:00:00Z"), "2026-03-31");
        assert_eq!(on("2026-03-31T16:00:59Z"), "2026-03-31");
        assert_eq!(on("2026-03-31T16:01:00Z"), "2026-04-01");
    }

    #[test]
    fn titles_are_asked_as_known_before_midnight() {
        let day = CivilDate::today_in_shanghai("2026-04-01T00:00:00Z".parse().unwrap());
        let asked = request(pb::TitleFilter::default(), day, String::new());
        let known = Some(Known::KnownAtTime(prost_types::Timestamp {
            seconds: "2026-03-31T15:59:59Z".parse::<Timestamp>().unwrap().as_second(),
            nanos: 999_999_000,
        }));
        let on = |month, day| {
            let valid_on = Some(pb::Date { year: 2026, month, day });
            Some(pb::AsOf { valid_on, known })
        };
        assert_eq!((asked.from, asked.to), (on(3, 31), on(4, 1)));
    }

    #[test]
    fn a_title_concerns_those_who_decided_and_recommended_it() {
        let authorities = vec!["440000".to_owned()];
        let filter = pb::EventFilter { authorities: authorities.clone(), ..Default::default() };
        let titles = ExpiryFilter::of(&filter).titles;
        assert_eq!(
            (&titles[0].authorities, &titles[1].recommended_by),
            (&authorities, &authorities)
        );
        assert!(titles[0].recommended_by.is_empty() && titles[1].authorities.is_empty());
        assert_eq!(ExpiryFilter::of(&pb::EventFilter::default()).titles.len(), 1);
    }
}
