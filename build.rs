//! Compiles `proto/` without `protoc` and embeds the descriptor set that reflection and the JSON
//! output read. Also embeds a digest of everything that the register follows from.

use std::{
    env,
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use prost::Message as _;
use prost_types::FileDescriptorSet;
use sha2::{Digest as _, Sha256};

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

/// The sources of the register and of its bytes, with the data and the libraries that they use.
const RULES: [&str; 8] = [
    "Cargo.lock",
    "data",
    "proto",
    "src/domain",
    "src/ledger",
    "src/merkle",
    "src/protocol",
    "src/register",
];

fn main() -> Result<(), Box<dyn Error>> {
    let descriptors = protox::compile(FILES, ["proto"])?;
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    fs::write(out.join("methods.rs"), methods(&descriptors)?)?;
    fs::write(out.join("rules_build.rs"), rules_build()?)?;

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

/// A digest of the build of the rules: a program made from others, or by another compiler, has
/// another one. Whoever keeps what follows from the rules keeps it with this digest.
fn rules_build() -> Result<String, Box<dyn Error>> {
    let mut digest = Sha256::new();
    let compiler = Command::new(env::var("RUSTC")?).arg("-vV").output()?;
    digest.update(&compiler.stdout);
    digest.update(env::var("TARGET")?);
    for path in RULES {
        println!("cargo:rerun-if-changed={path}");
        add_file(Path::new(path), &mut digest)?;
    }
    let bytes: [u8; 32] = digest.finalize().into();
    Ok(format!(
        "/// Digest of the sources from which the register follows, and of their compiler.\n\
         pub const RULES_BUILD: [u8; 32] = {bytes:?};\n"
    ))
}

/// Adds the name and the content of a file, or of all files of a directory in the order of their
/// names.
fn add_file(path: &Path, digest: &mut Sha256) -> Result<(), Box<dyn Error>> {
    if path.is_dir() {
        let entries = fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
        let mut paths = entries.collect::<Result<Vec<_>, _>>()?;
        paths.sort();
        return paths.iter().try_for_each(|path| add_file(path, digest));
    }
    let content = fs::read(path).or_else(|error| match error.kind() {
        // A package may come without the list of its libraries.
        std::io::ErrorKind::NotFound => Ok(Vec::new()),
        _ => Err(error),
    })?;
    digest.update(path.to_string_lossy().as_bytes());
    digest.update([0]);
    digest.update(u64::try_from(content.len())?.to_le_bytes());
    digest.update(&content);
    Ok(())
}
