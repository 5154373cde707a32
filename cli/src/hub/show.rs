//! What a hub shows: the same records as JSON for scripts and as text for people.

use std::fmt::Write as _;

use companion::{
    DeviceView, FoundView, LinkState, LinkView, QuestionView, QueueView, ReadingView, RequestId,
    RequestState, RequestView, Status, TraceView, Whose,
};
use serde_json::{Value, json};

use super::ask::Ask;

/// So much of a reading's id is shown to people; it is enough to name one.
const SHORT_ID: usize = 12;

/// A link's state in one word.
pub fn link_state(state: LinkState) -> &'static str {
    match state {
        LinkState::Joining => "joining",
        LinkState::Joined => "joined",
        LinkState::Pending => "pending",
        LinkState::Confirmed => "confirmed",
        LinkState::Ended => "ended",
    }
}

/// The link to the clinic.
pub fn link(link: &LinkView) -> Value {
    json!({
        "up": link.up.to_string(),
        "state": link_state(link.state),
        "check_words": link.check_words,
        "check_digits": link.check_digits,
        "clinic": link.clinic,
        "clinic_phone": link.clinic_phone,
        "heard_at": link.heard_at.map(|at| at.to_string()),
        "next_by": link.next_by.map(|at| at.to_string()),
        "has_recovery": link.has_recovery,
        "trouble": link.trouble,
    })
}

/// One device.
pub fn device(device: &DeviceView) -> Value {
    json!({
        "id": device.id,
        "name": device.name,
        "maker": device.maker,
        "model": device.model,
        "serial_tail": device.serial_tail,
        "state": device.state,
        "last_seen": device.last_seen.map(|at| at.to_string()),
        "last_ending": device.last_ending,
        "last_ending_text": device.last_ending_text,
        "last_ended": device.last_ended.map(|at| at.to_string()),
        "battery_percent": device.battery_percent,
        "bonded": device.bonded,
        "synced_at": device.synced_at.map(|at| at.to_string()),
        "clock_behind_ms": device.clock_behind_ms,
        "clock_read_at": device.clock_read_at.map(|at| at.to_string()),
        "users": device.users.iter().map(|user| json!({ "user": user.slot, "person": user.person.name() })).collect::<Vec<_>>(),
        "only_me": device.only_me,
        "notices": device.notices.iter().map(|notice| json!({ "code": notice.code, "text": notice.text })).collect::<Vec<_>>(),
    })
}

/// One device that is near.
pub fn found(found: &FoundView) -> Value {
    json!({
        "id": found.id,
        "name": found.name,
        "family": found.family,
        "how_to_pair": found.how_to_pair,
        "signal_dbm": found.signal_dbm,
        "paired": found.paired,
    })
}

/// One session that was written down.
pub fn trace(trace: &TraceView) -> Value {
    json!({
        "number": trace.id,
        "device": trace.device,
        "ended": trace.reason,
        "at": trace.at.to_string(),
    })
}

/// Everything but readings.
pub fn status(
    status: &Status,
    devices: &[DeviceView],
    queue: &QueueView,
    requests: &[RequestView],
) -> Value {
    json!({
        "install": status.install.to_string(),
        "locked": status.locked,
        "spooled": status.spooled,
        "link": status.link.as_ref().map(link),
        "relay_reached_at": status.relay_reached_at.map(|at| at.to_string()),
        "relay_trouble": status.relay_trouble,
        "devices": devices.iter().map(device).collect::<Vec<_>>(),
        "queue": {
            "waiting": queue.waiting,
            "at_post_office": queue.at_post_office,
            "at_clinic": queue.at_clinic,
            "stuck": queue.stuck,
            "oldest": queue.oldest.map(|at| at.to_string()),
            "last_receipt": queue.last_receipt.map(|at| at.to_string()),
            "last_acknowledgement": queue.last_acknowledgement.map(|at| at.to_string()),
            "trouble": queue.trouble,
        },
        "questions": questions(requests).map(|(id, question)| self::question(id, question)).collect::<Vec<_>>(),
        "findings": status.findings.iter().map(|finding| json!({ "code": finding.code, "text": finding.text, "at": finding.at.to_string() })).collect::<Vec<_>>(),
    })
}

