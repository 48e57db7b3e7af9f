//! Compiles `proto/` without `protoc` and embeds the descriptor set that reflection and the JSON
//! output read.

use std::{env, error::Error, fmt::Write as _, fs, path::PathBuf};

use prost::Message as _;
use prost_types::FileDescriptorSet;

/// The files of the API. The compiler adds the files that they import.
const FILES: [&str; 7] = [
    "tidu/v1/ledger_service.proto",
    "tidu/v1/register_service.proto",
    "tidu/v1/cursor_service.proto",
    "tidu/v1/proof_service.proto",
    "tidu/v1/admin_service.proto",
    "tidu/v1/access_service.proto",
    "tidu/v1/error_reason.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    fs::write(out.join("methods.rs"), methods(&descriptors)?)?;

    tonic_prost_build::configure()
        .build_server(false)
        .bytes(".")
        // Stored bytes go out and come in without being decoded: see src/protocol/batch.rs.
        .extern_path(".tidu.v1.EventBatch", "crate::protocol::batch::LeafBatch")
        .extern_path(".tidu.v1.RawEventBatch", "crate::protocol::batch::LeafBatch")
        .compile_fds(descriptors.clone())?;

    // The server's side of the same services, over the same messages. Only AppendRequest differs:
    // the server keeps its events encoded.
    let servers = out.join("servers");
    fs::create_dir_all(&servers)?;
    tonic_prost_build::configure()
        .build_client(false)
        .codec_path("crate::protocol::codec::MessageCodec")
        .out_dir(servers)
        .extern_path(".tidu.v1.AppendRequest", "crate::protocol::append::ReceivedCommit")
        .extern_path(".tidu.v1", "crate::protocol::pb")
        .extern_path(".google.type", "crate::protocol::pb::google::r#type")
        .compile_fds(descriptors)?;
    Ok(())
}

/// The methods of the API as an enum: a match over it does not compile before it says what holds for
/// a method that was added.
fn methods(descriptors: &FileDescriptorSet) -> Result<String, Box<dyn Error>> {
    let (mut variants, mut paths, mut names) = (String::new(), String::new(), String::new());
    for file in &descriptors.file {
        for service in &file.service {
            for method in &service.method {
                let name = method.name();
                let path = format!("/{}.{}/{name}", file.package(), service.name());
                writeln!(variants, "    /// `{}.{name}`.\n    {name},", service.name())?;
                writeln!(paths, "            {path:?} => Some(Self::{name}),")?;
                writeln!(names, "            Self::{name} => {path:?},")?;
            }
        }
    }
    Ok(format!(
        "/// A method of the API.\n\
         #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumIter)]\n\
         pub enum Method {{\n{variants}}}\n\n\
         impl Method {{\n    \
             /// The method at a path of HTTP.\n    \
             #[must_use]\n    \
             pub fn at(path: &str) -> Option<Self> {{\n        \
                 match path {{\n{paths}            _ => None,\n        }}\n    }}\n\n    \
             /// Its path.\n    \
             #[must_use]\n    \
             pub fn path(self) -> &'static str {{\n        \
                 match self {{\n{names}        }}\n    }}\n}}\n"
    ))
}
