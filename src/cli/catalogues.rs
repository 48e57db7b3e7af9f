//! The catalogues that a served log has adopted, which a copy of it needs as well.

use std::{path::Path, sync::Arc};

use tonic::Code;

use super::{CliError, client::Client, print::eprint_line};
use crate::{
    catalogue_files::{CatalogueFileError, CatalogueFiles},
    domain::{catalogue::Catalogue, text::hex},
    lang::{say, word},
    protocol::pb,
};

/// Fetches the catalogues that the server's log has adopted and that are not at hand. Gives `files`
/// with them, and all adopted ones.
pub(super) async fn fetch(
    client: &mut Client,
    mut files: CatalogueFiles,
) -> Result<(CatalogueFiles, Vec<Arc<Catalogue>>), CliError> {
    let listed = match client.register.list_catalogues(pb::ListCataloguesRequest {}).await {
        Ok(response) => response.into_inner().catalogues,
        // An earlier version of the server keeps no catalogues.
        Err(status) if status.code() == Code::Unimplemented => Vec::new(),
        Err(status) => return Err(status.into()),
    };
    let mut adopted = Vec::new();
    for pb::AdoptedCatalogue { sha256, .. } in listed {
        let digest = <[u8; 32]>::try_from(sha256.as_ref()).map_err(|_| {
            let text = word!(
                en: "the server states a digest that is none",
                zh: "服务器给出的摘要格式不正确"
            );
            CliError::Message(text.to_owned())
        })?;
        let catalogue = match files.find(&digest) {
            Ok(found) => found,
            Err(CatalogueFileError::Missing { .. } | CatalogueFileError::Unknown(_)) => {
                let request = pb::GetCatalogueRequest { sha256 };
                let response = client.register.get_catalogue(request).await?.into_inner();
                let fetched = Arc::new(checked(&response, &digest)?);
                files = files.and(Arc::clone(&fetched));
                fetched
            }
            Err(error) => return Err(error.into()),
        };
        adopted.push(catalogue);
    }
    Ok((files, adopted))
}

fn checked(response: &pb::GetCatalogueResponse, digest: &[u8; 32]) -> Result<Catalogue, CliError> {
    let text = str::from_utf8(&response.toml).unwrap_or_default();
    let found = Catalogue::parse(text).map_err(|e| CliError::Refused(e.to_string()))?;
    if found.sha256 != *digest {
        let (expected, found) = (hex(digest), hex(&found.sha256));
        return Err(CliError::Refused(say!(
            en: "the server sent catalogue {found} in the place of {expected}",
            zh: "服务器发来的目录是 {found}，而不是 {expected}"
        )));
    }
    Ok(found)
}

/// Keeps catalogues in the directory of a copy. For a copy without one, says that it needs them.
pub(super) fn keep(
    directory: Option<&Path>,
    files: &CatalogueFiles,
    adopted: &[Arc<Catalogue>],
) -> Result<(), CliError> {
    let Some(directory) = directory else {
        for catalogue in adopted.iter().filter(|catalogue| !files.is_built_in(catalogue)) {
            let (digest, version) = (hex(&catalogue.sha256), &catalogue.version);
            eprint_line(&say!(
                en: "the log has adopted catalogue {digest}, version {version}; import it with \
                     --catalogue FILE",
                zh: "日志已采用目录 {digest}（版本 {version}），导入时请加 --catalogue 文件"
            ));
        }
        return Ok(());
    };
    Ok(files.keep(directory, adopted)?)
}
