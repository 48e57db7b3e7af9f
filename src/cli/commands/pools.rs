//! `tidu pools`: cultivation pools and their entries, or the members of one.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs, at_least_one},
        client::Client,
        names,
        paged::paged,
        print::{Cell, Heading, Printer, as_of, authority_cell, date},
    },
    lang::say,
    limits::PAGE_EVENTS_DEFAULT,
    protocol::pb,
};

const HEADINGS: [Heading; 3] = [
    Heading::new("authority", "authority", "认定机构"),
    Heading::new("pool", "pool", "培育库"),
    Heading::new("entries", "entries", "在库数"),
];
const MEMBER_HEADINGS: [Heading; 4] = [
    Heading::new("designee", "designee", "代码"),
    Heading::new("name", "name", "名称"),
    Heading::new("entered", "entered", "入库日").drops(2),
    Heading::new("left", "left", "出库日").drops(1),
];

#[derive(Debug, Args)]
pub(crate) struct PoolsArgs {
    /// The authority of a pool whose members to list
    #[arg(requires = "pool", value_parser = names::authority)]
    owner: Option<String>,
    /// The pool whose members to list
    pool: Option<String>,
    /// Also members that left
    #[arg(long, requires = "pool")]
    left: bool,
    /// Only pools of this authority (may be repeated)
    #[arg(long = "authority", value_name = "CODE|NAME", value_parser = names::authority,
        conflicts_with = "owner")]
    authorities: Vec<String>,
    /// Most members to list
    #[arg(long, short = 'n', default_value_t = PAGE_EVENTS_DEFAULT,
        value_parser = at_least_one(), requires = "pool")]
    limit: usize,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: PoolsArgs) -> Result<(), CliError> {
    let mut client = Client::to(&args.common.server).await?;
    match (&args.owner, &args.pool) {
        (Some(owner), Some(pool)) => members(&mut client, &args, owner, pool).await,
        _ => all(&mut client, &args).await,
    }
}

async fn members(
    client: &mut Client,
    args: &PoolsArgs,
    owner: &str,
    pool: &str,
) -> Result<(), CliError> {
    let mut printer = Printer::new(args.common.output, MEMBER_HEADINGS)?;
    let mut at = None;
    let fetch = async |page_size, page_token| {
        let request = pb::ListPoolMembersRequest {
            authority: owner.to_owned(),
            pool: pool.to_owned(),
            include_left: args.left,
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_pool_members(request).await?.into_inner();
        at = page.as_of;
        Ok((page.members, page.next_page_token))
    };
    let take = |member: &pb::PoolMember| printer.add("PoolMember", member, member_row);
    let listed = paged(args.limit, fetch, take).await?;
    let (count, more, at) = (listed.count, listed.more(), as_of(at.as_ref()));
    printer.finish(Some(&say!(
        en: "{count} members{more}, {at}",
        zh: "{count} 个成员{more}，{at}"
    )))
}

fn member_row(member: &pb::PoolMember) -> [Cell; 4] {
    let (entered, left) = (date(member.entered_on.as_ref()), date(member.left_on.as_ref()));
    [member.designee.clone(), member.name.clone(), entered, left].map(Cell::from)
}

async fn all(client: &mut Client, args: &PoolsArgs) -> Result<(), CliError> {
    let mut printer = Printer::new(args.common.output, HEADINGS)?;
    // Every page tells the totals.
    let mut totals = (0, 0, None);
    let fetch = async |page_size, page_token| {
        let request = pb::ListPoolsRequest {
            authorities: args.authorities.clone(),
            as_of: args.moment.message(),
            page_size,
            page_token,
        };
        let page = client.register.list_pools(request).await?.into_inner();
        totals = (page.entry_count, page.authority_count, page.as_of);
        Ok((page.pools, page.next_page_token))
    };
    let take = |pool: &pb::Pool| printer.add("Pool", pool, row);
    paged(usize::MAX, fetch, take).await?;
    let (entries, authorities, at) = totals;
    let at = as_of(at.as_ref());
    printer.finish(Some(&say!(
        en: "{entries} entries in the pools of {authorities} authorities, {at}",
        zh: "{authorities} 个认定机构的培育库中共 {entries} 个在库，{at}"
    )))
}

fn row(pool: &pb::Pool) -> [Cell; 3] {
    [authority_cell(&pool.authority), pool.pool.as_str().into(), pool.entry_count.into()]
}
