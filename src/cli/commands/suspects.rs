//! `tidu suspects`: names that several designees bear, and the links that would join them.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, Output, at_least_one},
        client::Client,
        names,
        paged::paged,
        print::{Cell, Heading, Printer, as_of, authority_cell, print_json, print_line},
    },
    domain::DesigneeId,
    lang::{say, word},
    limits::PAGE_EVENTS_DEFAULT,
    protocol::{
        json::Json,
        pb::{self, event::Fact},
    },
};

const HEADINGS: [Heading; 6] = [
    Heading::new("shared_name", "shared name", "同名"),
    Heading::new("designee", "designee", "代码"),
    Heading::new("name", "name", "现名").drops(3),
    Heading::new("region", "region", "地区").drops(2),
    Heading::new("authority", "authority", "主管机构").drops(4),
    Heading::new("titles_in_force", "titles in force", "有效称号").drops(1),
];

#[derive(Debug, Args)]
#[command(after_help = "\
A name that a provisional identifier and one code bear is the common case: the list gave no code.
Below the table is an event for each such pair, as JSON lines, that would link the two. If the
official document says so, add its number as evidence, save the lines in a file, and record it.")]
pub(crate) struct SuspectsArgs {
    /// Only names with a bearer that this authority is responsible for (may be repeated)
    #[arg(long = "authority", value_name = "CODE|NAME", value_parser = names::authority)]
    authorities: Vec<String>,
    /// Only names with a bearer in this region or a region within it
    #[arg(long = "region", value_name = "CODE|NAME", value_parser = names::region)]
    region: Option<String>,
    /// Only names with a bearer that has a title of this programme (may be repeated)
    #[arg(long = "programme", value_name = "ID|NAME", value_parser = names::programme)]
    programmes: Vec<String>,
    #[command(flatten)]
    moment: MomentArgs,
    /// Most names to list
    #[arg(long, short = 'n', default_value_t = PAGE_EVENTS_DEFAULT,
        value_parser = at_least_one())]
    limit: usize,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: SuspectsArgs) -> Result<(), CliError> {
    let output = args.common.output;
    let mut client = Client::to(&args.common.server).await?;
    let mut printer = Printer::new(output, HEADINGS)?;
    let (mut answer_as_of, mut pairs) = (None, Vec::new());
    let fetch = async |page_size, page_token| {
        let request = pb::ListSuspectsRequest {
            authorities: args.authorities.clone(),
            region_under: args.region.clone().unwrap_or_default(),
            programmes: args.programmes.clone(),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_suspects(request).await?.into_inner();
        answer_as_of = page.as_of;
        Ok((page.names, page.next_page_token))
    };
    let take = |shared: &pb::SharedName| {
        pairs.extend(pairs_of(shared));
        match output {
            Output::Json | Output::PlainJson => printer.add("SharedName", shared, |_| [""; 6]),
            Output::Human => {
                rows(shared, false).try_for_each(|row| printer.add("", shared, |_| row))
            }
            // In each row of a program is the name.
            Output::Csv | Output::Tsv => {
                rows(shared, true).try_for_each(|row| printer.add("", shared, |_| row))
            }
        }
    };
    let listed = paged(args.limit, fetch, take).await?;
    let (count, more, at) = (listed.count, listed.more(), as_of(answer_as_of.as_ref()));
    printer
        .finish(Some(&say!(en: "{count} names{more}, {at}", zh: "{count} 个名称{more}，{at}")))?;
    if output.is_human() && !pairs.is_empty() {
        print_line(word!(
            en: "events that would link a provisional identifier with the only code:",
            zh: "以下事件可将临时标识与唯一的统一社会信用代码关联："
        ))?;
        let (json, day) = (Json::new()?, answer_as_of.and_then(|answer| answer.valid_on));
        for (from, to) in pairs {
            print_json(&json.line("Event", &link(&from, to, day))?)?;
        }
    }
    Ok(())
}

/// One row for each bearer. The name is in the first of them, or in each.
fn rows(shared: &pb::SharedName, in_each: bool) -> impl Iterator<Item = [Cell; 6]> {
    let more = shared.has_more_bearers.then(|| {
        let mut row = [const { String::new() }; 6].map(Cell::from);
        row[1] = Cell::of("…", word!(en: "… and more", zh: "……还有更多"));
        row
    });
    let rest = if in_each { shared.name.clone() } else { String::new() };
    let names = std::iter::once(shared.name.clone()).chain(std::iter::repeat(rest));
    let row = |(name, bearer): (String, &pb::NameBearer)| {
        let own = if bearer.name == shared.name { "" } else { &bearer.name };
        [
            name.into(),
            bearer.designee.as_str().into(),
            own.into(),
            super::find::region(bearer),
            authority_cell(&bearer.responsible_authority),
            bearer.titles_in_force_count.into(),
        ]
    };
    names.zip(&shared.bearers).map(row).chain(more)
}

/// The provisional identifiers among the bearers of a name, each with the only code among them.
fn pairs_of(shared: &pb::SharedName) -> Vec<(DesigneeId, String)> {
    let bearers = shared.bearers.iter();
    let ids: Vec<_> = bearers.filter_map(|b| DesigneeId::parse(&b.designee).ok()).collect();
    let mut codes = ids.iter().filter(|id| matches!(id, DesigneeId::Uscc(_)));
    let (Some(code), None, false) = (codes.next(), codes.next(), shared.has_more_bearers) else {
        return Vec::new();
    };
    let provisional = ids.iter().filter(|id| matches!(id, DesigneeId::Provisional { .. }));
    provisional.map(|id| (id.clone(), code.to_string())).collect()
}

/// The event that identifies a designee known by name with a code.
fn link(from: &DesigneeId, to: String, day: Option<pb::Date>) -> pb::Event {
    let authority = match from {
        DesigneeId::Provisional { authority, .. } => authority.as_str().to_owned(),
        _ => String::new(),
    };
    pb::Event {
        authority,
        designee: from.to_string(),
        effective_date: day,
        fact: Some(Fact::IdentifierChanged(pb::IdentifierChanged {
            new_designee: to,
            reason: pb::IdentifierChangeReason::Identified.into(),
        })),
        ..Default::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "91110000MA00000152";
    const OTHER: &str = "91440300MA0000023W";

    fn shared(designees: &[&str], has_more_bearers: bool) -> pb::SharedName {
        let bearer =
            |id: &&str| pb::NameBearer { designee: (*id).to_owned(), ..Default::default() };
        let bearers = designees.iter().map(bearer).collect();
        pb::SharedName { name: "甲公司".to_owned(), bearers, has_more_bearers }
    }

    #[test]
    fn a_link_is_proposed_where_only_one_code_bears_the_name() {
        let names = ["provisional:440000/甲公司", "provisional:100000/甲公司"];
        let links = |shared: &pb::SharedName| {
            let links = pairs_of(shared).into_iter().map(|(from, to)| link(&from, to, None));
            links.map(|event| (event.authority, event.designee)).collect::<Vec<_>>()
        };
        let both = |[one, two]: [&str; 2]| {
            let pair = |authority: &str, id: &str| (authority.to_owned(), id.to_owned());
            vec![pair("440000", one), pair("100000", two)]
        };
        assert_eq!(links(&shared(&[names[0], CODE, names[1]], false)), both(names));
        assert_eq!(links(&shared(&[names[0], CODE, OTHER], false)), []);
        assert_eq!(links(&shared(&names, false)), []);
        assert_eq!(links(&shared(&[CODE, OTHER], false)), []);
        assert_eq!(links(&shared(&[names[0], CODE], true)), [], "others may bear it");
        let local = ["local:440000/7", CODE];
        assert_eq!(links(&shared(&local, false)), [], "a local code does not hold a name");
    }

    #[test]
    fn each_bearer_has_a_row() {
        let rows: Vec<_> = rows(&shared(&[CODE, OTHER], true), false).collect();
        let column = |place: usize| rows.iter().map(|row| row[place].human()).collect::<Vec<_>>();
        assert_eq!(column(0), ["甲公司", "", ""]);
        assert_eq!(column(1), [CODE, OTHER, "… and more"]);
    }
}
