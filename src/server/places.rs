//! Places for connections: how many there may be, and who gives up a place when all are taken.
//!
//! An idle connection costs its owner nothing, so idle ones must not keep newcomers out. When all
//! places are taken, the longest idle connections of the parties that have the most give up theirs.
//! If none is idle, the party that has the most gives up its newest connection, as long as it keeps
//! more than the newcomer has. Otherwise the newcomer is refused, and nobody has lost a place.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::{
    domain::{Claim, Holdings, Party},
    limits::{PLACES_FREED_PART, PLACES_LEAVING_MAX},
    metrics::{Gauge, Metrics},
};

/// The places of a server.
#[derive(Debug)]
pub(super) struct Places {
    most: usize,
    of_remote: usize,
    began: Instant,
    told: Told,
    taken: Mutex<Taken>,
}

/// Where the connections are told, by state. Each is in one of them.
#[derive(Clone, Debug)]
struct Told {
    /// Has not said yet what it speaks.
    opening: Gauge,
    idle: Gauge,
    /// Has a call.
    busy: Gauge,
}

#[derive(Debug, Default)]
struct Taken {
    next_id: u64,
    /// Connections that keep their place, in the order in which they came.
    seats: BTreeMap<u64, Arc<Seat>>,
    /// One place for each of them.
    held: Holdings,
    /// Connections that were asked to leave and have not left yet.
    leaving: usize,
}

/// A connection, as its place knows it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) party: Party,
    /// Cancelled when the connection must give up its place.
    pub(super) leave: CancellationToken,
    began: Instant,
    calls: AtomicUsize,
    /// Calls that have begun since the beginning.
    begun: AtomicU64,
    /// Requests that have arrived whole and whose answers have not begun.
    owed: AtomicUsize,
    /// When its last call ended, in milliseconds since `began`.
    idle_since: AtomicU64,
    has_opened: AtomicBool,
    told: Told,
}

/// A place of a connection, until dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    id: u64,
    pub(super) seat: Arc<Seat>,
}

/// A call that is being answered on a connection, until dropped.
#[derive(Debug)]
pub(super) struct CallCount(Arc<Seat>);

/// A newcomer got no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Full {
    /// Its address has its full number of connections, and none of them is idle.
    #[error("{0} connections of one address are in use")]
    Address(usize),
    /// All places are taken, and nobody who has more is to give up one.
    #[error("all {0} places for connections are in use")]
    All(usize),
}

impl Full {
    /// Its word in the metrics.
    pub(super) fn cause(self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::All(_) => "all",
        }
    }
}

impl Places {
    pub(super) fn new(most: usize, of_remote: usize, metrics: &Metrics) -> Arc<Self> {
        let of = |state| metrics.connections.with([state]);
        let told = Told { opening: of("opening"), idle: of("idle"), busy: of("busy") };
        let (began, taken) = (Instant::now(), Mutex::default());
        Arc::new(Self { most, of_remote, began, told, taken })
    }

    /// Gives a place to a newcomer, perhaps in the place of others.
    pub(super) fn take(self: &Arc<Self>, party: Party) -> Result<Place, Full> {
        let mut taken = self.taken.lock();
        let leaving = self.who_leaves(&taken, party)?;
        leaving.into_iter().for_each(|id| taken.send_away(id));
        let id = taken.next_id;
        taken.next_id += 1;
        taken.held.set(Claim { party, id }, 1, true);
        let seat = Arc::new(Seat::new(party, self.began, self.told.clone()));
        taken.seats.insert(id, Arc::clone(&seat));
        Ok(Place { places: Arc::clone(self), id, seat })
    }

    /// The connections that a newcomer sends away.
    fn who_leaves(&self, taken: &Taken, party: Party) -> Result<Vec<u64>, Full> {
        let leaving = if party.is_bounded() && taken.held.of(party) >= self.of_remote as u64 {
            // Its own place is free then.
            let idle = taken.idle(|seat| seat.party == party);
            let longest = idle.first().ok_or(Full::Address(self.of_remote))?;
            if taken.may_leave() > 0 { vec![*longest] } else { Vec::new() }
        } else if taken.seats.len() >= self.most {
            taken.who_pays(self.most, party)
        } else {
            return Ok(Vec::new());
        };
        if leaving.is_empty() { Err(Full::All(self.most)) } else { Ok(leaving) }
    }

