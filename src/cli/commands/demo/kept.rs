//! `tidu demo --keep`: a server with the whole published history, until it is ended.

use std::{net::SocketAddr, path::Path, pin::pin};

use super::DemoArgs;
use crate::{
    cli::{
        CliError,
        args::DEFAULT_SERVER,
        client::Client,
        commands::history,
        print::{Tone, print_line, print_text, print_toned},
        stop::{no_signals, stop_signal},
        target::Target,
        throwaway::{self, Place},
    },
    lang::{say, word},
};

/// Where `serve` listens, and where a command looks for a server that it is not told.
const USUAL: SocketAddr =
    SocketAddr::V4(std::net::SocketAddrV4::new(std::net::Ipv4Addr::LOCALHOST, 50_051));

pub(super) async fn run(args: DemoArgs) -> Result<(), CliError> {
    let stop = stop_signal().map_err(|e| CliError::Io(no_signals().to_owned(), e))?;
    let mut stop = pin!(stop);
    let listen = args.listen.or_else(|| throwaway::is_free(USUAL).then_some(USUAL));
    let kept = args.data_dir.clone();
    let place = Place { listen, data_dir: args.data_dir };
    let play = async |address: &Target| {
        tokio::select! {
            outcome = prepare(address, kept.as_deref()) => outcome?,
            () = stop.as_mut() => return Ok(()),
        }
        stop.as_mut().await;
        Ok(())
    };
    throwaway::with_server(place, play).await?;
    print_line(&match &kept {
        Some(dir) => {
            let dir = dir.display();
            say!(
                en: "The server has ended. Its data are kept in {dir}; \
                     `tidu demo --keep --data-dir {dir}` goes on with them.",
                zh: "服务器已停止。数据保留在 {dir}，可用 tidu demo --keep --data-dir {dir} 继续。"
            )
        }
        None => word!(
            en: "The server has ended, and its data are removed.",
            zh: "服务器已停止，数据已删除。"
        )
        .to_owned(),
    })
}

/// Records the history, and says where the server is and what to try.
async fn prepare(address: &Target, kept: Option<&Path>) -> Result<(), CliError> {
    print_toned(
        word!(
            en: "The published history of the programmes, with made-up enterprises",
            zh: "已公布的认定历史（企业为虚构）"
        ),
        Tone::Strong,
    )?;
    let mut client = Client::connect(address).await?;
    history::record(&mut client, false, None).await?;
    print_line("")?;
    print_toned(
        &say!(en: "tidu is listening on {address}", zh: "tidu 正在监听 {address}"),
        Tone::Strong,
    )?;
    print_line(&match kept {
        Some(dir) => {
            let dir = dir.display();
            say!(
                en: "Its data stay in {dir}. Ctrl-C ends it.",
                zh: "数据保留在 {dir}。按 Ctrl-C 停止。"
            )
        }
        None => word!(
            en: "Its data are temporary: Ctrl-C ends it and removes them.",
            zh: "数据为临时数据：按 Ctrl-C 停止并删除。"
        )
        .to_owned(),
    })?;
    print_text(&things_to_try(address))
}

/// Commands to type in another terminal. Their lines begin with two spaces and fit into 80 columns.
fn things_to_try(address: &Target) -> String {
    let address = address.to_string();
    let first = if address == DEFAULT_SERVER {
        String::new()
    } else {
        format!("\n  export TIDU_SERVER={address}\n")
    };
    say!(
        en: "\nTry in another terminal:\n{first}
  # how many little giants each authority had on a day
  tidu count --programme little-giant --by recommended-by --as-of 2021-06-11

  # the laws and measures in force on a day
  tidu measures --as-of 2020-10-29

  # every event that concerns Guangdong; keeps running
  tidu watch --authority Guangdong --from 140000",
        zh: "\n请在另一个终端中尝试：\n{first}
  # 某一天各认定机构推荐的“小巨人”企业数
  tidu count --programme 小巨人 --by recommended-by --as-of 2021-06-11

  # 某一天有效的法律、法规和办法
  tidu measures --as-of 2020-10-29

  # 与广东有关的全部事件（持续运行）
  tidu watch --authority 广东 --from 140000"
    )
}
