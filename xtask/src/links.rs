//! The part `links`: every relative link in the documentation leads to a file that is there.

use std::path::Path;

use anyhow::{Result, bail};

use crate::job::Job;
use crate::tree;

/// Checks all Markdown files of the project.
pub fn check(job: &mut Job<'_>) -> Result<()> {
    let mut broken = Vec::new();
    let mut followed = 0;
    for file in tree::files()? {
        if file.extension().is_none_or(|ext| ext != "md") {
            continue;
        }
        let text = std::fs::read_to_string(tree::root().join(&file))?;
        for link in relative_links(&text) {
            followed += 1;
            let folder = file.parent().unwrap_or(Path::new(""));
            if !tree::root().join(folder).join(link).exists() {
                broken.push(format!("{}: {link} is not there", file.display()));
            }
        }
    }
    for line in &broken {
        job.say(line)?;
    }
    if let Some(first) = broken.first() {
        bail!("{} broken links, the first: {first}", broken.len());
    }
    job.note = format!("{followed} links");
    Ok(())
}

/// The targets of `[text](target)` that are paths, without what follows `#`.
fn relative_links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| {
        let target = rest.split([')', '#', ' ']).next()?;
        let path = !target.is_empty() && !target.contains(':');
        path.then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_are_followed() {
        let text = "[a](b/c.md#d) [e](https://f.example) [g](#h) ![i](j.png \"k\")";
        assert_eq!(
            relative_links(text).collect::<Vec<_>>(),
            ["b/c.md", "j.png"]
        );
    }
}
