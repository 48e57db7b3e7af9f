use super::*;
use crate::handover::{Follows, Part};

const LOG: Uuid = Uuid::from_u128(1);

fn receipt(size: u64, epoch: u64, successor: &str) -> Receipt {
    let successor = successor.parse().unwrap();
    Receipt { log_id: LOG, size, root: [1; 32], epoch, successor }
}

#[test]
fn only_the_same_events_of_the_named_node_are_promoted() {
    let node: NodeName = "b".parse().unwrap();
    let follows = |epoch| Some(Follows { log_id: LOG, epoch, node: node.clone() });
    let standing = Standing { retired: None, follows: follows(0) };
    let fits = Reached { log_id: LOG, size: 10, epoch: 0, root_there: Some([1; 32]) };
    let receipt = receipt(10, 0, "b");
    let check = |log: Reached, expected| assert_eq!(judge(&standing, log, &receipt), expected);
    check(fits, Ok(Verdict::Raise(1)));
    check(Reached { epoch: 1, ..fits }, Ok(Verdict::Raised(1)));
    check(Reached { epoch: 1, size: 99, ..fits }, Ok(Verdict::Raised(1)));
    check(Reached { epoch: 2, ..fits }, Err(Unfit::Used { of: 0, known: 2 }));
    check(
        Reached { size: 9, root_there: None, ..fits },
        Err(Unfit::Behind { size: 9, wanted: 10 }),
    );
    check(Reached { size: 12, ..fits }, Err(Unfit::Ahead { from: 10, last: 11 }));
    check(Reached { root_there: Some([2; 32]), ..fits }, Err(Unfit::OtherEvents { size: 10 }));
    let other = Uuid::from_u128(2);
    check(Reached { log_id: other, ..fits }, Err(Unfit::OtherLog { receipt: LOG, own: other }));
    let named = || receipt.successor.clone();
    let strange = Standing::default();
    let refused = Unfit::OtherNode { named: named(), own: None };
    assert_eq!(refused.to_string().split("directory ").nth(1), Some("has never followed its log"));
    assert_eq!(judge(&strange, fits, &receipt), Err(refused.clone()));
    let behind = Reached { size: 9, root_there: None, ..fits };
    assert_eq!(judge(&strange, behind, &receipt), Err(refused), "it need not follow on");
    let later = Standing { retired: None, follows: follows(1) };
    assert_eq!(judge(&later, fits, &receipt), Err(Unfit::Used { of: 0, known: 1 }));
    let retired = Standing { retired: Some(self::receipt(12, 1, "c")), follows: follows(0) };
    let went_on = Reached { epoch: 1, size: 12, ..fits };
    assert_eq!(judge(&retired, went_on, &receipt), Err(Unfit::Used { of: 0, known: 1 }));
}

/// A directory of the model: numbers for events, whose list is the root.
#[derive(Clone, Default)]
struct Node {
    events: Vec<u64>,
    epoch: u64,
    standing: Standing,
}

impl Node {
    fn leads(&self) -> bool {
        self.standing.part(LOG, self.epoch) == Part::Leader
    }

    fn root_at(&self, size: u64) -> Option<Hash> {
        let events = self.events.get(..usize::try_from(size).unwrap())?;
        let mut root = [0; 32];
        for event in events {
            let mut both = root.to_vec();
            both.extend(event.to_le_bytes());
            root = crate::merkle::leaf_hash(&both);
        }
        Some(root)
    }
}

/// Nodes that follow, record, hand over and are promoted at random; each step is taken or is not,
/// as a power loss leaves it. Receipts stay about for ever, and anybody tries any of them.
#[test]
fn at_most_one_node_leads_and_nothing_acknowledged_is_lost() {
    let mut promotions = 0;
    for seed in 0..300 {
        let mut random = fastrand::Rng::with_seed(seed);
        let mut nodes = vec![Node::default(); 4];
        let name = |at: usize| format!("n{at}").parse::<NodeName>().unwrap();
        for (at, node) in nodes.iter_mut().enumerate().skip(1) {
            node.standing.follows = Some(Follows { log_id: LOG, epoch: 0, node: name(at) });
        }
        let (mut receipts, mut acknowledged) = (Vec::<Receipt>::new(), Vec::new());
        for step in 0..200_u64 {
            let (at, from) = (random.usize(..nodes.len()), random.usize(..nodes.len()));
            match random.u8(..5) {
                0 | 1 if nodes[at].leads() => {
                    nodes[at].events.push(step);
                    acknowledged = nodes[at].events.clone();
                }
                // It follows any node that is not behind it, and that it believes.
                2 if !nodes[at].leads() && at != from => {
                    let known = nodes[at].standing.known_epoch(LOG, nodes[at].epoch);
                    let heard = nodes[from].standing.known_epoch(LOG, nodes[from].epoch);
                    let (own, other) = (&nodes[at].events, &nodes[from].events);
                    if heard >= known && other.starts_with(own) {
                        nodes[at].events = other[..random.usize(own.len()..=other.len())].to_vec();
                        let (epoch, node) = (heard, name(at));
                        let follows = Follows { log_id: LOG, epoch, node };
                        nodes[at].standing.follows = Some(follows);
                    }
                }
                3 if nodes[at].leads() && at != from => {
                    let size = nodes[at].events.len() as u64;
                    let root = nodes[at].root_at(size).unwrap();
                    let (epoch, successor) = (nodes[at].epoch, name(from));
                    let receipt = Receipt { log_id: LOG, size, root, epoch, successor };
                    nodes[at].standing.retired = Some(receipt.clone());
                    receipts.push(receipt);
                }
                4 if !receipts.is_empty() => {
                    let receipt = &receipts[random.usize(..receipts.len())];
                    let node = &mut nodes[at];
                    let reached = Reached {
                        log_id: LOG,
                        size: node.events.len() as u64,
                        epoch: node.epoch,
                        root_there: node.root_at(receipt.size),
                    };
                    if let Ok(Verdict::Raise(next)) = judge(&node.standing, reached, receipt) {
                        node.epoch = next;
                        promotions += 1;
                    }
                }
                _ => {}
            }
            let leaders: Vec<_> = (0..nodes.len()).filter(|at| nodes[*at].leads()).collect();
            assert!(leaders.len() <= 1, "seed {seed}, step {step}: {leaders:?} lead");
            for leader in leaders {
                assert_eq!(nodes[leader].events, acknowledged, "seed {seed}, step {step}");
            }
        }
    }
    assert!(promotions > 300, "the model promotes too rarely: {promotions}");
}
