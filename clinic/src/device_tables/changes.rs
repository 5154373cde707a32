//! What one table changes in another, row by row. Rows are told apart by their ids; their order means nothing.
//!
//! In: two tables as JSON. Out: the rows that come, that become others and that go, each as it stands in its table; the
//! console puts them into words.

use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The difference of two tables.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Changes {
    /// Rows that were not there.
    pub added: Vec<Value>,
    /// Rows that say something else.
    pub changed: Vec<Changed>,
    /// Rows that are not there any more.
    pub removed: Vec<Value>,
    /// How many stay as they are.
    pub same: usize,
}

/// One row, before and after.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Changed {
    pub before: Value,
    pub after: Value,
}

impl Changes {
    /// What `after` changes in `before`; without one, every row is added.
    pub(crate) fn between(before: Option<&Value>, after: &Value) -> Self {
        let mut held = before.map(by_id).unwrap_or_default();
        let mut changes = Self::default();
        for (id, row) in by_id(after) {
            match held.remove(id) {
                None => changes.added.push(row.clone()),
                Some(was) if was == row => changes.same += 1,
                Some(was) => changes.changed.push(Changed {
                    before: was.clone(),
                    after: row.clone(),
                }),
            }
        }
        changes.removed = held.into_values().cloned().collect();
        changes
    }
}

fn by_id(table: &Value) -> BTreeMap<&str, &Value> {
    let rows = table.get("rows").and_then(Value::as_array);
    let named = |row| Some((Value::get(row, "id")?.as_str()?, row));
    rows.into_iter().flatten().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// REQ-CLINIC-081: rows that come, become others, go and stay are told apart by their ids, whatever their order; a
    /// row that differs in anything at all is not the same.
    #[test]
    fn rows_are_told_apart_by_id() {
        let row = |id: &str, about: &str| json!({ "id": id, "about": about });
        let before = json!({ "rows": [row("a", "1"), row("b", "1"), row("c", "1")] });
        let after = json!({ "rows": [row("d", "1"), row("c", "2"), row("a", "1")] });
        let found = Changes::between(Some(&before), &after);
        assert_eq!(
            found,
            Changes {
                added: vec![row("d", "1")],
                changed: vec![Changed {
                    before: row("c", "1"),
                    after: row("c", "2")
                }],
                removed: vec![row("b", "1")],
                same: 1,
            }
        );
        let first = Changes::between(None, &after);
        assert_eq!((first.added.len(), first.same), (3, 0));
        let none = Changes::between(Some(&before), &before);
        assert_eq!((none.same, none.added.len(), none.changed.len()), (3, 0, 0));
    }
}
