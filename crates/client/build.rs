//! Compiles the node's protocol without a protobuf compiler on the machine.

use std::{env, error::Error, fs, path::Path};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto");
    let files = protox::compile(["clockless/node/v1/node.proto"], ["proto"])?;
    let descriptor = Path::new(&env::var("OUT_DIR")?).join("node_descriptor.bin");
    fs::write(descriptor, prost::Message::encode_to_vec(&files))?;
    tonic_prost_build::configure().compile_fds(files)?;
    Ok(())
}
