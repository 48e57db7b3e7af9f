//! `tidu status`.

use clap::Args;

use super::{
    CliError, Common, Output,
    client::Client,
    json::Json,
    text::{hex, instant, say},
};
use crate::protocol::pb;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    common: Common,
}

pub(super) async fn run(args: StatusArgs) -> Result<(), CliError> {
    let mut client = Client::connect(&args.common).await?;
    let status = client.admin.get_status(pb::GetStatusRequest {}).await?.into_inner();
    if args.common.output == Output::Json {
        return say(&Json::new()?.line("GetStatusResponse", &status)?);
    }
    let root = hex(&status.root_hash);
    say(&format!("log          {}", status.log_id))?;
    say(&format!("events       {}", status.log_size))?;
    say(&format!("designees    {}", status.designee_count))?;
    say(&format!("root         {root}"))?;
    say(&format!("last commit  {}", instant(status.last_recorded_time.as_ref())))?;
    say(&format!("subscribers  {}", status.subscriber_count))?;
    say(&format!(
        "serving      since {}, version {}",
        instant(status.start_time.as_ref()),
        status.version
    ))
}
