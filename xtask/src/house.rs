//! Which crate may depend on which: the direction that the design of the house gives.
//!
//! Cargo would let any crate name any other; this table does not.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::job::Job;
use crate::{manifest, tree};

/// Each crate, and the crates of ours that it may name. `fault` is empty without its environment variable and stands
/// below everything (docs/adr/0001).
const MAY_NAME: &[(&str, &[&str])] = &[
    ("teleward-fault", &[]),
    ("teleward-reading", &[]),
    ("teleward-wire", &[]),
    ("teleward-store", &["fault"]),
    ("teleward-device", &["reading"]),
    ("teleward-vault", &["wire"]),
    ("teleward-post", &["wire", "store", "fault"]),
    (
        "teleward-companion",
        &[
            "reading", "device", "wire", "vault", "store", "post", "fault",
        ],
    ),
    // the crates whose types stand in the companion's face
    (
        "teleward-bindings",
        &["companion", "device", "reading", "vault", "wire"],
    ),
    ("teleward-bindgen", &[]),
    ("teleward-relay", &["wire", "fault"]),
    (
        "teleward-clinic",
        &["reading", "wire", "vault", "store", "post", "fault"],
    ),
    (
        "teleward-cli",
        &[
            "reading",
            "device",
            "wire",
            "vault",
            "companion",
            "relay",
            "clinic",
        ],
    ),
    (
        "teleward-tests",
        &[
            "reading",
            "device",
            "wire",
            "vault",
            "store",
            "post",
            "companion",
            "relay",
            "clinic",
            "fault",
            "cli",
        ],
    ),
    ("xtask", &[]),
];

/// What must not be reachable from a crate, however far down: a part that is blind must not be able to see.
const NEVER_BELOW: &[(&str, &[&str])] = &[
    (
        "teleward-relay",
        &[
            "teleward-vault",
            "teleward-reading",
            "teleward-store",
            "age",
            "hpke",
        ],
    ),
    (
        "teleward-post",
        &["teleward-vault", "teleward-reading", "age", "hpke"],
    ),
    ("teleward-wire", &["age", "hpke", "tokio"]),
    ("teleward-reading", &["tokio", "rusqlite", "reqwest"]),
];

/// Checks the whole workspace.
pub fn check(job: &mut Job<'_>) -> Result<()> {
    let printed = job.read(Command::new(tree::cargo()).args([
        "metadata",
        "--format-version",
        "1",
        "--all-features",
    ]))?;
    let metadata: Metadata =
        serde_json::from_str(&printed).context("cargo metadata printed an unknown shape")?;
    let mut wrong = faults(&metadata);
    wrong.extend(manifest::faults()?);
    for line in &wrong {
        job.say(line)?;
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("; "));
    }
    job.note = format!("{} crates", metadata.workspace_members.len());
    Ok(())
}

fn faults(metadata: &Metadata) -> Vec<String> {
    let mut wrong = direction(metadata);
    wrong.extend(blindness(metadata));
    wrong
}

fn direction(metadata: &Metadata) -> Vec<String> {
    let mut wrong = Vec::new();
    for package in metadata
        .packages
        .iter()
        .filter(|package| metadata.workspace_members.contains(&package.id))
    {
        let Some((_, may)) = MAY_NAME.iter().find(|(name, _)| *name == package.name) else {
            wrong.push(format!(
                "{} is not in the table of the house: add it to xtask/src/house.rs",
                package.name
            ));
            continue;
        };
        for dependency in package
            .dependencies
            .iter()
            .filter(|dependency| dependency.path.is_some())
        {
            let short = dependency
                .name
                .strip_prefix("teleward-")
                .unwrap_or(&dependency.name);
            // A crate's tests may name what lies beside it, to meet real input; shipped code may not.
            let in_tests =
                dependency.kind.as_deref() == Some("dev") && package.name != "teleward-relay";
            if !in_tests && !may.contains(&short) {
                wrong.push(format!(
                    "{} names {}, which the house forbids",
                    package.name, dependency.name
                ));
            }
        }
    }
    wrong
}

