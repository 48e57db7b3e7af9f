//! Answers on their way to a peer: counts the calls of a connection, and ends an answer that its
//! peer does not take.
//!
//! HTTP/2 asks an answer for its next bytes once the peer has made room for the last ones. So an
//! answer that is not asked again is one that its peer does not take. Neither hyper nor h2 has a
//! timer for that: a window of zero would hold its stream for ever. The task of each stream is
//! supervised here. A peer that takes one piece in [`ANSWER_STALL_MAX`] keeps its stream, however
//! slow it reads.
//!
//! h2 buffers a whole piece as soon as the window has one byte of room, and the last piece leaves
//! nothing to be asked for. So messages are handed over in pieces, and the last byte of a large one
//! on its own: it is taken only after all bytes before it.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use hyper::{body::Incoming, rt::Executor};
use parking_lot::Mutex;
use tokio::time::{Instant, Sleep, sleep_until};
use tonic::body::Body;
use tower::util::Oneshot;

use super::{
    connection::Remote,
    places::{CallCount, Seat},
    ports::Apis,
};
use crate::{
    domain::Party,
    limits::{ANSWER_PIECE_BYTES, ANSWER_SPLIT_BYTES, ANSWER_STALL_COUNTED, ANSWER_STALL_MAX},
    service::{Api, ReadToEnd, Shares},
};

/// What is known of the answers of one stream, or of one HTTP/1 connection.
#[derive(Debug, Default)]
pub(super) struct Taking {
    /// Bytes of the message that is being handed over; 0 if it is known to be taken.
    untaken: AtomicU64,
    /// Pieces that were handed over.
    pieces: AtomicU64,
    /// One of the stages of a call, of which an HTTP/1 connection has one at a time.
    stage: AtomicU8,
}

/// The stages of a call: its request arrives; it has arrived whole; its answer has begun.
const ARRIVES: u8 = 0;
const ASKED: u8 = 1;
const ANSWERED: u8 = 2;

impl Taking {
    /// Notes that the request has arrived whole: from now on its answer is owed.
    fn note_asked(&self, seat: &Seat) {
        let (from, to) = (ARRIVES, ASKED);
        if self.stage.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
            seat.owe();
        }
    }

    /// Notes that the answer has begun, or that there will be none.
    fn note_answered(&self, seat: &Seat) {
        if self.stage.swap(ANSWERED, Ordering::AcqRel) == ASKED {
            seat.pay();
        }
    }
}

/// The calls of one connection.
#[derive(Clone)]
pub(super) struct Calls {
    pub(super) apis: Arc<Apis>,
    pub(super) remote: Remote,
    pub(super) seat: Arc<Seat>,
    /// The stream that begins, on the way from [`hyper::service::Service::call`] to
    /// [`Executor::execute`]: HTTP/2 calls the two in turn. HTTP/1 has one for all its answers.
    pub(super) next: Next,
}

/// See [`Calls::next`].
#[derive(Clone)]
pub(super) enum Next {
    Stream(Arc<Mutex<Option<Arc<Taking>>>>),
    Connection(Arc<Taking>),
}

impl Next {
    fn begin(&self) -> Arc<Taking> {
        match self {
            Self::Connection(taking) => {
                taking.stage.store(ARRIVES, Ordering::Release);
                Arc::clone(taking)
            }
            Self::Stream(next) => {
                let taking = Arc::<Taking>::default();
                *next.lock() = Some(Arc::clone(&taking));
                taking
            }
        }
    }
}

impl hyper::service::Service<http::Request<Incoming>> for Calls {
    type Response = http::Response<Answer>;
    type Error = Infallible;
    type Future = Answering;

    fn call(&self, request: http::Request<Incoming>) -> Answering {
        let taking = self.next.begin();
        let handed = Handed { count: self.seat.call(), taking: Arc::clone(&taking) };
        let mut request = request.map(|body| {
            let seat = Arc::clone(&self.seat);
            Body::new(ReadToEnd::new(body, move || taking.note_asked(&seat)))
        });
        self.remote.tell(request.extensions_mut());
        Answering { answer: Oneshot::new(self.apis.now().clone(), request), handed: Some(handed) }
    }
}

