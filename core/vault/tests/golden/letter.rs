//! A second writer of envelopes, by hand: it can also do everything wrong.

use crate::world::{at, invite, key, roster_lines, seed, to};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use teleward_vault::{padded, seal_file};
use wire::{Hash, SigningKey, jws, sha256};

#[derive(Clone)]
pub struct Letter {
    pub header: Value,
    pub content: Vec<u8>,
    pub signer: SigningKey,
    pub typ: &'static str,
    pub to: Vec<u8>,
    pub padding: Option<Vec<u8>>,
    pub h: Option<String>,
}

impl Letter {
    pub fn new(
        up: bool,
        kind: &str,
        content: &[u8],
        roster: usize,
        circle: u64,
        to: &[u8],
    ) -> Self {
        let lines = roster_lines();
        let invite = invite();
        let mut strings: Vec<String> = to
            .iter()
            .map(|seed| crate::world::to(*seed).to_string())
            .collect();
        strings.sort();
        let text = strings
            .iter()
            .fold(String::from("teleward/v1/to\n"), |text, s| text + s + "\n");
        let mut header = json!({
            "v": 1, "box": if up { invite.up() } else { invite.down() }, "seq": 2, "prev": Hash([7; 32]),
            "type": kind, "at": at(3), "roster": [roster, sha256(&[lines[roster - 1].as_bytes()])], "circle": circle,
            "to": sha256(&[text.as_bytes()]), "len": content.len(), "sha256": sha256(&[content]), "got": [],
        });
        if up {
            header["beat"] = json!({
                "next_by": at(27), "depth": 1, "oldest": at(2), "stuck": 0, "refused": [], "receipts": [],
                "clock": {"offset_ms": -120, "sure": true}, "app": "teleward/0.1.0",
            });
        }
        Self {
            header,
            content: content.to_vec(),
            signer: key(if up {
                seed::INSTALL_SIGN
            } else {
                seed::STATION_SIGN
            }),
            typ: "tw-env-1",
            to: to.to_vec(),
            padding: None,
            h: None,
        }
    }

    pub fn set(mut self, member: &str, value: Value) -> Self {
        self.header[member] = value;
        self
    }

    pub fn by(mut self, seed: u8) -> Self {
        self.signer = key(seed);
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// P, built by hand.
    pub fn plaintext(&self) -> Vec<u8> {
        let h = self.h.clone().unwrap_or_else(|| {
            jws::sign(
                &self.signer,
                self.typ,
                serde_json::to_string(&self.header).unwrap().as_bytes(),
            )
        });
        let mut plaintext = h.into_bytes();
        plaintext.push(b'\n');
        plaintext.extend_from_slice(&self.content);
        if let Some(padding) = &self.padding {
            plaintext.extend_from_slice(padding);
        } else {
            let length = padded(plaintext.len() + 1);
            plaintext.resize(length - 1, b' ');
            plaintext.push(b'\n');
        }
        plaintext
    }

    pub fn seal(&self) -> Vec<u8> {
        let to: Vec<_> = self.to.iter().map(|seed| to(*seed)).collect();
        seal_file(&to, &self.plaintext()).unwrap()
    }
}

pub fn header_end(file: &[u8]) -> usize {
    file.windows(4).position(|w| w == b"\n---").unwrap() + 1
}

pub fn change_mac(mut file: Vec<u8>) -> Vec<u8> {
    let at = header_end(&file) + 4;
    file[at] = if file[at] == b'A' { b'B' } else { b'A' };
    file
}

pub fn with_stanzas(mut file: Vec<u8>, stanzas: &str) -> Vec<u8> {
    let at = header_end(&file);
    file.splice(at..at, stanzas.bytes());
    file
}

/// The same file in age's text form (strict PEM), as many tools write it.
pub fn armoured(file: &[u8]) -> Vec<u8> {
    let text = STANDARD.encode(file);
    let lines = text.as_bytes().chunks(64);
    let lines: Vec<&str> = lines.map(|l| std::str::from_utf8(l).unwrap()).collect();
    let (begin, end) = (
        "-----BEGIN AGE ENCRYPTED FILE-----",
        "-----END AGE ENCRYPTED FILE-----",
    );
    format!("{begin}\n{}\n{end}\n", lines.join("\n")).into_bytes()
}

/// The file without anybody that it is sealed to.
pub fn without_stanzas(file: &[u8]) -> Vec<u8> {
    let first = file.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    [&file[..first], &file[header_end(file)..]].concat()
}

/// A file to one hybrid and one classical recipient, as a writer without our rule could make it.
pub fn mixed(plaintext: &[u8]) -> Vec<u8> {
    struct Unlabelled(teleward_vault::AgeRecipient);
    impl age::Recipient for Unlabelled {
        fn wrap_file_key(
            &self,
            key: &age_core::format::FileKey,
        ) -> Result<
            (
                Vec<age_core::format::Stanza>,
                std::collections::HashSet<String>,
            ),
            age::EncryptError,
        > {
            let (stanzas, _) = age::Recipient::wrap_file_key(&self.0, key)?;
            Ok((stanzas, std::collections::HashSet::new()))
        }
    }
    let (hybrid, classical) = (
        Unlabelled(to(seed::STATION_AGE)),
        age::x25519::Identity::generate().to_public(),
    );
    let both: [&dyn age::Recipient; 2] = [&hybrid, &classical];
    let mut file = Vec::new();
    let mut writer = age::Encryptor::with_recipients(both.into_iter())
        .unwrap()
        .wrap_output(&mut file)
        .unwrap();
    std::io::Write::write_all(&mut writer, plaintext).unwrap();
    writer.finish().unwrap();
    file
}

/// What the one grease stanza takes; zero without one.
pub fn grease_bytes(file: &[u8]) -> usize {
    let header = std::str::from_utf8(&file[..header_end(file)]).unwrap();
    header
        .split_inclusive('\n')
        .scan(false, |inside, line| {
            if let Some(tag) = line.strip_prefix("-> ") {
                *inside = tag
                    .split_whitespace()
                    .next()
                    .is_some_and(|tag| tag.ends_with("-grease"));
            }
            Some(if *inside { line.len() } else { 0 })
        })
        .sum()
}
