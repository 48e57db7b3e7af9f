//! The published history of the gradient as events. Its enterprises are made up.
//!
//! They are spread over the authorities by published counts, as far as there are any; otherwise
//! evenly:
//!
//! - The ministry's bureau for small and medium enterprises published on 11 June 2021 how many of
//!   the 1,832 little giants of batches 1 and 2 each of the 37 authorities has
//!   (专精特新“小巨人”企业分布情况). Batch 1 has its share of each number here.
//! - With batch 3 the ministry published how many lie in the east, the middle and the west: 1,773,
//!   746 and 411. It did not list the provinces of each; here they are those of the National Bureau
//!   of Statistics.

use tidu::{
    cli::generate::{Enterprise, enterprises},
    domain::{AuthorityCode, PartialDate},
    protocol::pb::{self, event::Fact},
};

const HISTORY: &str = include_str!("../../fixtures/history.csv");
const INSTRUMENTS: &str = include_str!("../../fixtures/history-instruments.csv");
const BY_AUTHORITY: &str = include_str!("../../fixtures/little-giants-by-authority.csv");
/// Little giants of batch 3 by part of the country.
pub const PARTS_OF_BATCH_3: [(&str, usize); 3] = [("east", 1_773), ("central", 746), ("west", 411)];
/// Authorities that had issued measures, and regions that had pools, on 29 October 2020.
const POOLS: usize = 29;

/// One row of `history.csv`.
struct Chapter {
    what: &'static str,
    programme: &'static str,
    batch: &'static str,
    stage: &'static str,
    count: usize,
    from: pb::Date,
    to: Option<pb::Date>,
    document: &'static str,
    basis: &'static str,
}

/// The history as lists of events, each with a line about it.
pub fn published_chapters() -> Vec<(String, Vec<pb::Event>)> {
    let mut cast = Cast::new();
    let mut chapters = Vec::new();
    let rows: Vec<Chapter> = HISTORY.lines().skip(1).map(chapter).collect();
    for (i, row) in rows.iter().enumerate() {
        let mut events = cast.events(row);
        // The last row of a batch is followed by the seals of its sub-lists and its own.
        let goes_on = rows.get(i + 1).is_some_and(|next| {
            (next.what, next.programme, next.batch) == (row.what, row.programme, row.batch)
        });
        if row.programme == "little-giant" && !goes_on {
            let same =
                |other: &&Chapter| (other.programme, other.batch) == (row.programme, row.batch);
            let last = rows.iter().filter(same).map(|row| row.from).max_by_key(day_order);
            events.extend(cast.seals(row, last.unwrap_or(row.from)));
        }
        let Chapter { what, programme, batch, stage, count, basis, .. } = row;
        let about = [what, *programme, batch, stage].map(str::trim).join(" ");
        chapters.push((format!("{about}: {count} ({basis})"), events));
    }
    let instruments = INSTRUMENTS.lines().skip(1).map(instrument).collect();
    chapters.push(("laws, regulations, guidelines, measures".to_owned(), instruments));
    chapters.push(("an assessment of 2020".to_owned(), vec![assessment()]));
    chapters
}

/// Little giants of batches 1 and 2, and the part of the country, by authority.
pub fn little_giants_by_authority() -> Vec<(&'static str, usize, &'static str)> {
    let row = |line: &'static str| {
        let cells: Vec<_> = line.split(',').collect();
        let [authority, count, part] = cells[..] else { panic!("not a row: {line}") };
        (authority, count.parse().unwrap(), part)
    };
    BY_AUTHORITY.lines().skip(1).map(row).collect()
}

/// The numbers of little giants of a batch, in the order of the authorities, as far as they are
/// published.
fn quotas(batch: &str) -> Option<Vec<usize>> {
    let table = little_giants_by_authority();
    let both: Vec<_> = table.iter().map(|(_, count, _)| *count).collect();
    match batch {
        "1" => Some(shares(248, &both)),
        "2" => Some(both.iter().zip(shares(248, &both)).map(|(both, one)| both - one).collect()),
        "3" => {
            let of_part = |wanted: &str| {
                let in_part = |(_, _, part): &(_, _, &str)| usize::from(*part == wanted);
                table.iter().map(in_part).collect::<Vec<_>>()
            };
            let parts = PARTS_OF_BATCH_3.map(|(part, total)| shares(total, &of_part(part)));
            Some((0..table.len()).map(|i| parts.iter().map(|part| part[i]).sum()).collect())
        }
        _ => None,
    }
}

