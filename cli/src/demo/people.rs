//! The demo's patients: invented people, and what makes some of them different.

use serde_json::{Value, json};

/// What is special about a patient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Habit {
    /// Measures, and is connected.
    Steady,
    /// Measures, and is without a network most of the time.
    Offline,
    /// Has a cuff whose measurements fail since a day.
    CuffFails,
    /// Lost a phone and has another.
    PhoneReplaced,
    /// Joined, and nobody has compared the check words yet.
    Unconfirmed,
}

/// One invented person.
pub struct Person {
    /// In the order of the clinic's list.
    pub index: usize,
    /// What is special.
    pub habit: Habit,
    /// Where the blood pressure lies, in mmHg.
    pub systolic: i64,
    /// Likewise.
    pub diastolic: i64,
    /// Beats a minute.
    pub pulse: i64,
    name: String,
    born: &'static str,
}

/// Everybody lives in the clinic's town.
pub const ZONE: &str = "Europe/Berlin";

const PEOPLE: [(&str, &str); 20] = [
    ("Anneliese Brandt", "1944-03-12"),
    ("Mehmet Yılmaz", "1958-11-02"),
    ("Ingrid Sørensen", "1950-07-25"),
    ("Jan Kowalski", "1962-01-30"),
    ("Rosa Martínez", "1949-09-18"),
    ("Wilhelm Krüger", "1939-05-06"),
    ("Fatima El Amrani", "1965-12-14"),
    ("Dietrich Vogel", "1953-02-21"),
    ("Nguyễn Thị Lan", "1957-08-09"),
    ("Margarete Hofmann", "1941-10-27"),
    ("Oluwaseun Adeyemi", "1968-04-03"),
    ("Birgit Lindqvist", "1955-06-16"),
    ("Giuseppe Romano", "1947-01-08"),
    ("Helga Zimmermann", "1943-12-01"),
    ("Priya Raghavan", "1971-03-29"),
    ("Karl-Heinz Becker", "1938-09-11"),
    ("Zofia Nowak", "1960-05-22"),
    ("Amadou Diallo", "1964-10-05"),
    ("Ursula Schäfer", "1952-04-17"),
    ("Petros Papadakis", "1946-08-31"),
];

impl Person {
    /// The person at a place of the list; after twenty the names come again, numbered.
    pub fn at(index: usize) -> Self {
        let (name, born) = PEOPLE[index % PEOPLE.len()];
        let round = index / PEOPLE.len();
        let name = if round == 0 {
            name.to_owned()
        } else {
            format!("{name} {}", round + 1)
        };
        let habit = match index % PEOPLE.len() {
            1 | 8 | 14 => Habit::Offline,
            2 => Habit::CuffFails,
            3 => Habit::PhoneReplaced,
            4 => Habit::Unconfirmed,
            _ => Habit::Steady,
        };
        // Spread over what a clinic for high blood pressure sees.
        let spread = |step: usize, from: i64, width: usize| {
            from + i64::try_from((index * step) % width).unwrap_or_default()
        };
        Self {
            index,
            habit,
            systolic: spread(17, 118, 48),
            diastolic: spread(11, 68, 28),
            pulse: spread(7, 58, 34),
            name,
            born,
        }
    }

    /// Whether somebody at the clinic went through the readings already: most of the list, and never all of it.
    pub fn was_looked_at(&self) -> bool {
        self.habit == Habit::Steady && !self.index.is_multiple_of(4)
    }

    /// The name, as the clinic's list has it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the clinic writes down about the person.
    pub fn record(&self) -> Value {
        json!({
            "name": self.name,
            "born": self.born,
            "record_number": format!("D-{:04}", 1001 + self.index),
            "phone": format!("+49 30 5550{:03}", self.index),
            "zone": ZONE,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// REQ-DEMO-001: twenty patients show what can go wrong.
    #[test]
    fn twenty_patients_show_every_habit() {
        let habits: Vec<Habit> = (0..20).map(|index| Person::at(index).habit).collect();
        let count = |habit| habits.iter().filter(|known| **known == habit).count();
        assert_eq!(count(Habit::CuffFails), 1);
        assert_eq!(count(Habit::PhoneReplaced), 1);
        assert!(count(Habit::Offline) >= 2);
        assert!(count(Habit::Steady) >= 10);
    }

    #[test]
    fn a_longer_list_has_no_name_twice() {
        let names: std::collections::BTreeSet<String> =
            (0..60).map(|index| Person::at(index).name).collect();
        assert_eq!(names.len(), 60);
    }
}