    /// Lets the longest idle connections go, because descriptors ran out.
    pub(super) fn free_some(&self) {
        let mut taken = self.taken.lock();
        // Everybody may pay: the server itself has no connection.
        let leaving = taken.who_pays(self.most, Party::Server);
        leaving.into_iter().for_each(|id| taken.send_away(id));
    }
}

impl Taken {
    /// How many more connections may be leaving at once.
    fn may_leave(&self) -> usize {
        PLACES_LEAVING_MAX.saturating_sub(self.leaving)
    }

    /// Connections that may be sent away for a party. No party that has fewer pays for it. Several
    /// idle ones go at once, so that the next newcomers find room.
    fn who_pays(&self, most: usize, party: Party) -> Vec<u64> {
        let may_leave = self.may_leave();
        if may_leave == 0 {
            return Vec::new();
        }
        let own = self.held.of(party);
        let mut idle = self.idle(|seat| self.held.of(seat.party) >= own.max(1));
        if idle.is_empty() {
            let busy = self.held.victims(party, 1, self.held.held());
            return busy.into_iter().flatten().map(|claim| claim.id).collect();
        }
        // Stable: within a party, the longest idle one is the first.
        let by_count = |id: &u64| self.seats.get(id).map_or(0, |seat| self.held.of(seat.party));
        idle.sort_by_cached_key(|id| Reverse(by_count(id)));
        let at_once = (most / PLACES_FREED_PART).clamp(1, PLACES_LEAVING_MAX / 2);
        idle.truncate(at_once.min(may_leave));
        idle
    }

    /// Idle connections, the longest idle one first.
    fn idle(&self, wanted: impl Fn(&Seat) -> bool) -> Vec<u64> {
        let idle = |(id, seat): (&u64, &Arc<Seat>)| {
            let since = seat.idle_since()?;
            wanted(seat).then_some((since, *id))
        };
        let mut idle: Vec<_> = self.seats.iter().filter_map(idle).collect();
        idle.sort_unstable();
        idle.into_iter().map(|(_, id)| id).collect()
    }

    fn send_away(&mut self, id: u64) {
        if let Some(seat) = self.remove(id) {
            self.leaving += 1;
            seat.leave.cancel();
        }
    }

    fn remove(&mut self, id: u64) -> Option<Arc<Seat>> {
        let seat = self.seats.remove(&id)?;
        self.held.remove(Claim { party: seat.party, id });
        Some(seat)
    }
}

impl Seat {
    fn new(party: Party, began: Instant, told: Told) -> Self {
        told.opening.add(1);
        let seat = Self {
            party,
            leave: CancellationToken::new(),
            began,
            calls: AtomicUsize::new(0),
            begun: AtomicU64::new(0),
            owed: AtomicUsize::new(0),
            idle_since: AtomicU64::new(0),
            has_opened: AtomicBool::new(false),
            told,
        };
        seat.note_idle();
        seat
    }

    /// The peer has said what it speaks. Calls come only after that.
    pub(super) fn open(&self) {
        if !self.has_opened.swap(true, Ordering::Relaxed) {
            self.told.idle.add(1);
            self.told.opening.sub(1);
        }
    }

    /// Counts a call until the result is dropped.
    pub(super) fn call(self: &Arc<Self>) -> CallCount {
        self.open();
        if self.calls.fetch_add(1, Ordering::Relaxed) == 0 {
            self.told.busy.add(1);
            self.told.idle.sub(1);
        }
        self.begun.fetch_add(1, Ordering::Relaxed);
        CallCount(Arc::clone(self))
    }

    /// Calls in progress.
    pub(super) fn calls(&self) -> usize {
        self.calls.load(Ordering::Acquire)
    }

    /// Calls that have begun since the beginning.
    pub(super) fn begun(&self) -> u64 {
        self.begun.load(Ordering::Acquire)
    }

    /// Requests that wait for the beginning of their answer.
    pub(super) fn owed(&self) -> usize {
        self.owed.load(Ordering::Acquire)
    }

    /// Notes that a request has arrived whole.
    pub(super) fn owe(&self) {
        self.owed.fetch_add(1, Ordering::Release);
    }

    /// Notes that the answer to such a request has begun, or that there will be none.
    pub(super) fn pay(&self) {
        self.owed.fetch_sub(1, Ordering::Release);
    }

