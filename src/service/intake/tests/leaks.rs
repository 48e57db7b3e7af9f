//! Whatever becomes of requests, their bytes are free in the end.

use super::*;
use crate::limits::PARTY_IN_FLIGHT_BYTES_MAX;

/// A request that may be anything, some of whose bytes may never come.
async fn some_request(echo: &Echo, random: &mut fastrand::Rng) -> Option<Bytes> {
    let (sender, body) = open_body();
    let from = if random.bool() { peer(random.u16(1..4)) } else { remote(random.u8(1..3)) };
    let path = *random.choice(&[APPEND, LIST_EVENTS, COUNT_TITLES]).unwrap();
    let mut call = request(path, from, body);
    let mut message = field(15, random.usize(200..40_000));
    let encoding = *random.choice(&["identity", "gzip", "zstd", "deflate"]).unwrap();
    call.headers_mut().insert("grpc-encoding", encoding.parse().unwrap());
    let flag = match encoding {
        "zstd" => {
            message = zstd::stream::encode_all(message.as_slice(), 1).unwrap();
            1
        }
        _ => u8::from(random.u8(..5) == 0),
    };
    let frame = framed(flag, &message);
    let call = echo.begin(call);
    let mut rest = frame.clone();
    let stops = random.usize(..3 * rest.len());
    while !rest.is_empty() && frame.len() - rest.len() < stops {
        let part = rest.split_to(random.usize(1..=rest.len().min(20_000)));
        let _ = sender.send(part).await;
        if random.u8(..4) == 0 {
            settle().await;
        }
    }
    if random.u8(..3) == 0 {
        call.abort();
    }
    drop(sender);
    call.await.ok().filter(|answer| answer.code == Code::Ok).map(|answer| answer.body)
}

#[tokio::test(start_paused = true)]
async fn every_byte_is_free_once_its_request_is_answered_or_gone() {
    let mut random = random();
    let (mut served, mut others) = (0, 0);
    for _ in 0..20 {
        // Some have room for all, some for a few.
        let room = *random.choice(&[60_000, 400_000, PARTY_IN_FLIGHT_BYTES_MAX]).unwrap();
        let echo = Echo::of(room);
        let mut held_open = Vec::new();
        for _ in 0..20 {
            let answered = some_request(&echo, &mut random).await;
            served += usize::from(answered.is_some());
            others += usize::from(answered.is_none());
            // Beside them, some that never end.
            let (sender, body) = open_body();
            let call = echo.begin(request(APPEND, peer(random.u16(1..4)), body));
            let begun = framed(0, &of_bytes(100_000)).slice(..random.usize(1..50_000));
            sender.send(begun).await.unwrap();
            held_open.push((sender, call));
        }
        settle().await;
        for (_sender, call) in held_open {
            call.abort();
            let _ = call.await;
        }
        settle().await;
        assert_eq!((echo.held(), echo.0.budget().parties()), (0, 0));
    }
    assert!(served > 20 && others > 20, "{served} served, {others} not");
}

/// A commit in the queue outlives its call, and so does the account of its memory.
#[tokio::test]
async fn what_is_kept_of_a_request_stays_counted() {
    let echo = Echo::new();
    let kept = Arc::new(std::sync::Mutex::new(None));
    let inner = service_fn({
        let kept = Arc::clone(&kept);
        move |request: Request<Body>| {
            *kept.lock().unwrap() = request.extensions().get::<InFlight>().cloned();
            std::future::pending::<Result<Response<Body>, Infallible>>()
        }
    });
    let admitted = Admitted { inner, intake: Arc::clone(&echo.0) };
    let message = framed(0, &of_bytes(100_000));
    let call = tokio::spawn(admitted.oneshot(request(APPEND, peer(1), whole(message))));
    while kept.lock().unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    // The caller goes.
    call.abort();
    call.await.unwrap_err();
    assert!(echo.held() > 100_000, "{} bytes are counted", echo.held());
    kept.lock().unwrap().take();
    assert_eq!((echo.held(), echo.0.budget().parties()), (0, 0));
}

/// A plain message that arrives in one frame is not copied.
#[tokio::test]
async fn a_plain_message_in_one_frame_passes_as_it_is() {
    let intake = Intake::new(IN_FLIGHT_BYTES_MAX, &Metrics::new()).unwrap();
    let frame = framed(0, &of_bytes(500));
    let place = frame.as_ptr() as usize;
    let inner = service_fn(move |request: Request<Body>| async move {
        let mut body = request.into_body();
        let part = body.frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(part.as_ptr() as usize, place);
        assert!(body.frame().await.is_none());
        Ok::<_, Infallible>(Response::new(Body::empty()))
    });
    let service = Admitted { inner, intake };
    service.oneshot(request(APPEND, peer(1), whole(frame))).await.unwrap();
}
