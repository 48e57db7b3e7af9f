//! What the outside knows of a log, and the comparison of a server with it.

use std::path::Path;

use tidu::{
    cli::generate::{Enterprise, enterprises},
    protocol::pb,
};
use tonic::Status;

use super::process::start;
use crate::support::{Client, PATIENCE, Server, authority, designated, in_time};

/// Acknowledged commits, and more enterprises to make commits of.
pub struct Known {
    enterprises: Box<dyn Iterator<Item = Enterprise>>,
    /// First position and designees of each acknowledged commit.
    acknowledged: Vec<(u64, Vec<String>)>,
    requests: usize,
}

impl Known {
    pub fn new() -> Self {
        let enterprises = Box::new(enterprises(1, authority("440000")));
        Self { enterprises, acknowledged: Vec::new(), requests: 0 }
    }

    /// A commit about enterprises that no other commit names.
    pub fn commit(&mut self, size: usize) -> pb::AppendRequest {
        self.requests += 1;
        let events = self.enterprises.by_ref().take(size).map(|e| designated(&e)).collect();
        let request_id = format!("commit-{}", self.requests);
        pb::AppendRequest { request_id, events, ..Default::default() }
    }

    /// Appends, and keeps in mind what is acknowledged.
    pub async fn append(
        &mut self,
        client: &mut Client,
        request: pb::AppendRequest,
    ) -> Result<(), Status> {
        let designees = request.events.iter().map(|event| event.designee.clone()).collect();
        let answer = in_time("an append", client.append(request)).await?;
        self.acknowledged.push((answer.first_position.unwrap(), designees));
        Ok(())
    }

    /// Appends commits of the sizes, all of which are acknowledged.
    pub async fn grow(&mut self, client: &mut Client, sizes: &[usize]) {
        for size in sizes {
            let request = self.commit(*size);
            self.append(client, request).await.unwrap();
        }
    }

    /// Events that were acknowledged.
    pub fn events(&self) -> usize {
        self.acknowledged.iter().map(|(_, designees)| designees.len()).sum()
    }

    /// Starts a server without any fault and compares what it serves. It is left running.
    pub async fn check(&self, data: &Path) -> Server {
        let server = start(&[], data).serving().server;
        self.compare(&mut server.client().await).await;
        server
    }

    /// Everything acknowledged is there, in its place; positions are dense and commits whole.
    pub async fn compare(&self, client: &mut Client) {
        let size = client.status().await.log_size;
        let request = pb::SubscribeRequest { stop_position: Some(size), ..Default::default() };
        let events = tokio::time::timeout(PATIENCE, client.collect(request)).await.unwrap();
        assert_eq!(events.len() as u64, size, "positions are dense");
        let mut whole = 0;
        for (position, event) in (0..).zip(&events) {
            assert_eq!(event.position, Some(position));
            let commit = event.commit.unwrap();
            if position == whole {
                assert_eq!(commit.first_position, Some(position), "a commit follows the other");
                whole += u64::from(commit.size);
            }
        }
        assert_eq!(whole, size, "the last commit is whole");
        for (first, designees) in &self.acknowledged {
            let first = usize::try_from(*first).unwrap();
            let found = events.get(first..first + designees.len());
            let found = found.unwrap_or_else(|| panic!("acknowledged at {first}, and gone"));
            let found: Vec<_> = found.iter().map(|e| &e.event.as_ref().unwrap().designee).collect();
            assert_eq!(found, designees.iter().collect::<Vec<_>>(), "at {first}");
        }
    }
}