/// A call that is being answered.
pub(super) struct Answering {
    answer: Oneshot<Api, http::Request<Body>>,
    handed: Option<Handed>,
}

impl Future for Answering {
    type Output = Result<http::Response<Answer>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let response = ready!(Pin::new(&mut self.answer).poll(context))?;
        let handed = self.handed.take();
        handed.iter().for_each(Handed::note_begun);
        Poll::Ready(Ok(response.map(|body| Answer { body, rest: Bytes::new(), handed })))
    }
}

/// The body of an answer. The call lasts until it is dropped.
pub(super) struct Answer {
    body: Body,
    /// What is left of the message that is being handed over.
    rest: Bytes,
    handed: Option<Handed>,
}

/// What a call notes as its answer begins and hands over its frames. Nothing is left to be taken or
/// owed once it is dropped.
struct Handed {
    count: CallCount,
    taking: Arc<Taking>,
}

impl Handed {
    fn note_begun(&self) {
        self.taking.note_answered(self.count.seat());
    }
}

impl Drop for Handed {
    fn drop(&mut self) {
        self.note_begun();
        self.taking.untaken.store(0, Ordering::Relaxed);
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            this.note(0);
            let frame = ready!(Pin::new(&mut this.body).poll_frame(context));
            let Some(Ok(frame)) = frame else { return Poll::Ready(frame) };
            match frame.into_data() {
                Ok(data) => this.rest = data,
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
            }
        }
        this.note(this.rest.len());
        let piece = match this.rest.len() {
            ..=ANSWER_SPLIT_BYTES => std::mem::take(&mut this.rest),
            bytes => this.rest.split_to(ANSWER_PIECE_BYTES.min(bytes - 1)),
        };
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (inner, rest) = (self.body.size_hint(), self.rest.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower() + rest);
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper + rest);
        }
        hint
    }
}

impl Answer {
    /// Notes that the peer has made room for the next piece, and what is left to be taken.
    fn note(&self, left: usize) {
        if let Some(Handed { taking, .. }) = &self.handed {
            taking.pieces.fetch_add(1, Ordering::Relaxed);
            taking.untaken.store(left as u64, Ordering::Relaxed);
        }
    }
}

/// Runs the streams of a connection, each under supervision.
#[derive(Clone)]
pub(super) struct Supervisor {
    pub(super) next: Next,
    pub(super) untaken: Untaken,
}

impl<F> Executor<F> for Supervisor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let taking = match &self.next {
            Next::Stream(next) => next.lock().take(),
            Next::Connection(_) => None,
        };
        match taking {
            Some(taking) => {
                let untaken = self.untaken.clone();
                tokio::spawn(supervised(stream, taking, untaken));
            }
            None => drop(tokio::spawn(stream)),
        }
    }
}

/// The bytes of all answers that are not taken, and the party to count with.
#[derive(Clone)]
pub(super) struct Untaken {
    pub(super) shares: Arc<Shares>,
    pub(super) party: Party,
}

impl Untaken {
    /// Tells that an answer ends because its peer does not take it.
    fn tell(&self, cause: &'static str) {
        let peer = match self.party {
            Party::Local(peer) => peer.to_string(),
            Party::Remote(address) => address.to_string(),
            Party::User(uid) => format!("user {uid}"),
            Party::Principal(_) | Party::Server => String::new(),
        };
        tracing::info!(%peer, cause, "an answer that is not taken ends");
    }
}

/// Runs a task until it ends; `None` if its peer does not take what it was handed, or if those
/// bytes are needed for others.
pub(super) async fn supervised<F: Future>(
    task: F,
    taking: Arc<Taking>,
    untaken: Untaken,
) -> Option<F::Output> {
    let mut task = pin!(task);
    let mut stall: Option<Stall> = None;
    std::future::poll_fn(|context| {
        if let Poll::Ready(output) = task.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        let (bytes, piece) =
            (taking.untaken.load(Ordering::Relaxed), taking.pieces.load(Ordering::Relaxed));
        if bytes == 0 {
            stall = None;
            return Poll::Pending;
        }
        if stall.as_ref().is_none_or(|stall| stall.piece != piece) {
            stall = Some(Stall::new(piece, bytes));
        }
        let over = stall.as_mut().map(|stall| stall.poll_over(context, &untaken));
        over.filter(Poll::is_ready).map_or(Poll::Pending, |_| Poll::Ready(None))
    })
    .await
}

