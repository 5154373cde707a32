//! What every command owes to whoever reads its help: the whole tree of commands is walked.

use clap::{Arg, Command};

use crate::{definition, exit};

/// What is missing in the help of this command and of all below it.
fn faults(command: &Command, above: &str) -> Vec<String> {
    let name = format!("{above} {}", command.get_name()).trim().to_owned();
    let mut faults = Vec::new();
    if command.get_about().is_none() {
        faults.push(format!("{name} does not say what it does"));
    }
    if examples(command).is_empty() {
        faults.push(format!("{name} gives no example"));
    }
    if !told(command).contains(exit::STATUS) {
        faults.push(format!("{name} does not say its exit status"));
    }
    let own = command.get_arguments().filter(|arg| !arg.is_hide_set());
    for arg in own.filter(|arg| arg.get_help().is_none()) {
        faults.push(format!("{name} does not say what {} is", arg.get_id()));
    }
    for below in command.get_subcommands() {
        faults.extend(self::faults(below, &name));
    }
    faults
}

fn told(command: &Command) -> String {
    command
        .get_after_help()
        .map(ToString::to_string)
        .unwrap_or_default()
}

/// The examples in a command's help, as words.
fn examples(command: &Command) -> Vec<Vec<String>> {
    let told = told(command);
    let lines = told.lines().filter_map(|line| {
        line.strip_prefix("Example: ")
            .map(str::trim)
            .filter(|line| line.starts_with("teleward "))
    });
    lines.map(words).collect()
}

/// Words as a shell would split them, up to where it redirects.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, '>' | '|') => break,
            (None, ' ') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (Some(open), _) if open == c => quote = None,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// REQ-CLI-001: every command, those that only hold others included, says what it does, gives an example, explains its
/// flags and names its exit status.
#[test]
fn every_command_has_help_with_an_example() {
    assert_eq!(faults(&definition(), ""), Vec::<String>::new());
}

/// REQ-CLI-001: the walk finds what is missing, at any depth.
#[test]
fn a_command_without_an_example_is_found() {
    let bare = Command::new("leaf").arg(Arg::new("flag").long("flag"));
    let told = |name| {
        Command::new(name)
            .about("Does it.")
            .after_help(format!("Example: teleward x\n\n{}", exit::STATUS))
    };
    let tree = told("root").subcommand(told("middle").subcommand(bare));
    assert_eq!(
        faults(&tree, ""),
        [
            "root middle leaf does not say what it does",
            "root middle leaf gives no example",
            "root middle leaf does not say its exit status",
            "root middle leaf does not say what flag is",
        ]
    );
}

/// REQ-CLI-004: what the examples say is understood as it stands.
#[test]
fn every_example_is_understood() {
    const KEY: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    let mut waiting = vec![definition()];
    let mut tried = 0;
    while let Some(command) = waiting.pop() {
        waiting.extend(command.get_subcommands().cloned());
        for example in examples(&command) {
            let words = example.iter().map(|word| match word.as_str() {
                "KEY" | "RESERVE" => KEY.to_owned(),
                word => word.to_owned(),
            });
            let understood = definition().try_get_matches_from(words);
            assert!(
                understood.is_ok(),
                "{}: {}",
                example.join(" "),
                understood.unwrap_err()
            );
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried} examples");
    assert!(
        definition()
            .try_get_matches_from(["teleward", "relay", "--no-such-flag"])
            .is_err(),
        "anything is understood"
    );
}

/// REQ-CLI-011: the page of all commands names each of them, and none that is not there.
#[test]
fn the_page_of_commands_names_them_all() {
    let page = include_str!("../../docs/commands.md");
    let mut named: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(|cell| cell.trim_end_matches(" INVITE"))
        .collect();
    let mut there = Vec::new();
    for_each_that_acts(&definition(), "", &mut |name| there.push(name.to_owned()));
    named.sort_unstable();
    there.sort_unstable();
    assert_eq!(named, there);
}

/// Calls with the name of every command that does something itself.
fn for_each_that_acts(command: &Command, above: &str, call: &mut impl FnMut(&str)) {
    for below in command.get_subcommands() {
        let name = format!("{above} {}", below.get_name()).trim().to_owned();
        // `relay` and `clinic` hold others and run a server when none is named.
        if !below.has_subcommands() || below.is_args_conflicts_with_subcommands_set() {
            call(&name);
        }
        for_each_that_acts(below, &name, call);
    }
}

/// REQ-HUB-003: the service runs what this program understands, as a user that is not root and may write one folder.
#[test]
fn the_hubs_unit_runs_as_nobody_special() {
    let unit = include_str!("../systemd/teleward-hub.service");
    let value = |name: &str| {
        let mut lines = unit.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    };
    let start = value("ExecStart").unwrap();
    let run = words(start.strip_prefix("/usr/local/bin/").unwrap());
    assert!(definition().try_get_matches_from(&run).is_ok(), "{start}");
    assert_eq!(run[..3], ["teleward", "hub", "run"]);
    assert!(value("User").is_some_and(|user| user != "root"));
    let state = value("StateDirectory").unwrap();
    assert!(
        start.ends_with(&format!("--dir /var/lib/{state}")),
        "{start}"
    );
    for (name, wanted) in [
        ("NoNewPrivileges", "yes"),
        ("CapabilityBoundingSet", ""),
        ("ProtectSystem", "strict"),
        ("ProtectHome", "yes"),
        ("StateDirectoryMode", "0700"),
        ("LimitCORE", "0"),
    ] {
        assert_eq!(value(name), Some(wanted), "{name}");
    }
}

#[test]
fn the_definition_is_sound() {
    definition().debug_assert();
}
