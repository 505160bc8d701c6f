//! Puts the built trading page where the binary embeds it from. Without a built page, a note takes its place,
//! so that the workspace builds on a machine without Node.

use std::{env, fs, io, path::Path};

const NOTE: &str = "<!doctype html><meta charset=utf-8><title>Clockless</title>\
<p>This binary was built without its page. Run <code>make page</code> and build again.</p>";

fn main() -> io::Result<()> {
    let dist = Path::new(&env::var("CARGO_MANIFEST_DIR").unwrap_or_default()).join("../../web/dist");
    let page = Path::new(&env::var("OUT_DIR").unwrap_or_default()).join("page");
    // A path that is missing counts as changed in every build, and the gateway would be compiled each time.
    fs::create_dir_all(&dist)?;
    println!("cargo:rerun-if-changed={}", dist.display());
    if page.exists() {
        fs::remove_dir_all(&page)?;
    }
    fs::create_dir_all(&page)?;
    if dist.join("index.html").exists() {
        copy(&dist, &page)
    } else {
        fs::write(page.join("index.html"), NOTE)
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
