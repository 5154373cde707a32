//! The matrix of requirements and hazards against the tests that name them.
//!
//! In: the tables of `docs/requirements.md`, and every source file that is not documentation. A test names what it
//! holds by an id such as `REQ-` or `HAZ-`, an area in capitals, and three digits, in the comment before it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::job::Job;
use crate::tree;

/// The file that declares every id.
const DECLARED_IN: &str = "docs/requirements.md";
/// Sources that may hold tests.
const TEST_SOURCES: &[&str] = &["rs", "ts", "tsx", "mjs", "js", "py", "kt", "sh"];

struct Matrix {
    declared: BTreeMap<String, String>,
    held: BTreeMap<String, BTreeSet<String>>,
    wrong: Vec<String>,
}

/// The part: fails when an id has no test, or a test an unknown id.
pub fn check(job: &mut Job<'_>) -> Result<()> {
    let matrix = read()?;
    job.say(&matrix.table())?;
    for fault in &matrix.wrong {
        job.say(fault)?;
    }
    if let Some(first) = matrix.wrong.first() {
        bail!(
            "{} faults in the matrix, the first: {first}",
            matrix.wrong.len()
        );
    }
    job.note = format!("{} ids", matrix.declared.len());
    Ok(())
}

/// `cargo xtask trace`: the matrix on standard output, faults on standard error; true when there are none.
pub fn print() -> Result<bool> {
    let matrix = read()?;
    print!("{}", matrix.table());
    for fault in &matrix.wrong {
        eprintln!("{fault}");
    }
    Ok(matrix.wrong.is_empty())
}

fn read() -> Result<Matrix> {
    let text = std::fs::read_to_string(tree::root().join(DECLARED_IN))
        .with_context(|| format!("{DECLARED_IN} cannot be read"))?;
    let mut matrix = Matrix {
        declared: BTreeMap::new(),
        held: BTreeMap::new(),
        wrong: Vec::new(),
    };
    matrix.declare(&text);
    for file in tree::files()? {
        let source = file
            .extension()
            .and_then(|ext| ext.to_str())
            .is_some_and(|ext| TEST_SOURCES.contains(&ext));
        if source && !file.starts_with("docs") && !file.starts_with("xtask/src/trace.rs") {
            let text = std::fs::read(tree::root().join(&file))?;
            matrix.hold(&file, &String::from_utf8_lossy(&text));
        }
    }
    matrix.judge();
    Ok(matrix)
}

impl Matrix {
    fn declare(&mut self, text: &str) {
        for line in text.lines().filter(|line| line.starts_with('|')) {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let (Some(id), Some(words)) = (cells.first(), cells.get(1)) else {
                continue;
            };
            if ids(id).first().map(String::as_str) != Some(*id) {
                continue;
            }
            if self
                .declared
                .insert((*id).to_owned(), (*words).to_owned())
                .is_some()
            {
                self.wrong
                    .push(format!("{id} is declared twice in {DECLARED_IN}"));
            }
        }
    }

    fn hold(&mut self, file: &Path, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            for id in ids(line) {
                let test = lines[at..].iter().take(40).find_map(|line| name(line));
                let place = test.map_or_else(
                    || file.display().to_string(),
                    |test| format!("{} {test}", file.display()),
                );
                self.held.entry(id).or_default().insert(place);
            }
        }
    }

    fn judge(&mut self) {
        for id in self
            .declared
            .keys()
            .filter(|id| !self.held.contains_key(*id))
        {
            self.wrong.push(format!(
                "{id} is declared in {DECLARED_IN}, and no test names it"
            ));
        }
        for (id, places) in self
            .held
            .iter()
            .filter(|(id, _)| !self.declared.contains_key(*id))
        {
            let place = places.first().map_or("", String::as_str);
            self.wrong.push(format!(
                "{id} is named by {place} and not declared in {DECLARED_IN}"
            ));
        }
    }

    fn table(&self) -> String {
        let mut out = String::new();
        for (id, words) in &self.declared {
            let _ = writeln!(out, "{id}  {words}");
            for place in self.held.get(id).into_iter().flatten() {
                let _ = writeln!(out, "    {place}");
            }
        }
        out
    }
}

/// The ids in a line.
fn ids(line: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in line.match_indices("REQ-").chain(line.match_indices("HAZ-")) {
        let rest = &line[at + 4..];
        let area = rest.chars().take_while(char::is_ascii_uppercase).count();
        let digits = rest[area..].strip_prefix('-').unwrap_or("");
        let number: String = digits.chars().take_while(char::is_ascii_digit).collect();
        if area > 0 && number.len() == 3 {
            found.push(format!("{}{}-{number}", &line[at..at + 4], &rest[..area]));
        }
    }
    found
}

/// The name of the test that a line begins, in Rust, TypeScript, Python, Kotlin or shell.
fn name(line: &str) -> Option<String> {
    // Words that may stand before a name, in this order.
    let before = [
        "pub ",
        "export ",
        "async ",
        "def ",
        "fn ",
        "fun ",
        "function ",
    ];
    let line = before.iter().fold(line.trim_start(), |rest, word| {
        rest.strip_prefix(word).unwrap_or(rest)
    });
    for opening in ["it(", "test("] {
        if let Some(rest) = line.strip_prefix(opening) {
            return rest.split(['"', '\'', '`']).nth(1).map(str::to_owned);
        }
    }
    let end = line.find('(')?;
    let word = &line[..end];
    let plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    (plain && word.contains('_')).then(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(declared: &str, source: &str) -> Matrix {
        let mut matrix = Matrix {
            declared: BTreeMap::new(),
            held: BTreeMap::new(),
            wrong: Vec::new(),
        };
        matrix.declare(declared);
        matrix.hold(Path::new("a.rs"), source);
        matrix.judge();
        matrix
    }

    #[test]
    fn an_id_with_its_test_is_a_row() {
        let source = "/// REQ-X-001: it\n#[test]\nfn a_thing_holds() {\n";
        let matrix = matrix("| REQ-X-001 | A thing holds. |", source);
        assert_eq!(matrix.wrong, Vec::<String>::new());
        assert_eq!(
            matrix.table(),
            "REQ-X-001  A thing holds.\n    a.rs a_thing_holds\n"
        );
    }

    #[test]
    fn an_id_without_a_test_is_found() {
        assert_eq!(matrix("| HAZ-X-002 | Harm. |", "").wrong.len(), 1);
    }

    #[test]
    fn an_undeclared_id_and_a_doubled_one_are_found() {
        let doubled = "| REQ-X-001 | One. |\n| REQ-X-001 | Two. |";
        let wrong = matrix(doubled, "// REQ-X-001 REQ-Y-001\n").wrong;
        assert_eq!(wrong.len(), 2, "{wrong:?}");
    }

    #[test]
    fn names_are_found_in_all_our_languages() {
        assert_eq!(
            name("    async fn mail_arrives() {").as_deref(),
            Some("mail_arrives")
        );
        assert_eq!(name("def test_it(tmp):").as_deref(), Some("test_it"));
        assert_eq!(
            name("  it('shows the age', () => {").as_deref(),
            Some("shows the age")
        );
        assert_eq!(name("#[test]"), None);
    }
}
