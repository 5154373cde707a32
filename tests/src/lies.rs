//! The lies of the journey *Liar* about the letters of one mailbox: what a relay shows to their reader, or answers to
//! their writer.

use crate::liar::{After, Answer, Asked, Instead, Lie};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use vault::{AgeIdentity, open_file, seal_file};
use wire::api::{ErrorBody, ErrorCode, Item};
use wire::receipt::{Durable, Receipt};
use wire::{EnvelopeId, MailboxId, SigningKey, Time, sha256};

fn is_of(asked: &Asked, mailbox: MailboxId) -> bool {
    asked.mailbox() == Some(mailbox.to_string().as_str())
}

/// Shows another list.
pub fn lists(
    mailbox: MailboxId,
    mut change: impl FnMut(&mut Vec<Item>) + Send + 'static,
) -> impl Lie {
    After(move |asked: &Asked, answer: Answer| {
        if asked.is_list() && is_of(asked, mailbox) {
            answer.with_items(&mut change)
        } else {
            answer
        }
    })
}

/// Shows this list once and nothing from then on; says when it has.
pub fn lists_once(mailbox: MailboxId, list: Vec<Item>) -> (impl Lie, Arc<AtomicBool>) {
    let told = Arc::new(AtomicBool::new(false));
    let (note, mut list) = (told.clone(), Some(list));
    let lie = lists(mailbox, move |items| {
        *items = list.take().unwrap_or_default();
        note.store(true, Ordering::SeqCst);
    });
    (lie, told)
}

/// Gives other bytes of each file: `change` gets the true ones.
pub fn files(
    mailbox: MailboxId,
    mut change: impl FnMut(Vec<u8>) -> Vec<u8> + Send + 'static,
) -> impl Lie {
    After(move |asked: &Asked, answer: Answer| {
        if asked.is_fetch() && is_of(asked, mailbox) && answer.status == 200 {
            let other = change(answer.body.to_vec());
            answer.with_body(other)
        } else {
            answer
        }
    })
}

/// Says that it does not have what it lists.
pub fn withheld(mailbox: MailboxId) -> impl Lie {
    Instead(move |asked: &Asked| {
        (asked.is_fetch() && is_of(asked, mailbox)).then(|| refusal(ErrorCode::Foreign))
    })
}

/// Refuses every file of the mailbox's writer.
pub fn refused(mailbox: MailboxId, code: ErrorCode) -> impl Lie {
    Instead(move |asked: &Asked| (asked.is_put() && is_of(asked, mailbox)).then(|| refusal(code)))
}

fn refusal(code: ErrorCode) -> Answer {
    let body = ErrorBody {
        code,
        text: "no".to_owned(),
        retry_after: None,
        now: None,
    };
    Answer {
        status: code.status(),
        content_type: "application/json".to_owned(),
        body: wire::json::to_string(&body).into(),
    }
}

/// Takes no file and answers with a receipt that a key of its own signed.
pub fn forged_receipts(mailbox: MailboxId, forger: SigningKey) -> impl Lie {
    Instead(move |asked: &Asked| {
        if !(asked.is_put() && is_of(asked, mailbox)) {
            return None;
        }
        let receipt = Receipt {
            v: 1,
            mailbox,
            id: asked.last().parse().ok()?,
            size: asked.body.len() as u64,
            n: 77,
            at: Time::system(),
            durable: Durable::Disk,
        };
        Some(receipt_answer(receipt.sign(&forger)))
    })
}

/// Takes the first file only, and answers to all later ones with the true receipt of the first.
pub fn receipts_of_another(mailbox: MailboxId) -> impl Lie {
    struct Once {
        mailbox: MailboxId,
        first: Option<Answer>,
    }
    impl Lie for Once {
        fn instead(&mut self, asked: &Asked) -> Option<Answer> {
            let first = self.first.as_ref()?;
            (asked.is_put() && is_of(asked, self.mailbox)).then(|| first.clone())
        }
        fn after(&mut self, asked: &Asked, answer: Answer) -> Answer {
            if asked.is_put() && is_of(asked, self.mailbox) {
                self.first.get_or_insert_with(|| answer.clone());
            }
            answer
        }
    }
    Once {
        mailbox,
        first: None,
    }
}

fn receipt_answer(jws: String) -> Answer {
    Answer {
        status: 201,
        content_type: wire::api::JOSE.into(),
        body: jws.into(),
    }
}

/// Wraps each file of a mailbox again with the key of one of its recipients, and lists the copies behind the true ones.
pub struct Rewrapped {
    mailbox: MailboxId,
    recipient: AgeIdentity,
    /// The copies made so far.
    pub copies: Arc<Mutex<HashMap<EnvelopeId, Vec<u8>>>>,
}

impl Rewrapped {
    /// With this recipient's key.
    #[must_use]
    pub fn new(mailbox: MailboxId, recipient: AgeIdentity) -> Self {
        Self {
            mailbox,
            recipient,
            copies: Arc::default(),
        }
    }

    fn wrap(&self, file: &[u8]) -> Option<(EnvelopeId, Vec<u8>)> {
        let plaintext = open_file(file, std::slice::from_ref(&self.recipient)).ok()?;
        let to = std::slice::from_ref(self.recipient.recipient());
        let again = seal_file(to, plaintext.expose()).ok()?;
        Some((EnvelopeId(sha256(&[&again]).0), again))
    }
}

impl Lie for Rewrapped {
    fn instead(&mut self, asked: &Asked) -> Option<Answer> {
        let id: EnvelopeId = asked.is_fetch().then(|| asked.last().parse().ok())??;
        let copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        copies.get(&id).map(|body| Answer {
            status: 200,
            content_type: wire::api::OCTETS.into(),
            body: body.clone().into(),
        })
    }

    fn after(&mut self, asked: &Asked, answer: Answer) -> Answer {
        if !is_of(asked, self.mailbox) {
            return answer;
        }
        if asked.is_put()
            && let Some((id, again)) = self.wrap(&asked.body)
        {
            let mut copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
            copies.insert(id, again);
        }
        if !asked.is_list() {
            return answer;
        }
        let copies = self.copies.lock().unwrap_or_else(PoisonError::into_inner);
        answer.with_items(|items| {
            if let Some(newest) = items.last().map(|item| item.n) {
                items.extend(copies.iter().zip(newest + 1..).map(|((id, body), n)| Item {
                    n,
                    id: *id,
                    size: body.len() as u64,
                }));
            }
        })
    }
}
