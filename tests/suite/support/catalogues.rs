//! Catalogues that differ from the built-in one in what past answers rest on.

use std::sync::Arc;

use tidu::{
    catalogue_files::CatalogueFiles,
    domain::{CivilDate, Issuer, PartialDate, Party, Principal, catalogue::Catalogue, text::hex},
    ledger::{Commit, Entitlement, Ledger, LedgerOptions, Proposal},
    log::{CommitLog, LogError},
    metrics::Metrics,
    protocol::{
        event,
        pb::{self, event::Fact},
        time::pb_date,
    },
    register::RulesBook,
};

use super::ledger::{Hands, salts};

/// The catalogue that a log begins with.
pub const BUILT_IN: &str = include_str!("../../../data/catalogue.toml");

/// Other validities, duties and rule versions, and a new programme that comes first.
pub fn other() -> String {
    let new = "[[programme]]\nid = \"advanced-sme\"\n\
               names = [{ from = \"2013-01-01\", name = \"先进企业\", name_en = \"Advanced\" }]\n\
               rules = [{ version = \"2013\", from = \"2013-01-01\", document = \"\", \
               decided_by = \"ministry\", validity_years = 1, renewal = \"review\", \
               unrenewed = \"lapses\", prerequisites = [{ any_of = [\"tech-sme\"] }] }]\n\n";
    let first = "  { version = \"2018\", from = \"2018-01-01\", document = \"工信厅企业函";
    let older = "  { version = \"2011\", from = \"2011-01-01\", document = \"\", \
                 decided_by = \"ministry\", validity_years = 9, renewal = \"none\", \
                 unrenewed = \"revoked\" },\n";
    changed(
        BUILT_IN,
        &[
            ("version = \"2026-04-01\"", "version = \"2027-01-01\""),
            ("validity_years = 3", "validity_years = 2"),
            ("renewal = \"review\"", "renewal = \"designation\""),
            ("unrenewed = \"lapses\"", "unrenewed = \"revoked\""),
            ("[\"specialised-sme\"]", "[\"tech-sme\"]"),
            ("update_by = \"04-30\"", "update_by = \"02-28\""),
            ("report_months = 3", "report_months = 1"),
            (first, &format!("{older}{first}")),
            (
                "[[programme]]\nid = \"innovative-sme\"",
                &format!("{new}[[programme]]\nid = \"innovative-sme\""),
            ),
        ],
    )
}

/// The built-in one without some programmes.
pub fn fewer() -> String {
    let text = changed(
        BUILT_IN,
        &[
            ("version = \"2026-04-01\"", "version = \"2028-01-01\""),
            ("succeeds = [\"national-platform\", \"national-base\"]", "succeeds = []"),
            ("[{ any_of = [\"innovative-sme\"] }]", "[]"),
            ("[\"innovative-sme\", \"tech-sme\"]", "[\"tech-sme\"]"),
            ("report_months = 3", "report_months = 12"),
        ],
    );
    let gone = ["innovative-sme", "national-platform"].map(|id| format!("\nid = \"{id}\"\n"));
    let blocks: Vec<_> = text.split("[[programme]]").collect();
    let kept: Vec<_> = blocks
        .iter()
        .filter(|block| !gone.iter().any(|id| block.starts_with(id.as_str())))
        .copied()
        .collect();
    assert_eq!(kept.len() + 2, blocks.len());
    kept.join("[[programme]]")
}

/// The built-in one with more programmes.
pub fn more(count: usize) -> String {
    let programme = |i| {
        format!(
            "\n[[programme]]\nid = \"more-{i}\"\nnames = [{{ from = \"2020-01-01\", name = \"甲\", \
             name_en = \"A\" }}]\nrules = [{{ version = \"1\", from = \"2020-01-01\", document = \
             \"\", decided_by = \"any\", validity_years = 1, renewal = \"none\", unrenewed = \
             \"lapses\" }}]\n"
        )
    };
    let more: String = (0..count).map(programme).collect();
    format!("{BUILT_IN}{more}")
}

fn changed(text: &str, changes: &[(&str, &str)]) -> String {
    changes.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in the catalogue");
        text.replace(from, to)
    })
}

pub fn parsed(text: &str) -> Arc<Catalogue> {
    Arc::new(Catalogue::parse(text).unwrap())
}

/// The digest by which a catalogue is adopted, as it names its file.
pub fn digest(text: &str) -> String {
    hex(&Catalogue::digest(text.as_bytes()))
}

/// Opens a log under a catalogue, and records its adoption as a start of the server does.
pub async fn open_under(
    log: Arc<dyn CommitLog>,
    catalogue: &Arc<Catalogue>,
    files: &CatalogueFiles,
) -> Result<Ledger, LogError> {
    let ledger = Ledger::open(LedgerOptions {
        log,
        expected: None,
        catalogue: Arc::clone(catalogue),
        catalogue_files: files.clone(),
        rules: RulesBook::RELEASED,
        clock: Arc::<Hands>::default(),
        salts: salts(),
        metrics: Metrics::new(),
        on_failure: Box::new(|why| panic!("{why}")),
    })?;
    if ledger.needs_adoption() {
        ledger.append(adoption(&ledger)).await.unwrap();
    }
    assert!(!ledger.needs_adoption());
    Ok(ledger)
}

/// The adoption of the catalogue in use, as a start of the server records it.
pub fn adoption(ledger: &Ledger) -> Commit {
    let catalogue = ledger.catalogue();
    let (sha256, version) = (catalogue.sha256.to_vec().into(), catalogue.version.clone());
    let today: CivilDate = PartialDate::parse_iso("2026-11-25").unwrap().first_day();
    let adoption = pb::Event {
        authority: Issuer::Service.as_str().to_owned(),
        effective_date: Some(pb_date(today)),
        fact: Some(Fact::CatalogueAdopted(pb::CatalogueAdopted { sha256, version })),
        ..Default::default()
    };
    let proposed = event::proposal(catalogue, 0, adoption).unwrap();
    Commit {
        proposals: vec![Proposal::new(0, proposed)],
        request: None,
        precondition: None,
        recorded_by: Principal::SERVER,
        party: Party::Server,
        entitlement: Entitlement::default(),
    }
}