/// A total in shares that are as the weights; the largest remainders are rounded up.
fn shares(total: usize, weights: &[usize]) -> Vec<usize> {
    let sum: usize = weights.iter().sum();
    let mut shares: Vec<_> = weights.iter().map(|weight| total * weight / sum).collect();
    let mut order: Vec<_> = (0..weights.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(total * weights[*i] % sum));
    let left = total - shares.iter().sum::<usize>();
    order.into_iter().take(left).for_each(|i| shares[i] += 1);
    shares
}

fn chapter(line: &'static str) -> Chapter {
    let cells: Vec<&'static str> = line.splitn(9, ',').collect();
    let [what, programme, batch, stage, count, from, to, document, basis] = cells[..] else {
        panic!("not a row of the history: {line}");
    };
    let (count, from) = (count.parse().unwrap(), published_date(from));
    let to = (!to.is_empty()).then(|| published_date(to));
    Chapter { what, programme, batch, stage, count, from, to, document, basis }
}

fn day_order(date: &pb::Date) -> (i32, i32, i32) {
    (date.year, date.month, date.day)
}

pub fn published_date(text: &str) -> pb::Date {
    let (year, month, day) = PartialDate::parse_iso(text).unwrap().parts();
    pb::Date { year, month, day }
}

/// The made-up enterprises and the lists that name them.
struct Cast {
    provincial: Vec<AuthorityCode>,
    sources: Vec<Box<dyn Iterator<Item = Enterprise> + Send>>,
    /// By little-giant batch: the enterprises noticed, of whom the first ones are designated.
    noticed: Vec<(&'static str, Vec<(AuthorityCode, Enterprise)>)>,
    designated: Vec<(&'static str, usize)>,
    /// Passed reviews, by round and recommending authority.
    reviewed: Vec<(&'static str, AuthorityCode)>,
}

impl Cast {
    fn new() -> Self {
        let provincial: Vec<_> = AuthorityCode::all().filter(|a| !a.is_ministry()).collect();
        let source = |authority: &AuthorityCode| -> Box<dyn Iterator<Item = Enterprise> + Send> {
            Box::new(enterprises(u64::from(authority.index()), *authority))
        };
        let sources = provincial.iter().map(source).collect();
        let (noticed, designated, reviewed) = (Vec::new(), Vec::new(), Vec::new());
        Self { provincial, sources, noticed, designated, reviewed }
    }

    /// Draws the new enterprises of a list: as many of each authority as was published, the rest
    /// evenly. Authorities take turns.
    fn draw_list(&mut self, row: &Chapter) -> Vec<(AuthorityCode, Enterprise)> {
        let published = (row.programme == "little-giant").then(|| quotas(row.batch)).flatten();
        let mut left = published.unwrap_or_default();
        let mut drawn = Vec::with_capacity(row.count);
        while left.iter().any(|left| *left > 0) {
            for (place, left) in left.iter_mut().enumerate().filter(|(_, left)| **left > 0) {
                *left -= 1;
                drawn.push((self.provincial[place], self.sources[place].next().unwrap()));
            }
        }
        let rest = row.count - drawn.len();
        drawn.extend(self.draw(rest, self.provincial.len()));
        drawn
    }

    /// Draws `count` new enterprises, spread over the first `among` authorities.
    fn draw(&mut self, count: usize, among: usize) -> Vec<(AuthorityCode, Enterprise)> {
        let draw = |i: usize| {
            let place = i % among;
            let authority = *self.provincial.get(place)?;
            Some((authority, self.sources.get_mut(place)?.next()?))
        };
        (0..count).filter_map(draw).collect()
    }

    fn events(&mut self, row: &Chapter) -> Vec<pb::Event> {
        match (row.what, row.stage) {
            ("measures", _) => {
                self.provincial.iter().take(row.count).map(|a| measures(row, *a)).collect()
            }
            ("pool", _) => {
                let drawn = self.draw(row.count, POOLS);
                drawn
                    .iter()
                    .map(|(authority, enterprise)| entered(row, *authority, enterprise))
                    .collect()
            }
            (_, "noticed") => {
                let drawn = self.draw_list(row);
                let events = drawn.iter().map(|(a, e)| noticed(row, *a, e)).collect();
                self.noticed.push((row.batch, drawn));
                events
            }
            (_, "designated") => {
                if !self.noticed.iter().any(|(batch, _)| *batch == row.batch)
                    || row.programme != "little-giant"
                {
                    let drawn = self.draw_list(row);
                    if row.programme != "little-giant" {
                        return drawn.iter().map(|(a, e)| designated(row, *a, e)).collect();
                    }
                    self.noticed.push((row.batch, drawn));
                }
                self.designated.push((row.batch, row.count));
                let list = self.list(row.batch).iter().take(row.count);
                list.map(|(a, e)| designated(row, *a, e)).collect()
            }
            (_, stage) => {
                let cohort = stage.strip_prefix("reviewed:").unwrap_or_default();
                let list: Vec<_> = self.list(cohort).iter().take(row.count).cloned().collect();
                self.reviewed.extend(list.iter().map(|(authority, _)| (row.batch, *authority)));
                list.iter().map(|(_, e)| passed(row, cohort, e)).collect()
            }
        }
    }

    fn list(&self, batch: &str) -> &[(AuthorityCode, Enterprise)] {
        let found = self.noticed.iter().find(|(known, _)| *known == batch);
        found.map_or(&[], |(_, list)| list)
    }

    /// The seals of the 37 sub-lists, then that of the whole.
    fn seals(&self, row: &Chapter, on: pb::Date) -> Vec<pb::Event> {
        let count = self.designated.iter().find(|(batch, _)| *batch == row.batch);
        let list = self.list(row.batch).get(..count.map_or(0, |(_, n)| *n)).unwrap_or_default();
        let of = |authority: Option<AuthorityCode>| {
            let wanted = |other: &AuthorityCode| authority.is_none_or(|own| own == *other);
            let reviewed = self.reviewed.iter().filter(|(b, a)| *b == row.batch && wanted(a));
            let designated = list.iter().filter(|(other, _)| wanted(other)).count();
            let seal = seal(row, authority, designated, reviewed.count());
            pb::Event { effective_date: Some(on), ..seal }
        };
        self.provincial.iter().map(|authority| of(Some(*authority))).chain([of(None)]).collect()
    }
}

fn stated(issuer: &str, row: &Chapter, designee: String, fact: Fact) -> pb::Event {
    let evidence = pb::Evidence { document_number: row.document.to_owned(), ..Default::default() };
    pb::Event {
        authority: issuer.to_owned(),
        designee,
        effective_date: Some(row.from),
        evidence: (!row.document.is_empty()).then_some(evidence),
        fact: Some(fact),
        ..Default::default()
    }
}

fn profile(enterprise: &Enterprise) -> Option<pb::Profile> {
    Some(pb::Profile {
        name: enterprise.name.clone(),
        registered_region: enterprise.region.clone(),
        industry: enterprise.industry.to_owned(),
        ..Default::default()
    })
}

/// Who decides: the ministry for national programmes, otherwise the authority itself.
fn issuer(row: &Chapter, authority: AuthorityCode) -> &'static str {
    match row.programme {
        "specialised-sme" | "provincial-platform" | "provincial-base" => authority.as_str(),
        _ => AuthorityCode::ministry().as_str(),
    }
}

fn measures(row: &Chapter, authority: AuthorityCode) -> pb::Event {
    let fact = pb::MeasuresIssued {
        programme: row.programme.to_owned(),
        instrument: pb::Instrument::Measures.into(),
        title: "示例管理办法".to_owned(),
        ..Default::default()
    };
    stated(authority.as_str(), row, String::new(), Fact::MeasuresIssued(fact))
}

/// A row of `history-instruments.csv`.
fn instrument(line: &str) -> pb::Event {
    let cells: Vec<_> = line.splitn(10, ',').collect();
    let [kind, title, document, issued, from, to, issuer, bodies, amends, _basis] = cells[..]
    else {
        panic!("not an instrument: {line}");
    };
    let day = |text: &str| (!text.is_empty()).then(|| published_date(text));
    let instrument = match kind {
        "law" => pb::Instrument::Law,
        "regulation" => pb::Instrument::Regulation,
        "guideline" => pb::Instrument::Guideline,
        "measures" => pb::Instrument::Measures,
        other => panic!("not a kind of instrument: {other}"),
    };
    let fact = pb::MeasuresIssued {
        instrument: instrument.into(),
        issuer_name: issuer.to_owned(),
        title: title.to_owned(),
        in_force_from: day(from),
        in_force_to: day(to),
        issuing_bodies: bodies.split_whitespace().map(str::to_owned).collect(),
        amends: amends.to_owned(),
        ..Default::default()
    };
    of_ministry(document, day(issued), Fact::MeasuresIssued(fact))
}

/// The first yearly assessment of 36 cities by a third party (2020年度中小企业发展环境评估报告),
/// published on 30 March 2021: the rank of the first one.
fn assessment() -> pb::Event {
    let indicator = |name: &str, value: &str, unit: &str| pb::Indicator {
        name: name.to_owned(),
        value: value.to_owned(),
        unit: unit.to_owned(),
    };
    let fact = pb::EnvironmentAssessed {
        region: "310000".to_owned(),
        year: 2020,
        assessor: "中国中小企业发展促进中心".to_owned(),
        indicators: vec![indicator("综合排名", "1", "位"), indicator("参评城市", "36", "个")],
    };
    of_ministry("", Some(published_date("2021-03-30")), Fact::EnvironmentAssessed(fact))
}

fn of_ministry(document: &str, on: Option<pb::Date>, fact: Fact) -> pb::Event {
    let evidence = pb::Evidence { document_number: document.to_owned(), ..Default::default() };
    pb::Event {
        authority: AuthorityCode::ministry().as_str().to_owned(),
        effective_date: on,
        evidence: (!document.is_empty()).then_some(evidence),
        fact: Some(fact),
        ..Default::default()
    }
}

fn entered(row: &Chapter, authority: AuthorityCode, enterprise: &Enterprise) -> pb::Event {
    let fact = pb::PoolEntered { pool: row.batch.to_owned(), profile: profile(enterprise) };
    stated(authority.as_str(), row, enterprise.uscc.to_string(), Fact::PoolEntered(fact))
}

fn noticed(row: &Chapter, authority: AuthorityCode, enterprise: &Enterprise) -> pb::Event {
    let fact = pb::NoticeOpened {
        programme: row.programme.to_owned(),
        batch: row.batch.to_owned(),
        sublist: authority.as_str().to_owned(),
        purpose: pb::NoticePurpose::New.into(),
        notice_from: Some(row.from),
        notice_to: row.to,
        recommended_by: authority.as_str().to_owned(),
        profile: profile(enterprise),
        ..Default::default()
    };
    let issuer = issuer(row, authority);
    stated(issuer, row, enterprise.uscc.to_string(), Fact::NoticeOpened(fact))
}

fn designated(row: &Chapter, authority: AuthorityCode, enterprise: &Enterprise) -> pb::Event {
    let issuer = issuer(row, authority);
    let national = issuer == AuthorityCode::ministry().as_str();
    let from = if national { authority.as_str().to_owned() } else { String::new() };
    let is_zone = row.programme == "zone-carrier";
    let fact = pb::Designated {
        programme: row.programme.to_owned(),
        batch: row.batch.to_owned(),
        sublist: from.clone(),
        recommended_by: from,
        profile: profile(enterprise).map(|profile| pb::Profile {
            kind: if is_zone { pb::DesigneeKind::Zone } else { pb::DesigneeKind::Enterprise }
                .into(),
            ..profile
        }),
        ..Default::default()
    };
    // A development zone has no code of its own here.
    let designee = if is_zone {
        format!("local:{}/{}", authority.as_str(), enterprise.uscc)
    } else {
        enterprise.uscc.to_string()
    };
    stated(issuer, row, designee, Fact::Designated(fact))
}

fn passed(row: &Chapter, cohort: &str, enterprise: &Enterprise) -> pb::Event {
    let fact = pb::ReviewPassed {
        programme: row.programme.to_owned(),
        batch: cohort.to_owned(),
        round: row.batch.to_owned(),
        ..Default::default()
    };
    let ministry = AuthorityCode::ministry().as_str();
    stated(ministry, row, enterprise.uscc.to_string(), Fact::ReviewPassed(fact))
}

fn seal(
    row: &Chapter,
    sublist: Option<AuthorityCode>,
    designated: usize,
    reviewed: usize,
) -> pb::Event {
    let count = |n: usize| u32::try_from(n).ok();
    let declared = pb::DeclaredCounts { designated: count(designated), reviewed: count(reviewed) };
    let fact = pb::BatchSealed {
        programme: row.programme.to_owned(),
        batch: row.batch.to_owned(),
        sublist: sublist.map_or("", |authority| authority.as_str()).to_owned(),
        declared: Some(declared),
        ..Default::default()
    };
    let ministry = AuthorityCode::ministry().as_str();
    stated(ministry, row, String::new(), Fact::BatchSealed(fact))
}
