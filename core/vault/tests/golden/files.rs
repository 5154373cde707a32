//! Reading golden files, and writing those that are missing when asked to.

use std::path::{Path, PathBuf};

fn path(format: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/golden")
        .join(format)
        .join(name)
}

fn blessing() -> bool {
    std::env::var_os("TELEWARD_BLESS").is_some()
}

/// The bytes of a golden file; made and written only when it is missing and blessing was asked for.
pub fn kept(format: &str, name: &str, make: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let path = path(format, name);
    if !path.exists() && blessing() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, make()).unwrap();
    }
    std::fs::read(&path).unwrap_or_else(|e| panic!("golden file {}: {e}", path.display()))
}

/// A golden file that is made again each time and must be the same.
pub fn same(format: &str, name: &str, bytes: &[u8]) {
    let held = kept(format, name, || bytes.to_vec());
    assert!(
        held == bytes,
        "tests/golden/{format}/{name} is another than this version makes:\n{}",
        String::from_utf8_lossy(bytes)
    );
}

/// `expected.json` of a format.
pub fn expected(format: &str, value: &serde_json::Value) {
    same(
        format,
        "expected.json",
        (serde_json::to_string_pretty(value).unwrap() + "\n").as_bytes(),
    );
}
