//! `tidu show`: a designee with its names, identifiers and titles.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        designees::Asked,
        print::{
            Cell, Heading, Tone, as_of, authority_cell, authority_name, date, end_cell, flags_cell,
            print_line, print_message, print_table, print_toned, programme_cell, region_name,
            reject_table, status_cell, table,
        },
    },
    lang::{say, word},
    protocol::pb,
};

const HEADINGS: [Heading; 11] = [
    Heading::new("programme", "programme", "认定项目"),
    Heading::new("authority", "authority", "认定机构").drops(4),
    Heading::new("status", "status", "状态"),
    Heading::new("from", "from", "起始日").drops(5),
    Heading::new("to", "to", "截止日"),
    Heading::new("batch", "batch", "批次").drops(3),
    Heading::new("round", "round", "复核批次").drops(7),
    Heading::new("recommended_by", "recommended by", "推荐机构").drops(6),
    Heading::new("end", "end", "终止原因").drops(1),
    Heading::new("flags", "flags", "提示").drops(2),
    Heading::new("events", "events", "事件位置").drops(8),
];

#[derive(Debug, Args)]
#[command(after_help = "\
A part of a name will do if no other designee has it in a name; otherwise those that have it are
listed.")]
pub(crate) struct ShowArgs {
    /// Code, other identifier, name, or part of a name; brackets, width and spaces do not matter
    designee: String,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: ShowArgs) -> Result<(), CliError> {
    let output = args.common.output;
    reject_table(output)?;
    let mut client = Client::to(&args.common.server).await?;
    let as_of = args.moment.message();
    let asked = Asked { text: &args.designee, as_of, output, command: "tidu show" };
    let answer = asked.designee(&mut client).await?;
    print_message(output, "GetDesigneeResponse", &answer, print)
}

/// Prints a designee for people.
pub(super) fn print(answer: &pb::GetDesigneeResponse) -> Result<(), CliError> {
    let designee = answer.designee.clone().unwrap_or_default();
    print_toned(&format!("{}  {}", designee.name, designee.designee), Tone::Strong)?;
    print_line(&as_of(answer.as_of.as_ref()))?;
    for earlier in designee.names.iter().rev().skip(1) {
        let (name, from) = (&earlier.name, date(earlier.from_date.as_ref()));
        print_line(&say!(
            en: "formerly {name} (on record from {from})",
            zh: "曾用名 {name}（自 {from} 起有记录）"
        ))?;
    }
    for id in designee.identifiers.iter().filter(|id| id.designee != designee.designee) {
        let (id, since) = (&id.designee, since(id.from_date.as_ref()));
        print_line(&say!(en: "also {id} {since}", zh: "另有代码 {id}（{since}）"))?;
    }
    attributes(&designee).iter().try_for_each(|line| print_line(line))?;
    print_titles(&designee.titles)?;
    omitted(&designee).iter().try_for_each(|line| print_line(line))
}

/// A line for each attribute that is known.
fn attributes(designee: &pb::Designee) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(profile) = designee.profile.as_ref().filter(|p| !p.main_product.is_empty()) {
        let product = &profile.main_product;
        lines.push(say!(en: "main product {product}", zh: "主导产品 {product}"));
    }
    if !designee.region.is_empty() {
        let region = region_name(&designee.region);
        let inferred = match designee.region_inferred {
            true => word!(en: " (inferred)", zh: "（推定）"),
            false => "",
        };
        lines.push(say!(en: "region {region}{inferred}", zh: "所在地区 {region}{inferred}"));
    }
    if !designee.responsible_authority.is_empty() {
        let code = &designee.responsible_authority;
        let name = authority_name(code);
        lines.push(say!(en: "responsible authority {code} {name}", zh: "主管机构 {name}"));
    }
    if designee.ended_on.is_some() {
        let day = date(designee.ended_on.as_ref());
        lines.push(say!(en: "ceased to exist on {day}", zh: "主体于 {day} 终止"));
    }
    for pool in &designee.pools {
        let (id, day) = (&pool.pool, date(pool.entered_on.as_ref()));
        let authority = authority_cell(&pool.authority);
        let owner = authority.human();
        lines.push(say!(
            en: "in pool {id} of {owner} since {day}",
            zh: "自 {day} 起在{owner}的培育库 {id} 中"
        ));
    }
    lines
}

/// A line for each kind of thing that the answer leaves out.
fn omitted(designee: &pb::Designee) -> Vec<String> {
    let kinds = [
        (
            designee.omitted_title_count,
            word!(en: "titles; `tidu list` shows all", zh: "个称号，用 tidu list 查看全部"),
        ),
        (designee.omitted_name_count, word!(en: "names", zh: "个名称")),
        (designee.omitted_identifier_count, word!(en: "identifiers", zh: "个代码")),
        (designee.omitted_pool_count, word!(en: "pools", zh: "个培育库")),
    ];
    let lines = kinds.into_iter().filter(|(count, _)| *count > 0);
    lines
        .map(|(count, what)| say!(en: "… and {count} more {what}", zh: "……另有 {count} {what}"))
        .collect()
}

fn print_titles(titles: &[pb::Title]) -> Result<(), CliError> {
    if titles.is_empty() {
        return print_line(word!(en: "no title is on record", zh: "没有称号记录"));
    }
    let mut table = table(HEADINGS);
    titles.iter().for_each(|title| table.add_row(row(title)));
    print_table(&table)
}

fn row(title: &pb::Title) -> [Cell; 11] {
    let positions: Vec<_> = title.positions.iter().map(u64::to_string).collect();
    [
        programme_and_item(title),
        authority_cell(&title.authority),
        status_cell(title.status()),
        date(title.valid_from.as_ref()).into(),
        last_day(title),
        title.batch.as_str().into(),
        title.round.as_str().into(),
        authority_cell(&title.recommended_by),
        end_cell(title),
        flags_cell(title),
        positions.join(" ").into(),
    ]
}

/// The programme of a title, with its type, site or product.
fn programme_and_item(title: &pb::Title) -> Cell {
    let (programme, item) = (programme_cell(&title.programme), &title.item);
    if item.is_empty() {
        return programme;
    }
    let name = programme.human();
    Cell::of(title.programme.as_str(), say!(en: "{name} ({item})", zh: "{name}（{item}）"))
}

fn last_day(title: &pb::Title) -> Cell {
    let day = date(title.valid_to.as_ref());
    if !title.valid_to_inferred || day.is_empty() {
        return day.into();
    }
    let shown = say!(en: "{day} (inferred)", zh: "{day}（推定）");
    Cell::of(day, shown)
}

fn since(day: Option<&pb::Date>) -> String {
    match day {
        None => word!(en: "at first", zh: "最初").to_owned(),
        Some(day) => {
            let day = date(Some(day));
            say!(en: "from {day}", zh: "自 {day} 起")
        }
    }
}
