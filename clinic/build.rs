//! Embeds the console that `cargo xtask console` built into `console/dist`; without one, the station serves a page that
//! says how to build it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let here = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").map_err(std::io::Error::other)?);
    let out = PathBuf::from(std::env::var("OUT_DIR").map_err(std::io::Error::other)?);
    let dist = here.join("console/dist");
    let mut files = Vec::new();
    if dist.join("index.html").is_file() {
        println!("cargo::rerun-if-changed={}", dist.display());
        walk(&dist, &mut files)?;
    } else {
        println!("cargo::rerun-if-changed={}", here.join("console").display());
    }
    let mut code = String::from(
        "/// Path, then bytes; sorted by path.\npub(super) static FILES: &[(&str, &[u8])] = &[\n",
    );
    let mut named: Vec<(String, String)> = Vec::new();
    for file in files {
        let name = file.strip_prefix(&dist).map_err(std::io::Error::other)?;
        let name: Vec<_> = name
            .iter()
            .map(|part| part.to_string_lossy().into_owned())
            .collect();
        named.push((name.join("/"), file.display().to_string()));
    }
    // the server searches by name
    named.sort();
    for (name, file) in named {
        // writing to a String cannot fail
        let _ = writeln!(code, "    ({name:?}, include_bytes!({file:?})),");
    }
    code.push_str("];\n");
    std::fs::write(out.join("console.rs"), code)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
