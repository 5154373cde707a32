//! What every crate's manifest must say: versions from the one table, lints from the one table, the stated `rust-version`;
//! and that no file makes rustup fetch another toolchain.

use std::path::Path;

use anyhow::{Context, Result};

use crate::tree;

/// Generated scaffolding is unsafe by nature: the one crate with a lint table of its own.
const OWN_LINTS: &str = "bindings/Cargo.toml";
/// Outside the workspace, for `cargo fuzz` wants it so.
const OUTSIDE: &str = "fuzz/";

/// Everything that is wrong in the manifests of the project.
pub fn faults() -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for file in tree::files()? {
        wrong.extend(toolchain(&file));
        if file.ends_with("Cargo.toml") && !file.starts_with(OUTSIDE) {
            let text = std::fs::read_to_string(tree::root().join(&file))
                .with_context(|| format!("{} cannot be read", file.display()))?;
            wrong.extend(manifest(&file, &text));
        }
    }
    Ok(wrong)
}

fn toolchain(file: &Path) -> Option<String> {
    let name = file.file_name()?.to_str()?;
    name.starts_with("rust-toolchain").then(|| {
        format!(
            "{} makes rustup fetch another toolchain: state `rust-version` instead",
            file.display()
        )
    })
}

/// The faults of one manifest, read line by line: sections, and in them one dependency a line.
fn manifest(file: &Path, text: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut fault = |what: String| wrong.push(format!("{}: {what}", file.display()));
    let has = |wanted: &str| text.lines().any(|line| line.trim() == wanted);
    if file == Path::new("Cargo.toml") {
        if !text.lines().any(|line| line.starts_with("rust-version = ")) {
            fault("the workspace states no rust-version".to_owned());
        }
        if !has("unsafe_code = \"forbid\"") {
            fault("unsafe code is not forbidden".to_owned());
        }
        return wrong;
    }
    if !has("rust-version.workspace = true") {
        fault("the rust-version is not the workspace's".to_owned());
    }
    let mut section = String::new();
    let mut lints = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with('[') {
            section = line.to_owned();
        } else if section == "[lints]" && line == "workspace = true" {
            lints = true;
        } else if section.ends_with("dependencies]")
            && line.contains('=')
            && !line.starts_with('#')
            && !line.contains("workspace = true")
        {
            fault(format!("`{line}` is not pinned in the workspace's table"));
        }
    }
    if !lints && file != Path::new(OWN_LINTS) {
        fault("the lints are not the workspace's".to_owned());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nrust-version.workspace = true\n[lints]\nworkspace = true\n[dependencies]\n\
                        # why\nanyhow.workspace = true\nserde = { workspace = true, features = [\"rc\"] }\n";

    fn faults_of(text: &str) -> Vec<String> {
        manifest(Path::new("core/x/Cargo.toml"), text)
    }

    #[test]
    fn a_manifest_that_takes_all_from_the_workspace_passes() {
        assert_eq!(faults_of(GOOD), Vec::<String>::new());
    }

    #[test]
    fn own_versions_own_lints_and_an_own_toolchain_are_found() {
        let own_version = GOOD.replace("anyhow.workspace = true", "anyhow = \"1\"");
        assert_eq!(
            faults_of(&own_version),
            ["core/x/Cargo.toml: `anyhow = \"1\"` is not pinned in the workspace's table"]
        );
        let own_lints = GOOD.replace("[lints]\nworkspace = true\n", "");
        assert_eq!(faults_of(&own_lints).len(), 1);
        assert_eq!(
            manifest(Path::new(OWN_LINTS), &own_lints),
            Vec::<String>::new()
        );
        assert_eq!(
            faults_of(&GOOD.replace("rust-version.workspace = true\n", "")).len(),
            1
        );
        assert!(toolchain(Path::new("rust-toolchain.toml")).is_some());
        assert_eq!(manifest(Path::new("Cargo.toml"), "[workspace]\n").len(), 2);
    }
}
