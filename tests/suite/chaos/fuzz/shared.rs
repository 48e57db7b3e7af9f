//! The targets of `fuzz/`, over a fixed corpus.

use prost::Message as _;
use tidu::{
    protocol::pb::{
        self, ledger_service_client::LedgerServiceClient,
        register_service_client::RegisterServiceClient,
    },
    service::Api,
};
use tokio::runtime::Runtime;

use super::{
    corpus, fuzz,
    mutate::mutate,
    protobuf::mutate_message,
    requests::serve,
    targets::{self, QUESTIONS, Questioned, question},
    two,
};
use crate::support::{A, MemoryLog, list, little_giant};

type Corpus = Vec<(String, Vec<u8>)>;

/// Tries a target on the corpus as it is and on changed entries; gives how many were accepted.
fn tried(name: &str, usual: usize, corpus: &Corpus, target: impl Fn(&[u8]) -> bool) -> usize {
    let accepted = corpus.iter().filter(|(_, bytes)| target(bytes)).count();
    fuzz(name, usual, |random| {
        let (input, donor) = two(random, corpus);
        [usize::from(target(&mutate(random, input, donor)))]
    });
    accepted
}

#[test]
fn the_targets_for_files_hold_over_their_corpus() {
    assert!(tried("target archive", 400, &corpus("archive"), targets::archive) > 2);
    let mut lists = corpus("list");
    lists.retain(|(name, _)| !name.ends_with(".xls"));
    assert!(tried("target list", 300, &lists, targets::list) > 2);
    let withheld = r#"{"position":"1","leafHash":"","kind":3}"#;
    let event = r#"{"position":"7","event":{"authority":"440000","revoked":{"programme":"x"}}}"#;
    let lines = [event, withheld, "{}"].map(|line| (line.to_owned(), line.as_bytes().to_vec()));
    assert!(tried("target line", 2_000, &lines.into(), targets::line) > 1);
    assert!(tried("target wire", 2_000, &requests(), targets::wire) > 2);
}

/// Requests to record events, each behind the length of the parts in which it arrives.
fn requests() -> Corpus {
    let events = |count: usize| vec![little_giant(A, "1", "2019-06-05"); count];
    let version = pb::DesigneeVersion { designee: A.to_owned(), version: Some(7) };
    let versions = pb::DesigneeVersions { versions: vec![version; 30] };
    let precondition = pb::append_request::Precondition::DesigneeVersions(versions);
    let plain = pb::AppendRequest { events: events(1), ..Default::default() };
    let long = pb::AppendRequest { events: events(9), validate_only: true, ..plain.clone() };
    let conditional = pb::AppendRequest { precondition: Some(precondition), ..plain.clone() };
    let requests = [("plain", 1, plain), ("long", 7, long), ("conditional", 255, conditional)];
    let entry = |(name, part, request): (&str, u8, pb::AppendRequest)| {
        (name.to_owned(), [vec![part], request.encode_to_vec()].concat())
    };
    requests.into_iter().map(entry).collect()
}

/// Requests with filters and page tokens, each behind the number of its question.
fn questions() -> Corpus {
    let token = |text: &str| text.to_owned();
    let filter = Some(pb::EventFilter {
        programmes: vec!["specialised-sme".to_owned()],
        authorities: vec!["440000".to_owned()],
        region_under: "440300".to_owned(),
        designees: vec![A.to_owned()],
        batches: vec!["2024-1".to_owned()],
        kinds: vec![3],
    });
    let titles = Some(pb::TitleFilter {
        programmes: vec!["specialised-sme".to_owned()],
        name_prefix: "示例".to_owned(),
        ..Default::default()
    });
    let events = pb::ListEventsRequest { filter, page_size: 3, ..Default::default() };
    let later =
        pb::ListEventsRequest { page_token: token("3.9.0123456789abcdef"), ..events.clone() };
    let all = pb::ListTitlesRequest { page_size: 3, ..Default::default() };
    let paged = pb::ListTitlesRequest { page_token: token("1.2.3.4.5.6"), ..all.clone() };
    let some = pb::ListTitlesRequest { filter: titles.clone(), ..all.clone() };
    let count = pb::CountTitlesRequest { filter: titles, ..Default::default() };
    let plain = [2, 3, 4].map(|which| (which, Vec::new()));
    [
        (0, events.encode_to_vec()),
        (0, later.encode_to_vec()),
        (1, all.encode_to_vec()),
        (1, paged.encode_to_vec()),
        (1, some.encode_to_vec()),
        (5, count.encode_to_vec()),
    ]
    .into_iter()
    .chain(plain)
    .map(|(which, bytes)| (which.to_string(), [vec![which], bytes].concat()))
    .collect()
}

#[test]
fn a_question_of_any_bytes_is_refused_or_answered_in_bounds() {
    let corpus = questions();
    let runtime = Runtime::new().unwrap();
    let mut served = runtime.block_on(serve(MemoryLog::default()));
    runtime.block_on(served.record(list(1, 40)));
    let api: Api = served.api();
    let mut questioned = Questioned {
        ledger: LedgerServiceClient::new(api.clone()),
        register: RegisterServiceClient::new(api),
    };
    let mut ask = |bytes: &[u8]| runtime.block_on(question(&mut questioned, bytes));
    let answered = corpus.iter().filter(|(_, bytes)| ask(bytes)).count();
    assert!(answered > 4, "only {answered} are answered as they are");
    let fixed = fuzz("target question", 1_000, |random| {
        let (input, donor) = two(random, &corpus);
        let (Some((which, input)), Some((_, donor))) = (input.split_first(), donor.split_first())
        else {
            return [0];
        };
        let message = match random.u8(0..6) {
            0 => mutate(random, input, donor),
            _ => mutate_message(random, input, donor),
        };
        let which = if random.u8(0..4) == 0 { random.u8(0..QUESTIONS) } else { *which };
        [usize::from(ask(&[vec![which], message].concat()))]
    });
    let [answered] = fixed.sums;
    assert!(answered * 20 >= fixed.cases, "too few are answered: {answered}");
}
