//! `tidu demo`: the main job on real data, in a temporary server; or a server to play with.

mod kept;
mod story;

use std::{net::SocketAddr, path::PathBuf};

use clap::Args;

use crate::cli::{CliError, throwaway};

#[derive(Debug, Args)]
#[command(after_help = "\
Without options a story runs in a temporary server and ends. With --keep a server goes on in the
foreground, with the whole published history of the programmes: its enterprises are made up, its
counts and days were published. It says what to try. Ctrl-C ends it.")]
pub(crate) struct DemoArgs {
    /// Keep a server running, with the whole published history, until Ctrl-C
    #[arg(long)]
    keep: bool,
    /// Directory to keep the data in; the next start goes on with it [default: a temporary one,
    /// which is removed at the end]
    #[arg(long, value_name = "DIR", requires = "keep")]
    data_dir: Option<PathBuf>,
    /// Address that the kept server listens on [default: 127.0.0.1:50051, or a free port if that is
    /// taken]
    #[arg(long, env = "TIDU_LISTEN", hide_env_values = true, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

pub(super) async fn run(args: DemoArgs) -> Result<(), CliError> {
    if args.keep {
        return kept::run(args).await;
    }
    throwaway::with_server(throwaway::Place::default(), story::run).await
}
