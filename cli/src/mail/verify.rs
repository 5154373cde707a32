//! `teleward verify`: which envelopes are genuine and whole, and why the others are not.

use anyhow::Result;
use serde_json::json;

use super::chain::Chains;
use super::files::{Envelopes, Found};
use super::trust::{Doubt, Sources, Trust};
use crate::exit::Done;
use crate::out;

/// Check envelopes: who sealed them, that nothing was changed, and that none is missing.
///
/// An install's key is learnt from its join, when that is among the files; a station's from the rosters. For each
/// envelope that does not verify it says why. Exit status 0 only when all verify and none is missing.
#[derive(clap::Args)]
#[command(
    after_help = "Example: teleward verify --identity station.txt --rosters rosters.ndjson mailbox/"
)]
pub struct Args {
    #[command(flatten)]
    envelopes: Envelopes,
    #[command(flatten)]
    sources: Sources,
}

/// Checks them.
pub fn run(args: &Args) -> Result<Done> {
    let mut trust = Trust::from(&args.sources)?;
    // A join may stand behind what it vouches for: all are learnt before any letter is judged.
    args.envelopes.each("looking for joins", |envelope| {
        if let Ok(plain) = &envelope.plain {
            trust.learn(plain);
        }
        Ok(())
    })?;
    let mut chains = Chains::default();
    let (mut verified, mut all) = (0_u64, 0_u64);
    args.envelopes.each("checking", |envelope| {
        let judged = judge(&trust, &envelope);
        if let (Ok(_), Ok(plain), Some(id)) = (&judged, &envelope.plain, envelope.id) {
            chains.add(id, plain);
            verified += 1;
        }
        all += 1;
        say(args.envelopes.json, &envelope, &judged)
    })?;
    let findings = chains.findings();
    for finding in &findings {
        if args.envelopes.json {
            out::line(json!({ "finding": finding }))?;
        } else {
            out::line(format_args!("finding: {finding}"))?;
        }
    }
    if !args.envelopes.json {
        out::line(format_args!("{verified} of {all} verified"))?;
        if !trust.root_given && verified > 0 {
            out::line(
                "The root key was taken from the files themselves: compare it with the invite, or give --root.",
            )?;
        }
    }
    let well = verified == all && findings.is_empty();
    Ok(if well { Done::Well } else { Done::Wrong })
}

/// What was not compared, or a code and words why not.
type Judged = Result<Vec<&'static str>, (&'static str, String)>;

fn judge(trust: &Trust, found: &Found) -> Judged {
    let wrong = |reason: &vault::Refusal| (reason.code(), reason.to_string());
    let plain = found.plain.as_ref().map_err(wrong)?;
    trust.judge(found, plain).map_err(|doubt| match doubt {
        Doubt::Wrong(reason) => wrong(&reason),
        Doubt::NoKeyToTell => (
            "no_key_to_tell",
            "nothing at hand says whose key signed it: give --rosters or --key, or the sender's join".to_owned(),
        ),
    })
}

fn say(json: bool, found: &Found, judged: &Judged) -> Result<()> {
    let file = found.file.display().to_string();
    if !json {
        return match judged {
            Ok(unsaid) if unsaid.is_empty() => out::line(format_args!("{file}: verified")),
            Ok(unsaid) => out::line(format_args!("{file}: verified; {}", unsaid.join("; "))),
            Err((_, why)) => out::line(format_args!("{file}: NOT verified: {why}")),
        };
    }
    let mut record = json!({ "file": file, "id": found.id, "verified": judged.is_ok() });
    match judged {
        Ok(unsaid) => record["not_compared"] = json!(unsaid),
        Err((code, text)) => record["error"] = json!({ "code": code, "text": text }),
    }
    out::line(record)
}
