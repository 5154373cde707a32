//! The pages of the families say what the code has.

#![allow(clippy::unwrap_used)] // a test's way to fail

use std::collections::BTreeMap;
use std::path::Path;
use teleward_device::{QuirkTable, family::FAMILIES};

fn pages() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/devices");
    let files = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let page = |file: std::fs::DirEntry| {
        let name = file.file_name().into_string().unwrap();
        (name, std::fs::read_to_string(file.path()).unwrap())
    };
    files.map(page).collect()
}

/// The words before the first table: what the service is, and what is collected of it.
fn opening(page: &str) -> &str {
    page.split_once("\n|").map_or(page, |(opening, _)| opening)
}

/// REQ-DEVICE-168: each family has one page, which names its service and what is collected, how it was proven and what is
/// not confirmed.
#[test]
fn each_family_has_a_page() {
    let pages = pages();
    assert_eq!(pages.len(), FAMILIES.len());
    for family in &FAMILIES {
        let service = family.service.to_string().to_uppercase();
        let numbers = family
            .measurements
            .iter()
            .map(|number| format!("{number:04X}"));
        let wanted: Vec<String> = numbers.chain([format!("Service, {service}.")]).collect();
        let of = pages
            .iter()
            .filter(|(_, page)| wanted.iter().all(|one| opening(page).contains(one)));
        let of: Vec<&String> = of.map(|(name, _)| name).collect();
        assert_eq!(of.len(), 1, "{}: {of:?} name {wanted:?}", family.name);
    }
    for (name, page) in &pages {
        for part in ["## What was proven, and how", "## Not confirmed"] {
            assert!(page.contains(part), "{name}: {part}");
        }
    }
}

/// REQ-DEVICE-169: each row of the table of models stands on a page, with how well it is proven, and no page names one that
/// is not there.
#[test]
fn each_row_of_models_stands_on_a_page_with_its_proof() {
    let table = QuirkTable::built_in();
    let mut stated: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, page) in pages() {
        let (_, rows) = page.split_once("| Row of the table |").unwrap_or_default();
        let rows = rows
            .lines()
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        for line in rows {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let id = cells[1].trim_matches('`').to_owned();
            let known = table.rows().iter().find(|row| row.id == id);
            let known = known.unwrap_or_else(|| panic!("{name}: no row {id}"));
            let proof = format!("{:?}", known.proof).to_lowercase();
            assert_eq!(proof, cells[3], "{name}: {id}");
            stated.entry(id).or_default().push(name.clone());
        }
    }
    let unsaid = table
        .rows()
        .iter()
        .filter(|row| !stated.contains_key(&row.id));
    let unsaid: Vec<&str> = unsaid.map(|row| row.id.as_str()).collect();
    assert!(unsaid.is_empty(), "on no page: {unsaid:?}");
}
