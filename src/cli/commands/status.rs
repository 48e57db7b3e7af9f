//! `tidu status`: the server and its log.

use clap::Args;

use crate::{
    cli::{
        CliError,
        args::Common,
        client::Client,
        print::{instant, print_line, print_message},
    },
    domain::text::hex,
    protocol::pb,
};

#[derive(Debug, Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: StatusArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common.server.address).await?;
    let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
    print_message(args.common.output, "GetStatusResponse", &status, print)
}

fn print(status: &pb::GetStatusResponse) -> Result<(), CliError> {
    print_line(&format!("log          {}", status.log_id))?;
    print_line(&format!("events       {}", status.log_size))?;
    print_line(&format!("designees    {}", status.designee_count))?;
    print_line(&format!("root         {}", hex(&status.root_hash)))?;
    print_line(&format!("last commit  {}", instant(status.last_recorded_time.as_ref())))?;
    let format = status.log_format;
    let refused = if format > 1 { "; older versions of tidu refuse this log" } else { "" };
    print_line(&format!("format       {format}{refused}"))?;
    print_line(&format!("subscribers  {}", status.subscriber_count))?;
    let (rules, newest) = (status.rules_version, status.newest_rules_version);
    let later = if newest > rules { format!("; {newest} is the newest") } else { String::new() };
    print_line(&format!("rules        version {rules}{later}"))?;
    if !status.appends_refused.is_empty() {
        print_line(&format!("appends      refused: {}", status.appends_refused))?;
    }
    let since = instant(status.start_time.as_ref());
    print_line(&format!("serving      since {since}, version {}", status.version))
}