/// The questions among the requests.
pub fn questions(requests: &[RequestView]) -> impl Iterator<Item = (RequestId, &QuestionView)> {
    requests.iter().filter_map(|request| match &request.state {
        RequestState::Asked { question } => Some((request.id, question)),
        _ => None,
    })
}

/// One question to the patient.
pub fn question(id: RequestId, question: &QuestionView) -> Value {
    json!({
        "number": id.0,
        "device": question.device,
        "device_name": question.device_name,
        "user": question.user,
        "readings": question.readings,
        "text": question.text,
    })
}

fn whose(whose: Whose) -> &'static str {
    match whose {
        Whose::Mine => "me",
        Whose::Asked => "asked",
        Whose::SomebodyElses => "somebody_else",
    }
}

/// One reading, with its values.
pub fn reading(reading: &ReadingView) -> Value {
    let values: serde_json::Map<String, Value> = reading
        .values
        .iter()
        .map(|value| {
            let shown = value
                .value
                .clone()
                .or_else(|| value.absent.clone())
                .unwrap_or_default();
            (
                value.name.clone(),
                json!({ "value": shown, "unit": value.unit }),
            )
        })
        .collect();
    json!({
        "id": reading.id,
        "kind": reading.kind,
        "effective": reading.effective.map(|at| at.to_string()),
        "effective_sure": reading.effective_sure,
        "received": reading.received.to_string(),
        "typed": reading.typed,
        "values": values,
        "status": reading.status,
        "doubts": reading.doubts,
        "possibly_same_as": reading.possibly_same_as,
        "stage": reading.stage.words(),
        "stored_at": reading.stored_at.map(|at| at.to_string()),
        "seen_at": reading.seen_at.map(|at| at.to_string()),
        "person": whose(reading.whose),
        "said_at": reading.said_at.map(|at| at.to_string()),
        "said_stored_at": reading.said_stored_at.map(|at| at.to_string()),
    })
}

/// An answer for people.
pub fn text(ask: &Ask, answer: &Value) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = match ask {
        Ask::Join { recovery_sheet, .. } => {
            write_joined(&mut out, answer, recovery_sheet.is_some())
        }
        Ask::Pair { .. } => writeln!(
            out,
            "Paired with {} ({}). `teleward hub run` reads it whenever it shows.",
            word(&answer["name"]),
            word(&answer["id"])
        ),
        Ask::Status => write_status(&mut out, answer),
        Ask::Look { .. } => write_found(&mut out, answer),
        Ask::Digits { .. } => writeln!(out, "Sent to the device."),
        Ask::AreDigitsWanted => writeln!(out, "{}", answer["wanted"]),
        Ask::Trace { number: Some(_) } => {
            out.push_str(answer["trace"].as_str().unwrap_or_default());
            Ok(())
        }
        Ask::Trace { number: None } => write_traces(&mut out, answer),
        Ask::History { .. } => write_history(&mut out, answer),
        Ask::Answer { .. } | Ask::User { .. } => write_settled(&mut out, answer),
        Ask::Register { .. } => writeln!(
            out,
            "Kept. It is done when the device shows next: see `teleward hub status` then."
        ),
        Ask::Readings { .. } => writeln!(out, "Kept. The clinic is told."),
    };
    out
}

fn write_joined(out: &mut String, link: &Value, sheet: bool) -> std::fmt::Result {
    writeln!(
        out,
        "Joined {}: {}.",
        word(&link["clinic"]),
        standing(&link["state"])
    )?;
    write_check_words(out, link)?;
    if sheet {
        writeln!(
            out,
            "Print the recovery sheet now, and then delete its file."
        )?;
    }
    writeln!(out, "Next: `teleward hub pair`, then `teleward hub run`.")
}

