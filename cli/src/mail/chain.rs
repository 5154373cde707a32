//! What the files tell about their order: which are missing, which exclude one another.

use std::collections::BTreeMap;

use vault::Plaintext;
use wire::{EnvelopeId, Hash, Kid, MailboxId};

/// Where one sender's envelope stands.
struct Link {
    id: EnvelopeId,
    prev: EnvelopeId,
    header: Hash,
}

/// All verified envelopes, by mailbox and sender.
#[derive(Default)]
pub struct Chains(BTreeMap<(MailboxId, Kid), BTreeMap<u64, Vec<Link>>>);

impl Chains {
    /// Takes a verified envelope in.
    pub fn add(&mut self, id: EnvelopeId, plain: &Plaintext) {
        let header = plain.claimed();
        let link = Link {
            id,
            prev: header.prev,
            header: plain.header_hash(),
        };
        let chain = self.0.entry((header.mailbox, plain.kid())).or_default();
        chain.entry(header.seq).or_default().push(link);
    }

    /// What is wrong, in words.
    pub fn findings(&self) -> Vec<String> {
        let mut found = Vec::new();
        for ((mailbox, kid), chain) in &self.0 {
            let whose = format!("box {mailbox}, sender {kid}");
            let mut before: Option<(u64, &Vec<Link>)> = None;
            for (seq, links) in chain {
                if links.iter().any(|link| link.header != links[0].header) {
                    found.push(format!(
                        "{whose}: two different envelopes with number {seq} (a fork)"
                    ));
                } else if links.iter().any(|link| link.id != links[0].id) {
                    found.push(format!(
                        "{whose}: number {seq} in two files (a recipient made a copy)"
                    ));
                }
                let last = before.map_or(0, |(last, _)| last);
                if *seq > last + 1 {
                    found.push(format!(
                        "{whose}: numbers {} to {} are not among these files",
                        last + 1,
                        seq - 1
                    ));
                } else if let Some((_, earlier)) = before {
                    let follows =
                        |link: &Link| earlier.iter().any(|earlier| earlier.id == link.prev);
                    if !links.iter().all(follows) {
                        found.push(format!("{whose}: number {seq} follows another envelope than {last} (a broken chain)"));
                    }
                }
                before = Some((*seq, links));
            }
        }
        found
    }
}
