//! Connections to the receiver of webhooks.
//!
//! A request goes over a connection whose last request was answered, or over a new one. One whose
//! request got no answer is closed: what is left on it could be read after later requests.

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    task::Context,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{
    body::{Body as _, Incoming},
    client::conn::http1::{self, SendRequest},
    rt::{Read, Write},
};
use tokio::{task::JoinSet, time::timeout};

use crate::limits::{
    WEBHOOK_ANSWER_BYTES_MAX, WEBHOOK_REST_DURATION_MAX, WEBHOOK_REST_GRACE, WEBHOOK_RESTING_MAX,
};

/// A connection, which moves bytes only while something is awaited on it: so an event wakes no
/// other task.
pub(super) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
}

/// The part of a connection that reads and writes.
struct Driver {
    /// `None` once it has ended.
    running: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    /// Why it has ended, if it failed.
    cause: Option<hyper::Error>,
}

impl Driver {
    fn poll(&mut self, context: &mut Context<'_>) {
        let Some(running) = &mut self.running else { return };
        if let std::task::Poll::Ready(ended) = running.as_mut().poll(context) {
            (self.running, self.cause) = (None, ended.err());
        }
    }

    /// Completes some work of the connection.
    async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            self.poll(context);
            work.as_mut().poll(context)
        })
        .await
    }
}

impl Connection {
    /// A connection over a stream.
    pub(super) async fn begin<S>(stream: S) -> hyper::Result<Self>
    where
        S: Read + Write + Unpin + Send + 'static,
    {
        let (sender, connection) = http1::handshake(stream).await?;
        let driver = Driver { running: Some(Box::pin(connection)), cause: None };
        Ok(Self { sender, driver })
    }

    /// Sends a request, and gives its answer with the connection, which is then to be kept.
    ///
    /// # Errors
    /// Why the connection broke. A receiver refuses a certificate after the handshake, maybe before
    /// the request is written: then only the part that reads and writes has the cause.
    pub(super) async fn send(
        mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Self), hyper::Error> {
        let Self { sender, driver } = &mut self;
        let sent = driver.drive(sender.send_request(request)).await;
        match sent {
            Ok(answer) => Ok((answer, self)),
            Err(error) => Err(self.cause().await.unwrap_or(error)),
        }
    }

    /// Why a connection broke, if it tells.
    async fn cause(self) -> Option<hyper::Error> {
        let Self { sender, driver: Driver { running, cause } } = self;
        // It ends when nobody can send any more.
        drop(sender);
        match running {
            Some(running) => running.await.err(),
            None => cause,
        }
    }

    /// True if it takes another request.
    async fn is_ready(&mut self) -> bool {
        let Self { sender, driver } = self;
        driver.drive(sender.ready()).await.is_ok()
    }

    /// Reads what is left of an answer, and gives back the connection if it can be used again.
    async fn read_rest(mut self, body: Incoming) -> Option<Self> {
        let rest = Limited::new(body, WEBHOOK_ANSWER_BYTES_MAX).collect();
        let read = timeout(WEBHOOK_REST_DURATION_MAX, self.driver.drive(rest)).await;
        read.is_ok_and(|rest| rest.is_ok()).then_some(self)
    }
}

/// The connections that can be used again.
#[derive(Default)]
pub(super) struct Connections {
    free: Vec<Connection>,
    /// Connections whose answers are still being read.
    resting: JoinSet<Option<Connection>>,
}

impl Connections {
    /// A connection that takes a request, if there is one.
    pub(super) async fn take(&mut self) -> Option<Connection> {
        while let Some(rested) = self.resting.try_join_next() {
            self.free.extend(rested.ok().flatten());
        }
        while let Some(mut connection) = self.free.pop() {
            if connection.is_ready().await {
                return Some(connection);
            }
        }
        None
    }

    /// Keeps the connection of an answer. The status counts, so the rest of the answer holds up
    /// nothing: it is read beside the next event if it is late.
    pub(super) async fn keep(&mut self, connection: Connection, body: Incoming) {
        if body.is_end_stream() {
            self.free.push(connection);
            return;
        }
        let mut rest = Box::pin(connection.read_rest(body));
        if let Ok(rested) = timeout(WEBHOOK_REST_GRACE, &mut rest).await {
            self.free.extend(rested);
        } else if self.resting.len() < WEBHOOK_RESTING_MAX {
            self.resting.spawn(rest);
        }
    }
}