fn write_status(out: &mut String, status: &Value) -> std::fmt::Result {
    match &status["link"] {
        Value::Null => writeln!(out, "not joined to a clinic yet: teleward hub join INVITE")?,
        link => {
            writeln!(
                out,
                "clinic   {}: {}",
                word(&link["clinic"]),
                standing(&link["state"])
            )?;
            if ["joined", "pending"]
                .iter()
                .any(|state| link["state"] == *state)
            {
                write_check_words(out, link)?;
            }
        }
    }
    let queue = &status["queue"];
    writeln!(
        out,
        "mail     {} waiting, {} at the post office, {} at the clinic",
        queue["waiting"], queue["at_post_office"], queue["at_clinic"]
    )?;
    for (name, value) in [
        ("oldest", &queue["oldest"]),
        ("receipt", &queue["last_receipt"]),
        ("stored", &queue["last_acknowledgement"]),
        ("trouble", &queue["trouble"]),
        ("relay", &status["relay_trouble"]),
        ("clinic", &status["link"]["trouble"]),
    ] {
        if !value.is_null() {
            writeln!(out, "{name:<8} {}", word(value))?;
        }
    }
    for device in status["devices"].as_array().into_iter().flatten() {
        write_device(out, device)?;
    }
    for question in status["questions"].as_array().into_iter().flatten() {
        writeln!(
            out,
            "question {}  {} `teleward hub answer {} me` or `… somebody-else`",
            question["number"],
            word(&question["text"]),
            question["number"]
        )?;
    }
    for finding in status["findings"].as_array().into_iter().flatten() {
        writeln!(out, "finding  {}", word(&finding["text"]))?;
    }
    Ok(())
}

fn write_found(out: &mut String, answer: &Value) -> std::fmt::Result {
    let found = answer["found"].as_array().cloned().unwrap_or_default();
    if found.is_empty() {
        return writeln!(
            out,
            "nothing near: take a measurement, or put the device into pairing mode (see its leaflet), and look again"
        );
    }
    for device in found {
        let paired = if device["paired"] == true {
            "paired"
        } else {
            "not paired"
        };
        let name = if device["name"].is_null() {
            "without a name".to_owned()
        } else {
            word(&device["name"])
        };
        writeln!(
            out,
            "{}  {name}, {}, {paired}",
            word(&device["id"]),
            word(&device["family"])
        )?;
        for step in device["how_to_pair"].as_array().into_iter().flatten() {
            writeln!(out, "    {}", word(step))?;
        }
    }
    writeln!(out, "Next: `teleward hub pair --device ID`.")
}

fn write_traces(out: &mut String, answer: &Value) -> std::fmt::Result {
    let traces = answer["traces"].as_array().cloned().unwrap_or_default();
    if traces.is_empty() {
        return writeln!(out, "no sessions yet");
    }
    for trace in traces {
        writeln!(
            out,
            "{:>4}  {}  {}  {}",
            trace["number"],
            word(&trace["at"]),
            word(&trace["device"]),
            word(&trace["ended"])
        )?;
    }
    Ok(())
}

fn write_settled(out: &mut String, answer: &Value) -> std::fmt::Result {
    match answer["readings"].as_u64() {
        Some(0) | None => writeln!(out, "Kept for what comes from now on."),
        Some(1) => writeln!(out, "Kept. 1 reading that waited for it is settled."),
        Some(n) => writeln!(out, "Kept. {n} readings that waited for it are settled."),
    }
}

/// What the link's state means to the patient.
fn standing(state: &Value) -> &'static str {
    match state.as_str() {
        Some("joining") => "the invite was read, and the join is under way",
        Some("joined") => "the join was sent, and the clinic has not answered yet",
        Some("pending") => "the clinic has it, and nobody there has confirmed it yet",
        Some("confirmed") => "confirmed",
        Some("ended") => "ended; ask the clinic for a new invite",
        _ => "unknown",
    }
}

fn write_check_words(out: &mut String, link: &Value) -> std::fmt::Result {
    let words: Vec<String> = link["check_words"]
        .as_array()
        .into_iter()
        .flatten()
        .map(word)
        .collect();
    writeln!(
        out,
        "Check words, to be compared with the clinic's screen:\n  {}\nor in digits:\n  {}",
        words.join(" "),
        word(&link["check_digits"])
    )
}

