//! `tidu pools`: cultivation pools and their entries.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::{Common, MomentArgs},
        client::Client,
        print::{date, print_line, print_message, table},
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
    let request = pb::ListPoolsRequest {
        authorities: args.authorities.clone(),
        as_of: args.moment.as_of,
        known_at: args.moment.size(),
        known_at_time: args.moment.time(),
    };
    let answer = client.register.list_pools(request).await?.into_inner();
    print_message(args.common.output, "ListPoolsResponse", &answer, print)
}

fn print(answer: &pb::ListPoolsResponse) -> Result<(), CliError> {
    let mut table = table(["authority", "pool", "entries"]);
    for pool in &answer.pools {
        table.add_row([pool.authority.clone(), pool.pool.clone(), pool.entries.to_string()]);
    }
    table.add_row(["total".to_owned(), String::new(), answer.entries.to_string()]);
    print_line(&table.to_string())?;
    let day = date(answer.as_of.as_ref());
    print_line(&format!("pools of {} authorities, as of {day}", answer.authorities))
}