    #[cfg(test)]
    pub(super) fn has_calls(&self) -> bool {
        self.idle_since().is_none()
    }

    fn note_idle(&self) {
        let millis = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.idle_since.store(millis, Ordering::Relaxed);
    }

    /// Since when there is no call, in milliseconds; `None` while there is one.
    fn idle_since(&self) -> Option<u64> {
        let is_idle = self.calls() == 0;
        is_idle.then(|| self.idle_since.load(Ordering::Relaxed))
    }

    /// Completes once there has been no call for so long.
    pub(super) async fn idle_for(&self, long: Duration) {
        loop {
            let idle = self.idle_since().map(|since| {
                let since = self.began + Duration::from_millis(since);
                Instant::now().saturating_duration_since(since)
            });
            // A call that ends meanwhile is noticed after the sleep, when its end is still known.
            let left = long.saturating_sub(idle.unwrap_or_default());
            if left.is_zero() {
                return;
            }
            sleep(left).await;
        }
    }
}

impl CallCount {
    pub(super) fn seat(&self) -> &Arc<Seat> {
        &self.0
    }
}

impl Drop for CallCount {
    fn drop(&mut self) {
        self.0.note_idle();
        if self.0.calls.fetch_sub(1, Ordering::Release) == 1 {
            self.0.told.idle.add(1);
            self.0.told.busy.sub(1);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        // A call keeps its seat, so this one has none.
        let has_opened = *self.has_opened.get_mut();
        if has_opened { &self.told.idle } else { &self.told.opening }.sub(1);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        if taken.remove(self.id).is_none() {
            taken.leaving -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use tokio::time::advance;

    use super::*;

    fn local(port: u16) -> Party {
        Party::of(([127, 0, 0, 1], port).into())
    }

    fn remote(host: u8) -> Party {
        Party::of(([192, 0, 2, host], 9).into())
    }

    /// Takes places one after another, a second apart.
    async fn crowd(places: &Arc<Places>, parties: impl IntoIterator<Item = Party>) -> Vec<Place> {
        let mut crowd = Vec::new();
        for party in parties {
            crowd.push(places.take(party).unwrap());
            advance(Duration::from_secs(1)).await;
        }
        crowd
    }

    fn sent_away(crowd: &[Place]) -> Vec<usize> {
        let leaves = |(_, place): &(usize, &Place)| place.seat.leave.is_cancelled();
        crowd.iter().enumerate().filter(leaves).map(|(i, _)| i).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_newcomer_gets_the_place_of_the_longest_idle() {
        let places = Places::new(3, 3, &Metrics::new());
        let crowd = crowd(&places, [local(1), local(2), local(3)]).await;
        drop(crowd[0].seat.call());
        let busy = crowd[1].seat.call();
        let _newcomer = places.take(local(4)).unwrap();
        assert_eq!(sent_away(&crowd), [2], "the first has had a call since, the second has one");
        let _another = places.take(local(5)).unwrap();
        assert_eq!(sent_away(&crowd), [0, 2]);
        drop(busy);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_the_most_pays_first_and_who_has_less_never() {
        let places = Places::new(5, 5, &Metrics::new());
        let of = [remote(1), remote(2), remote(2), remote(2), local(1)];
        let crowd = crowd(&places, of).await;
        let _newcomer = places.take(remote(3)).unwrap();
        assert_eq!(sent_away(&crowd), [1], "the longest idle one of the second");
        // All are busy now: the newest one of who has the most goes, but only for who has less.
        let _calls: Vec<_> = crowd.iter().map(|place| place.seat.call()).collect();
        let _busy = _newcomer.seat.call();
        assert_eq!(places.take(remote(2)).unwrap_err(), Full::All(5));
        assert_eq!(places.take(remote(1)).unwrap_err(), Full::All(5));
        let another = places.take(remote(4));
        assert_eq!(sent_away(&crowd), [1, 3]);
        let _busy = another.as_ref().unwrap().seat.call();
        assert_eq!(places.take(remote(5)).unwrap_err(), Full::All(5), "everybody has one");
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_has_its_number_of_connections_and_no_more() {
        let places = Places::new(10, 2, &Metrics::new());
        let crowd = crowd(&places, [remote(1), remote(1), local(1), local(2), local(3)]).await;
        let calls: Vec<_> = crowd.iter().map(|place| place.seat.call()).collect();
        assert_eq!(places.take(remote(1)).unwrap_err(), Full::Address(2));
        drop(calls);
        let _third = places.take(remote(1)).unwrap();
        assert_eq!(sent_away(&crowd).len(), 1);
        assert!(sent_away(&crowd)[0] < 2, "its own");
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_do_not_leave_are_bounded() {
        let places = Places::new(1, 1, &Metrics::new());
        let crowd: Vec<_> = (0..).map_while(|port| places.take(local(port)).ok()).collect();
        assert_eq!(crowd.len(), 1 + PLACES_LEAVING_MAX);
        drop(crowd);
        assert!(places.take(local(1)).is_ok());
        assert_eq!(places.taken.lock().leaving, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_newcomer_sends_nobody_away() {
        let places = Places::new(4, 2, &Metrics::new());
        // As many as may are leaving and do not go.
        let leaving: Vec<_> = (0..4 + PLACES_LEAVING_MAX)
            .map(|port| places.take(local(u16::try_from(port).unwrap())).unwrap())
            .collect();
        assert_eq!(sent_away(&leaving).len(), PLACES_LEAVING_MAX);
        assert_eq!(places.take(local(999)).unwrap_err(), Full::All(4));
        // One that goes makes way for one. Its address may have two, which are idle.
        let mut held = leaving.into_iter();
        drop(held.by_ref().take(2).collect::<Vec<_>>());
        let of_address = [places.take(remote(1)).unwrap(), places.take(remote(1)).unwrap()];
        assert_eq!(places.take(remote(1)).unwrap_err(), Full::All(4));
        assert_eq!(sent_away(&of_address), [] as [usize; 0]);
        places.free_some();
        assert_eq!(places.taken.lock().leaving, PLACES_LEAVING_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn those_who_leave_are_bounded_when_many_go_at_once() {
        // So large that half of the bound leave at once.
        let most = PLACES_FREED_PART * PLACES_LEAVING_MAX;
        let places = Places::new(most, most, &Metrics::new());
        let mut crowd: Vec<_> = (0..most).map(|_| places.take(remote(1)).unwrap()).collect();
        for host in 2..100 {
            crowd.extend(places.take(remote(host)));
            if host < 5 {
                places.free_some();
            }
            let leaving = places.taken.lock().leaving;
            assert!((1..=PLACES_LEAVING_MAX).contains(&leaving), "{leaving} leave");
        }
        assert_eq!(sent_away(&crowd).len(), PLACES_LEAVING_MAX);
        // Nobody goes, so the places are those and the ones that leave.
        assert_eq!(crowd.len(), most + PLACES_LEAVING_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_from_the_end_of_its_last_call() {
        let places = Places::new(1, 1, &Metrics::new());
        let place = places.take(local(1)).unwrap();
        let call = place.seat.call();
        let seat = Arc::clone(&place.seat);
        let began = Instant::now();
        let idle = tokio::spawn(async move {
            seat.idle_for(Duration::from_secs(10)).await;
            began.elapsed()
        });
        tokio::time::sleep(Duration::from_secs(7)).await;
        drop(call);
        let idle = idle.await.unwrap();
        assert!((17_000..17_010).contains(&idle.as_millis()), "{idle:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn each_connection_is_told_in_one_state() {
        let metrics = Metrics::new();
        let places = Places::new(3, 3, &metrics);
        let told = || ["opening", "idle", "busy"].map(|s| metrics.connections.with([s]).get());
        let crowd = crowd(&places, [local(1), local(2), local(3)]).await;
        assert_eq!(told(), [3, 0, 0]);
        crowd[0].seat.open();
        crowd[0].seat.open();
        assert_eq!(told(), [2, 1, 0], "once");
        let calls = [&crowd[1], &crowd[1], &crowd[2]].map(|place| place.seat.call());
        assert_eq!(told(), [0, 1, 2]);
        // A call may end after its connection.
        drop(crowd);
        assert_eq!(told(), [0, 0, 2]);
        drop(calls);
        assert_eq!(told(), [0, 0, 0]);
        drop(places.take(local(1)).unwrap());
        assert_eq!(told(), [0, 0, 0], "it never opened");
    }
}