fn write_device(out: &mut String, device: &Value) -> std::fmt::Result {
    writeln!(
        out,
        "device   {} ({}), {}",
        word(&device["name"]),
        word(&device["id"]),
        word(&device["state"])
    )?;
    let bond = if device["bonded"] == true {
        "bonded"
    } else {
        "no bond"
    };
    let battery = device["battery_percent"].as_u64().map_or_else(
        || "battery unknown".to_owned(),
        |percent| format!("battery {percent} %"),
    );
    let sync = match &device["synced_at"] {
        Value::Null => "nothing taken yet".to_owned(),
        at => format!("last sync {}", word(at)),
    };
    writeln!(out, "         {bond}, {battery}, {sync}")?;
    if let Some(behind) = device["clock_behind_ms"].as_i64() {
        writeln!(
            out,
            "         its clock was {} on {}",
            apart(behind),
            word(&device["clock_read_at"])
        )?;
    }
    if !device["last_ending"].is_null() {
        writeln!(
            out,
            "         last time: {} ({})",
            word(&device["last_ending_text"]),
            word(&device["last_ending"])
        )?;
    }
    for user in device["users"].as_array().into_iter().flatten() {
        let who = match user["person"].as_str() {
            Some("me") => "is you",
            _ => "is somebody else; what they measure stays here",
        };
        writeln!(out, "         its user {} {who}", user["user"])?;
    }
    for notice in device["notices"].as_array().into_iter().flatten() {
        writeln!(out, "         {}", word(&notice["text"]))?;
    }
    Ok(())
}

/// How far apart two clocks are, as a person says it; a cuff's clock counts whole seconds.
fn apart(behind_ms: i64) -> String {
    let seconds = (behind_ms.abs() + 500) / 1000;
    let side = if behind_ms > 0 { "behind" } else { "ahead" };
    match seconds {
        0 | 1 => "right".to_owned(),
        2..120 => format!("{seconds} s {side}"),
        120..7_200 => format!("{} min {side}", seconds / 60),
        7_200..172_800 => format!("{} h {side}", seconds / 3_600),
        _ => format!("{} days {side}", seconds / 86_400),
    }
}

fn write_history(out: &mut String, answer: &Value) -> std::fmt::Result {
    let readings = answer["readings"].as_array().cloned().unwrap_or_default();
    if readings.is_empty() {
        return writeln!(out, "no readings yet");
    }
    for reading in readings {
        let at = if reading["effective"].is_null() {
            "time not sure".to_owned()
        } else {
            word(&reading["effective"])
        };
        let values: Vec<String> = reading["values"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                format!("{name} {} {}", word(&value["value"]), word(&value["unit"]))
            })
            .collect();
        let id: String = word(&reading["id"]).chars().take(SHORT_ID).collect();
        let person = match reading["person"].as_str() {
            Some("asked") => ", was it you?",
            Some("somebody_else") => ", not yours",
            _ => "",
        };
        writeln!(
            out,
            "{id}  {at}  {}  {}{person}",
            values.join(", "),
            word(&reading["stage"])
        )?;
    }
    Ok(())
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(
        || {
            if value.is_null() {
                "unknown".to_owned()
            } else {
                value.to_string()
            }
        },
        str::to_owned,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_apart_in_words() {
        for (behind_ms, words) in [
            (400, "right"),
            (-1_400, "right"),
            (95_000, "95 s behind"),
            (-95_000, "95 s ahead"),
            (360_000, "6 min behind"),
            (7_200_000, "2 h behind"),
            (-31_536_000_000, "365 days ahead"),
        ] {
            assert_eq!(apart(behind_ms), words);
        }
    }

    /// REQ-HUB-002: the hub's status tells bond, battery, last sync and clock of each device, and says what is not known.
    #[test]
    fn a_device_is_told_with_all_that_is_known() {
        let mut out = String::new();
        let known = json!({ "name": "Cuff", "id": "a1", "state": "listening", "bonded": true, "battery_percent": 80,
                            "synced_at": "2026-11-28T10:00:00.000Z", "clock_behind_ms": 360_000,
                            "clock_read_at": "2026-11-28T10:00:00.000Z", "last_ending": "done" });
        write_device(&mut out, &known).unwrap();
        for told in [
            "bonded",
            "80 %",
            "last sync 2026-11-28",
            "6 min behind",
            "done",
        ] {
            assert!(out.contains(told), "{told}: {out}");
        }
        out.clear();
        let unknown = json!({ "name": "Cuff", "id": "a1", "state": "resting", "bonded": false });
        write_device(&mut out, &unknown).unwrap();
        for told in ["no bond", "battery unknown", "nothing taken yet"] {
            assert!(out.contains(told), "{told}: {out}");
        }
        assert!(!out.contains("clock"), "{out}");
    }
}