/// A piece that the peer does not take.
struct Stall {
    piece: u64,
    bytes: u64,
    began: Instant,
    timer: Pin<Box<Sleep>>,
    /// Completes when others need the memory, and holds the share of it. `None` until the stall
    /// counts: readers stall for a moment all the time.
    needed: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Stall {
    fn new(piece: u64, bytes: u64) -> Self {
        let began = Instant::now();
        let timer = Box::pin(sleep_until(began + ANSWER_STALL_COUNTED));
        Self { piece, bytes, began, timer, needed: None }
    }

    /// Ready once the stream must end.
    fn poll_over(&mut self, context: &mut Context<'_>, untaken: &Untaken) -> Poll<()> {
        let needed = match &mut self.needed {
            Some(needed) => needed,
            None => {
                ready!(self.timer.as_mut().poll(context));
                let Ok(share) = untaken.shares.take(untaken.party, self.bytes) else {
                    untaken.tell("others need its memory");
                    return Poll::Ready(());
                };
                self.timer.as_mut().reset(self.began + ANSWER_STALL_MAX);
                self.needed.insert(Box::pin(async move { share.must_go().await }))
            }
        };
        if needed.as_mut().poll(context).is_ready() {
            untaken.tell("others need its memory");
            return Poll::Ready(());
        }
        ready!(self.timer.as_mut().poll(context));
        untaken.tell("its time is over");
        Poll::Ready(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn untaken(shares: &Arc<Shares>, port: u16) -> Untaken {
        let party = Party::of(([127, 0, 0, 1], port).into());
        Untaken { shares: Arc::clone(shares), party }
    }

    /// An answer whose bytes were handed over.
    fn handed(bytes: u64) -> Arc<Taking> {
        let taking = Arc::<Taking>::default();
        taking.untaken.store(bytes, Ordering::Relaxed);
        taking
    }

    /// A stream that goes on for ever.
    fn stuck(shares: &Arc<Shares>, port: u16, bytes: u64) -> tokio::task::JoinHandle<Duration> {
        let (began, untaken) = (Instant::now(), untaken(shares, port));
        tokio::spawn(async move {
            supervised(std::future::pending::<()>(), handed(bytes), untaken).await;
            began.elapsed()
        })
    }

    /// About a duration: timers have milliseconds.
    #[track_caller]
    fn assert_about(found: Duration, expected: Duration) {
        assert!(found >= expected && found < expected + Duration::from_millis(10), "{found:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_ends_and_one_that_is_taken_slowly_does_not() {
        let shares = Shares::new(1_000, 1_000);
        assert_about(stuck(&shares, 1, 10).await.unwrap(), ANSWER_STALL_MAX);
        assert_eq!(shares.taken(), 0);

        let (taking, slow) = (handed(10), ANSWER_STALL_MAX - Duration::from_secs(1));
        let reader = async {
            for _ in 0..5 {
                tokio::time::sleep(slow).await;
                taking.pieces.fetch_add(1, Ordering::Relaxed);
            }
        };
        assert!(supervised(reader, Arc::clone(&taking), untaken(&shares, 1)).await.is_some());
        // Nothing to take: a stream that waits for events.
        let waits = tokio::time::sleep(10 * ANSWER_STALL_MAX);
        assert!(supervised(waits, handed(0), untaken(&shares, 1)).await.is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_holds_the_most_untaken_bytes_gives_them_up_for_others() {
        let shares = Shares::new(100, 100);
        let first = stuck(&shares, 1, 40);
        tokio::time::sleep(Duration::from_millis(1)).await;
        let second = stuck(&shares, 1, 40);
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(shares.taken(), 80);
        let other = stuck(&shares, 2, 40);
        assert_about(second.await.unwrap(), Duration::from_secs(5) + ANSWER_STALL_COUNTED);
        // Its own next one does not get in.
        let third = stuck(&shares, 1, 40);
        assert_about(third.await.unwrap(), ANSWER_STALL_COUNTED);
        assert_about(first.await.unwrap(), ANSWER_STALL_MAX);
        assert_about(other.await.unwrap(), ANSWER_STALL_MAX);
    }
}