fn blindness(metadata: &Metadata) -> Vec<String> {
    let names: BTreeMap<&str, &str> = metadata
        .packages
        .iter()
        .map(|package| (package.id.as_str(), package.name.as_str()))
        .collect();
    let below: BTreeMap<&str, Vec<&str>> = metadata
        .resolve
        .nodes
        .iter()
        .map(|node| {
            let shipped = |edge: &&Edge| {
                edge.dep_kinds
                    .iter()
                    .any(|kind| kind.kind.as_deref() != Some("dev"))
            };
            (
                node.id.as_str(),
                node.deps
                    .iter()
                    .filter(shipped)
                    .map(|edge| edge.pkg.as_str())
                    .collect(),
            )
        })
        .collect();
    let mut wrong = Vec::new();
    for (top, never) in NEVER_BELOW {
        let Some(start) = names
            .iter()
            .find(|(_, name)| *name == top)
            .map(|(id, _)| *id)
        else {
            continue;
        };
        let mut seen = BTreeSet::new();
        let mut waiting = vec![start];
        while let Some(id) = waiting.pop() {
            if seen.insert(id) {
                waiting.extend(below.get(id).into_iter().flatten());
            }
        }
        for id in seen {
            if names.get(id).is_some_and(|name| never.contains(name)) {
                wrong.push(format!(
                    "{top} reaches {}, which it must never see",
                    names[id]
                ));
            }
        }
    }
    wrong
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Package {
    id: String,
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    kind: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A crate, and what it names: each with the kind of the dependency.
    type Named<'a> = (&'a str, &'a [(&'a str, Option<&'a str>)]);

    fn house(names: &[Named<'_>]) -> Metadata {
        let packages = names
            .iter()
            .map(|(name, deps)| Package {
                id: (*name).to_owned(),
                name: (*name).to_owned(),
                dependencies: deps
                    .iter()
                    .map(|(dep, kind)| Dependency {
                        name: (*dep).to_owned(),
                        kind: kind.map(str::to_owned),
                        path: dep.starts_with("teleward-").then(String::new),
                    })
                    .collect(),
            })
            .collect();
        let nodes = names
            .iter()
            .map(|(name, deps)| Node {
                id: (*name).to_owned(),
                deps: deps
                    .iter()
                    .map(|(dep, kind)| Edge {
                        pkg: (*dep).to_owned(),
                        dep_kinds: vec![EdgeKind {
                            kind: kind.map(str::to_owned),
                        }],
                    })
                    .collect(),
            })
            .collect();
        let members = names
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .filter(|name| name.starts_with("teleward-"));
        Metadata {
            packages,
            workspace_members: members.collect(),
            resolve: Resolve { nodes },
        }
    }

    /// REQ-HOUSE-001: a crate that names one above it is refused.
    #[test]
    fn a_dependency_against_the_direction_is_found() {
        let wrong = faults(&house(&[
            ("teleward-wire", &[]),
            ("teleward-reading", &[("teleward-wire", None)]),
        ]));
        assert_eq!(
            wrong,
            ["teleward-reading names teleward-wire, which the house forbids"]
        );
    }

    /// REQ-HOUSE-001: an allowed direction passes, and a crate's tests may name its neighbours.
    #[test]
    fn the_allowed_direction_passes() {
        let wrong = faults(&house(&[
            ("teleward-wire", &[]),
            ("teleward-reading", &[("teleward-wire", Some("dev"))]),
            ("teleward-vault", &[("teleward-wire", None)]),
        ]));
        assert_eq!(wrong, Vec::<String>::new());
    }

    /// REQ-HOUSE-002: the relay's tree holds nothing that opens mail, at any depth, not even in its tests.
    #[test]
    fn a_relay_that_could_open_mail_is_found() {
        let wrong = faults(&house(&[
            ("age", &[]),
            ("helper", &[("age", None)]),
            (
                "teleward-relay",
                &[("helper", None), ("teleward-vault", Some("dev"))],
            ),
            ("teleward-vault", &[("age", None)]),
        ]));
        assert_eq!(
            wrong,
            [
                "teleward-relay names teleward-vault, which the house forbids",
                "teleward-relay reaches age, which it must never see"
            ]
        );
    }

    #[test]
    fn a_crate_that_the_table_does_not_know_is_found() {
        assert_eq!(faults(&house(&[("teleward-attic", &[])])).len(), 1);
    }
}
