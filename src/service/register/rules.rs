//! The titles that another version of the rules would show otherwise.

use prost::Message as _;
use tonic::Status;

use super::RegisterApi;
use crate::{
    ledger::Ledger,
    limits::PAGE_BYTES,
    protocol::pb,
    register::{FoldRules, RulesDifference},
    service::{
        as_of::answered,
        call::Call,
        convert,
        page::{PageToken, page_size},
        rules,
    },
};

pub(super) async fn diff(
    api: &RegisterApi,
    call: &Call,
    request: pb::DiffRulesRequest,
) -> Result<pb::DiffRulesResponse, Status> {
    let ledger = &*api.ledger;
    let rules = rules::known(ledger, request.version)?;
    let size = page_size(request.page_size)?;
    // A token keeps the version, also if the request leaves it to the server.
    let same = pb::DiffRulesRequest { version: Some(rules.number), ..Default::default() };
    let token = PageToken::read(ledger, call, request.as_of, &request.page_token, &same).await?;
    let (found, rest) = compare(api, call, rules, token, size).await?;
    let (differences, next) = page(ledger, found, token, size);
    let next = next.or_else(|| rest.map(|next| PageToken { next, skip: 0, ..token }));
    Ok(pb::DiffRulesResponse {
        differences,
        next_page_token: next.map(|token| token.text(&same)).unwrap_or_default(),
        as_of: answered(ledger, token.as_of),
        version: rules.number,
    })
}

/// Compares designees, starting at a token, until enough differ.
async fn compare(
    api: &RegisterApi,
    call: &Call,
    rules: FoldRules,
    token: PageToken,
    most: usize,
) -> Result<(Vec<RulesDifference>, Option<usize>), Status> {
    let slice = move |ledger: &Ledger, from, bounds| {
        let register = ledger.register();
        register.compare_rules(ledger.catalogues(), rules, token.as_of, from, bounds)
    };
    let count = |found: &RulesDifference| found.titles.len();
    api.in_slices(call, token.next, most + token.skipped(), count, slice).await
}

/// As many differences as fit into a page, and the token of the first one that does not.
fn page(
    ledger: &Ledger,
    found: Vec<RulesDifference>,
    token: PageToken,
    size: usize,
) -> (Vec<pb::TitleDifference>, Option<PageToken>) {
    let (mut differences, mut bytes, mut skip) = (Vec::new(), 0, token.skip);
    for RulesDifference { id, name, titles, next } in found {
        let skipped = std::mem::take(&mut skip);
        for (i, (before, after)) in titles.into_iter().enumerate().skip(skipped) {
            if differences.len() == size || bytes >= PAGE_BYTES {
                return (differences, Some(PageToken { next: next - 1, skip: i, ..token }));
            }
            let difference = pb::TitleDifference {
                designee: id.to_string(),
                name: name.clone(),
                before: before.map(|title| convert::title(title, ledger.catalogues())),
                after: after.map(|title| convert::title(title, ledger.catalogues())),
            };
            bytes += difference.encoded_len();
            differences.push(difference);
        }
    }
    (differences, None)
}
