//! Generates the messages of the API, without services.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let root = "../../proto";
    println!("cargo:rerun-if-changed={root}");
    let files = ["tidu/v1/event.proto", "tidu/v1/register_service.proto"];
    let descriptors = protox::compile(files, [root])?;
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(false)
        .bytes(".")
        .compile_fds(descriptors)?;
    Ok(())
}
