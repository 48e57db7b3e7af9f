//! `tidu pools`: cultivation pools and their entries.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        paged::paged,
        print::{Printer, day},
    },
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct PoolsArgs {
    /// Only pools of this authority (may be repeated)
    #[arg(long = "authority", value_name = "CODE")]
    authorities: Vec<String>,
    #[command(flatten)]
    moment: MomentArgs,
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: PoolsArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common.server.address).await?;
    let mut printer = Printer::new(args.common.output, ["authority", "pool", "entries"])?;
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
    let (entries, authorities, as_of) = totals;
    let day = day(as_of.as_ref());
    printer.finish(Some(&format!(
        "{entries} entries in the pools of {authorities} authorities, as of {day}"
    )))
}

fn row(pool: &pb::Pool) -> [String; 3] {
    [pool.authority.clone(), pool.pool.clone(), pool.entry_count.to_string()]
}
