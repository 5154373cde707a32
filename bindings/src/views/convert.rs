//! From the core's records, member by member.

use super::{
    Answer, Changes, CheckWords, CircleMember, Detail, Device, DeviceUser, DrainReport, Finding,
    FoundDevice, HistoryPage, Link, LinkState, Notice, Person, Question, Queue, Reading,
    RecoverySheet, Request, RequestState, Stage, Status, TelewardError, Trace, UserChoice, Value,
    View, Whose, time_out,
};
use ::companion as core;

impl From<core::View> for View {
    fn from(view: core::View) -> Self {
        match view {
            core::View::Status(status) => Self::Status {
                status: status.into(),
            },
            core::View::Devices(devices) => Self::Devices {
                devices: devices.into_iter().map(Into::into).collect(),
            },
            core::View::Queue(queue) => Self::Queue {
                queue: queue.into(),
            },
            core::View::Requests(requests) => Self::Requests {
                requests: requests.into_iter().map(Into::into).collect(),
            },
            core::View::Found(found) => Self::Found {
                found: found.into_iter().map(Into::into).collect(),
            },
        }
    }
}

impl From<core::Status> for Status {
    fn from(status: core::Status) -> Self {
        Self {
            install: status.install.to_string(),
            locked: status.locked,
            spooled: status.spooled,
            link: status.link.map(Into::into),
            relay_reached_at: status.relay_reached_at.map(time_out),
            relay_trouble: status.relay_trouble,
            live: status.live,
            findings: status.findings.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<core::FindingView> for Finding {
    fn from(finding: core::FindingView) -> Self {
        Self {
            id: finding.id,
            code: finding.code,
            text: finding.text,
            at: time_out(finding.at),
        }
    }
}

impl From<core::LinkView> for Link {
    fn from(link: core::LinkView) -> Self {
        let sealed = !link.check_words.is_empty();
        Self {
            up: link.up.to_string(),
            state: match link.state {
                core::LinkState::Joining => LinkState::Joining,
                core::LinkState::Joined => LinkState::Joined,
                core::LinkState::Pending => LinkState::Pending,
                core::LinkState::Confirmed => LinkState::Confirmed,
                core::LinkState::Ended => LinkState::Ended,
            },
            check_words: sealed.then_some(CheckWords {
                words: link.check_words,
                digits: link.check_digits,
            }),
            clinic: link.clinic,
            clinic_phone: link.clinic_phone,
            emergency: link.emergency,
            cover: link.cover,
            circle: link.circle.into_iter().map(Into::into).collect(),
            has_recovery: link.has_recovery,
            heard_at: link.heard_at.map(time_out),
            next_by: link.next_by.map(time_out),
            trouble: link.trouble,
        }
    }
}

impl From<core::CircleView> for CircleMember {
    fn from(member: core::CircleView) -> Self {
        Self {
            kid: member.kid.to_string(),
            role: member.role,
            label: member.label,
            since: member.since.map(time_out),
            is_this: member.this,
        }
    }
}

impl From<core::QueueView> for Queue {
    fn from(queue: core::QueueView) -> Self {
        Self {
            waiting: queue.waiting,
            at_post_office: queue.at_post_office,
            at_clinic: queue.at_clinic,
            stuck: queue.stuck,
            oldest: queue.oldest.map(time_out),
            last_receipt: queue.last_receipt.map(time_out),
            last_acknowledgement: queue.last_acknowledgement.map(time_out),
            trouble: queue.trouble,
        }
    }
}

impl From<core::DeviceView> for Device {
    fn from(device: core::DeviceView) -> Self {
        Self {
            id: device.id,
            name: device.name,
            maker: device.maker,
            model: device.model,
            serial_tail: device.serial_tail,
            paired_at: time_out(device.paired_at),
            last_seen: device.last_seen.map(time_out),
            state: device.state,
            last_ending: device.last_ending,
            last_ended: device.last_ended.map(time_out),
            battery_percent: device.battery_percent,
            last_ending_text: device.last_ending_text,
            notices: device.notices.into_iter().map(Into::into).collect(),
            users: device.users.into_iter().map(Into::into).collect(),
            only_me: device.only_me,
        }
    }
}

impl From<core::UserView> for DeviceUser {
    fn from(user: core::UserView) -> Self {
        Self {
            slot: user.slot,
            person: match user.person {
                core::Person::Me => Person::Me,
                core::Person::SomebodyElse => Person::SomebodyElse,
            },
        }
    }
}

impl From<Person> for core::Person {
    fn from(person: Person) -> Self {
        match person {
            Person::Me => Self::Me,
            Person::SomebodyElse => Self::SomebodyElse,
        }
    }
}

impl From<UserChoice> for core::UserChoice {
    fn from(choice: UserChoice) -> Self {
        match choice {
            UserChoice::New => Self::New,
            UserChoice::Existing { slot, code } => Self::Existing { slot, code },
        }
    }
}

impl From<Answer> for core::Answer {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Me => Self::Me,
            Answer::SomebodyElse => Self::SomebodyElse,
            Answer::OnlyMe => Self::OnlyMe,
        }
    }
}

impl From<core::QuestionView> for Question {
    fn from(question: core::QuestionView) -> Self {
        Self {
            device: question.device,
            device_name: question.device_name,
            user: question.user,
            readings: question.readings,
            text: question.text,
        }
    }
}

impl From<core::NoticeView> for Notice {
    fn from(notice: core::NoticeView) -> Self {
        Self {
            code: notice.code,
            text: notice.text,
        }
    }
}

impl From<core::FoundView> for FoundDevice {
    fn from(found: core::FoundView) -> Self {
        Self {
            id: found.id,
            name: found.name,
            family: found.family,
            how_to_pair: found.how_to_pair,
            signal_dbm: found.signal_dbm,
            paired: found.paired,
        }
    }
}

impl From<core::TraceView> for Trace {
    fn from(trace: core::TraceView) -> Self {
        Self {
            id: trace.id,
            device: trace.device,
            reason: trace.reason,
            at: time_out(trace.at),
        }
    }
}

impl From<core::RequestView> for Request {
    fn from(request: core::RequestView) -> Self {
        let state = match request.state {
            core::RequestState::Running => RequestState::Running,
            core::RequestState::Done { result } => RequestState::Done { result },
            core::RequestState::Failed { code, text } => RequestState::Failed { code, text },
            core::RequestState::Asked { question } => RequestState::Asked {
                question: question.into(),
            },
        };
        Self {
            id: request.id.0,
            kind: request.kind,
            at: time_out(request.at),
            state,
        }
    }
}

impl From<core::HistoryPage> for HistoryPage {
    fn from(page: core::HistoryPage) -> Self {
        Self {
            readings: page.readings.into_iter().map(Into::into).collect(),
            next: page.next.map(|cursor| cursor.0),
        }
    }
}

impl From<core::ReadingView> for Reading {
    fn from(reading: core::ReadingView) -> Self {
        Self {
            id: reading.id,
            kind: reading.kind,
            effective: reading.effective.map(time_out),
            effective_sure: reading.effective_sure,
            received: time_out(reading.received),
            typed: reading.typed,
            values: reading.values.into_iter().map(Into::into).collect(),
            details: reading.details.into_iter().map(Into::into).collect(),
            status: reading.status,
            doubts: reading.doubts,
            possibly_same_as: reading.possibly_same_as,
            stage: match reading.stage {
                core::Stage::KeptHere => Stage::KeptHere,
                core::Stage::Waiting => Stage::Waiting,
                core::Stage::AtThePostOffice => Stage::AtThePostOffice,
                core::Stage::AtTheClinic => Stage::AtTheClinic,
                core::Stage::LookedAt => Stage::LookedAt,
            },
            stored_at: reading.stored_at.map(time_out),
            seen_at: reading.seen_at.map(time_out),
            whose: match reading.whose {
                core::Whose::Mine => Whose::Mine,
                core::Whose::Asked => Whose::Asked,
                core::Whose::SomebodyElses => Whose::SomebodyElses,
            },
            said_at: reading.said_at.map(time_out),
            said_stored_at: reading.said_stored_at.map(time_out),
        }
    }
}

impl From<core::DetailView> for Detail {
    fn from(detail: core::DetailView) -> Self {
        Self {
            name: detail.name,
            code: detail.code,
            word: detail.word,
        }
    }
}

impl From<core::ValueView> for Value {
    fn from(value: core::ValueView) -> Self {
        Self {
            name: value.name,
            value: value.value,
            absent: value.absent,
            unit: value.unit,
        }
    }
}

impl From<core::Changes> for Changes {
    fn from(changes: core::Changes) -> Self {
        Self {
            revision: changes.revision.0,
            topics: changes.topics.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<core::DrainReport> for DrainReport {
    fn from(report: core::DrainReport) -> Self {
        Self {
            handed_over: report.handed_over,
            collected: report.collected,
            still_waiting: report.still_waiting,
            trouble: report.trouble,
        }
    }
}

impl TryFrom<vault::RecoverySheet> for RecoverySheet {
    type Error = TelewardError;
    fn try_from(sheet: vault::RecoverySheet) -> Result<Self, TelewardError> {
        let fault = |_| TelewardError::Fault {
            reason: "the recovery sheet could not be drawn".to_owned(),
        };
        let qr_svg = sheet.qr_svg().map_err(fault)?.expose().clone();
        Ok(Self {
            words: sheet.words().expose().clone(),
            qr_svg,
        })
    }
}
