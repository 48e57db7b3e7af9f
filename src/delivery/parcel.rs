//! A parcel is given to a receiver at once: an event, or a batch of events in order. It is taken as
//! a whole or not at all.

use std::borrow::Cow;

use bytes::Bytes;

use super::event::CloudEvent;
use crate::{lang::say, limits::BATCH_BYTES_MAX};

/// An event, or a batch.
#[derive(Clone, Copy)]
pub(super) struct Parcel<'a> {
    first: &'a CloudEvent,
    rest: &'a [CloudEvent],
    is_batch: bool,
}

impl<'a> Parcel<'a> {
    /// The first parcel of these events: one event, or with a batch size as many as there are, up
    /// to that size and to [`BATCH_BYTES_MAX`]. `None` if there are no events.
    pub(super) fn of(events: &'a [CloudEvent], batch_size: Option<u32>) -> Option<Self> {
        let (first, rest) = events.split_first()?;
        let most = usize::try_from(batch_size.unwrap_or(1)).unwrap_or(usize::MAX);
        let mut bytes = framed(first);
        let fits = |event: &&CloudEvent| {
            bytes += framed(event);
            bytes <= BATCH_BYTES_MAX
        };
        let count = rest.iter().take(most.saturating_sub(1)).take_while(fits).count();
        let rest = rest.get(..count).unwrap_or_default();
        Some(Self { first, rest, is_batch: batch_size.is_some() })
    }

    /// Its events, in order.
    pub(super) fn events(&self) -> impl Iterator<Item = &'a CloudEvent> {
        std::iter::once(self.first).chain(self.rest)
    }

    /// The number of its events.
    pub(super) fn len(&self) -> usize {
        1 + self.rest.len()
    }

    /// The first event.
    pub(super) fn first(&self) -> &'a CloudEvent {
        self.first
    }

    /// The last event.
    pub(super) fn last(&self) -> &'a CloudEvent {
        self.rest.last().unwrap_or(self.first)
    }

    /// True for a batch, also of one event.
    pub(super) fn is_batch(&self) -> bool {
        self.is_batch
    }

    /// The id of the message: that of its event; of a batch `<id of the first>..<place of the
    /// last>`. It is the same in each attempt.
    pub(super) fn id(&self) -> Cow<'a, str> {
        match self.is_batch {
            false => Cow::Borrowed(&self.first.id),
            true => Cow::Owned(format!("{}..{}", self.first.id, self.last().place())),
        }
    }

    /// The media type of the body.
    pub(super) fn content_type(&self) -> &'static str {
        match self.is_batch {
            false => "application/cloudevents+json",
            true => "application/cloudevents-batch+json",
        }
    }

    /// The JSON of the event; of a batch an array.
    pub(super) fn body(&self) -> Bytes {
        if !self.is_batch {
            return self.first.body.clone();
        }
        let mut array = Vec::with_capacity(self.events().map(framed).sum::<usize>() + 1);
        for (at, event) in self.events().enumerate() {
            array.push(if at == 0 { b'[' } else { b',' });
            array.extend_from_slice(&event.body);
        }
        array.push(b']');
        array.into()
    }

    /// Its name in messages for people.
    pub(super) fn name(&self) -> String {
        let (first, last) = (self.first.place(), self.last().place());
        match self.is_batch {
            false => say!(en: "event {first}", zh: "事件 {first}"),
            true => say!(en: "batch {first} to {last}", zh: "一批事件（{first} 至 {last}）"),
        }
    }
}

/// Bytes of an event in an array: with the comma or bracket before it.
fn framed(event: &CloudEvent) -> usize {
    event.body.len() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::event::Origin;

    const LOG: &str = "0d9b6f3e-3a54-4c8e-9d58-6b8c9b1e2f10";

    fn events(bodies: &[usize]) -> Vec<CloudEvent> {
        let event = |(at, bytes): (usize, &usize)| CloudEvent {
            id: format!("{LOG}/{at}"),
            origin: Origin::Recorded { position: at as u64, day: None },
            log_id: LOG.to_owned(),
            kind: "designated".to_owned(),
            body: format!("\"{}\"", "x".repeat(bytes - 2)).into(),
        };
        bodies.iter().enumerate().map(event).collect()
    }

    /// The sizes of all parcels.
    fn cut(bodies: &[usize], batch_size: Option<u32>) -> Vec<usize> {
        let events = events(bodies);
        let (mut rest, mut sizes) = (&events[..], Vec::new());
        while let Some(parcel) = Parcel::of(rest, batch_size) {
            assert!(parcel.len() == 1 || parcel.body().len() <= BATCH_BYTES_MAX + 1);
            sizes.push(parcel.len());
            rest = &rest[parcel.len()..];
        }
        sizes
    }

    #[test]
    fn a_batch_has_what_is_there_up_to_its_size_and_bytes() {
        assert_eq!(cut(&[9; 3], None), [1, 1, 1]);
        assert_eq!(cut(&[9; 3], Some(1)), [1, 1, 1]);
        assert_eq!(cut(&[9; 5], Some(2)), [2, 2, 1]);
        assert_eq!(cut(&[9; 3], Some(99)), [3]);
        assert_eq!(cut(&[], Some(99)), [0_usize; 0]);
        let half = BATCH_BYTES_MAX / 2;
        assert_eq!(cut(&[half - 1, half - 1, 9], Some(99)), [2, 1]);
        assert_eq!(cut(&[half - 1, half, 9], Some(99)), [1, 2]);
        assert_eq!(cut(&[9, 2 * BATCH_BYTES_MAX, 9], Some(99)), [1, 1, 1], "never less than one");
    }

    #[test]
    fn a_batch_is_an_array_with_an_id_of_its_own() {
        let events = events(&[3, 4, 5]);
        let batch = Parcel::of(&events, Some(3)).unwrap();
        assert_eq!(batch.body(), r#"["x","xx","xxx"]"#);
        assert_eq!(batch.id(), format!("{LOG}/0..2"));
        assert_eq!(batch.content_type(), "application/cloudevents-batch+json");
        let one = Parcel::of(&events[1..2], Some(3)).unwrap();
        assert_eq!((one.body(), one.id()), (r#"["xx"]"#.into(), format!("{LOG}/1..1").into()));
        let event = Parcel::of(&events, None).unwrap();
        assert_eq!((event.body(), event.id()), (r#""x""#.into(), format!("{LOG}/0").into()));
        assert_eq!(event.content_type(), "application/cloudevents+json");
    }
}
