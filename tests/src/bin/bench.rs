//! What is measured, beside its peers in the same run. Started by `cargo xtask bench`, which fetches the peers.
//!
//! usage: `bench [NAME…] [--json FILE]`. Prints each figure with the peer's version, command line and durability
//! setting; a missed goal says MISSED.

#![expect(clippy::print_stdout, reason = "its figures are its output")]

use anyhow::bail;
use teleward_tests::bench::{Figure, disk, post, reading, seal};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let (mut names, mut file) = (Vec::new(), None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--json" => file = words.next(),
            "chain" | "disk" | "seal" | "post" | "reading" => names.push(word),
            other => bail!(
                "no bench `{other}`; there are: chain (all of these), disk, seal, post, reading"
            ),
        }
    }
    let wanted = |name: &str| names.is_empty() || names.iter().any(|n| n == name || n == "chain");
    let mut figures: Vec<Figure> = Vec::new();
    if wanted("disk") {
        figures.extend(disk::measure()?);
    }
    if wanted("seal") {
        figures.extend(seal::measure()?);
    }
    if wanted("reading") {
        figures.extend(reading::measure()?);
    }
    if wanted("post") {
        figures.extend(post::measure().await?);
    }
    for figure in &figures {
        println!("{figure}");
    }
    if let Some(file) = file {
        std::fs::write(&file, serde_json::to_string_pretty(&figures)? + "\n")?;
        println!("written to {file}");
    }
    Ok(())
}
