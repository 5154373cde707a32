//! The Generic Health Sensor Service's frames for `teleward decode`: one notification at a time. A record that is one
//! segment is read; of a longer one only the segment can be told.

use super::{Entry, Fields, elapsed_time, names, text};
use crate::bytes::DecodeError;
use crate::health_sensor::{
    HealthObservation, HealthSensorFeatures, HealthSensorResult, Item, Part, Segment,
    StoredObservation, Value as Observed,
};
use reading::to_hex;
use serde_json::{Map, Value};

/// What this family can print.
pub(super) const ENTRIES: [Entry; 4] = [
    Entry {
        characteristic: 0x2b8b,
        kind: "health_observation",
        about: "Live Health Observations, one notification",
        fields: live,
    },
    Entry {
        characteristic: 0x2bdd,
        kind: "stored_health_observation",
        about: "Stored Health Observations, one notification",
        fields: stored,
    },
    Entry {
        characteristic: 0x2bf3,
        kind: "health_sensor_features",
        about: "Health Sensor Features",
        fields: features,
    },
    Entry {
        characteristic: 0x2bf4,
        kind: "health_sensor_control",
        about: "GHS Control Point, what a sensor answers",
        fields: control,
    },
];

fn live(frame: &[u8]) -> Result<Fields, DecodeError> {
    let segment = Segment::decode(frame)?;
    whole(segment, |record| {
        HealthObservation::decode(record).map(|read| observation(&read))
    })
}

fn stored(frame: &[u8]) -> Result<Fields, DecodeError> {
    let segment = Segment::decode(frame)?;
    whole(segment, |record| {
        let read = StoredObservation::decode(record)?;
        let mut fields: Fields = vec![("record_number", text(read.record_number))];
        fields.extend(observation(&read.observation));
        Ok(fields)
    })
}

fn whole(
    segment: Segment<'_>,
    read: impl FnOnce(&[u8]) -> Result<Fields, DecodeError>,
) -> Result<Fields, DecodeError> {
    let mut fields: Fields = vec![
        ("segment_first", segment.first.into()),
        ("segment_last", segment.last.into()),
        ("segment_counter", text(segment.counter)),
    ];
    if segment.first && segment.last {
        fields.extend(read(segment.piece)?);
    } else {
        fields.push(("piece", to_hex(segment.piece).into()));
    }
    Ok(fields)
}

fn observation(read: &HealthObservation) -> Fields {
    let mut fields: Fields = vec![("class", text(read.value.class()))];
    fields.extend(read.kind.map(|kind| ("type", text(kind))));
    if let Some(time) = read.time {
        fields.push(("time", object(elapsed_time::time(time))));
    }
    fields.extend(read.duration_s.map(|s| ("duration_s", text(s))));
    if let Some(status) = read.status {
        fields.push(("status", names(status.names())));
        if status.reserved() != 0 {
            let bits = to_hex(&status.reserved().to_be_bytes());
            fields.push(("status_reserved", bits.into()));
        }
    }
    fields.extend(read.id.map(|id| ("observation_id", text(id))));
    fields.extend(read.patient.map(|patient| ("patient", text(patient))));
    let lists = [
        ("supplemental_types", &read.supplemental),
        ("derived_from", &read.derived_from),
        ("member_of", &read.member_of),
    ];
    for (name, list) in lists {
        fields.extend(list.as_ref().map(|list| (name, texts(list))));
    }
    fields.extend(read.extras.as_ref().map(|list| ("extras", items(list))));
    fields.extend(value(&read.value));
    fields
}

fn value(read: &Observed) -> Fields {
    match read {
        Observed::Numeric { unit, value } => {
            vec![("unit", text(unit)), ("value", text(value))]
        }
        Observed::Discrete(code) => vec![("value", text(code))],
        Observed::Text(said) => vec![("text", said.as_str().into())],
        Observed::Samples(array) => vec![
            ("unit", text(array.unit)),
            ("scale", text(array.scale)),
            ("offset", text(array.offset)),
            ("period_s", text(array.period_s)),
            ("samples_per_period", text(array.per_period)),
            ("sample_bytes", text(array.sample_size)),
            ("samples", to_hex(&array.data).into()),
        ],
        Observed::Events(codes) => vec![("events", texts(codes))],
        Observed::State(state) => vec![
            ("supported", to_hex(&state.supported).into()),
            ("states", to_hex(&state.states).into()),
            ("bits", to_hex(&state.bits).into()),
        ],
        Observed::Compound(parts) => {
            vec![("parts", parts.iter().map(part).collect::<Vec<_>>().into())]
        }
        Observed::Items(list) => vec![("items", items(list))],
        Observed::Bundle(members) => {
            let members = members.iter().map(|one| object(observation(one)));
            vec![("observations", members.collect::<Vec<_>>().into())]
        }
    }
}

fn part(part: &Part) -> Value {
    let mut fields: Fields = vec![
        ("type", text(part.kind)),
        ("class", text(part.value.class())),
    ];
    fields.extend(value(&part.value));
    object(fields)
}

fn items(list: &[Item]) -> Value {
    let item = |item: &Item| {
        object(vec![
            ("type", text(item.kind)),
            ("format", text(item.format)),
            ("bytes", to_hex(&item.bytes).into()),
        ])
    };
    list.iter().map(item).collect::<Vec<_>>().into()
}

fn texts(codes: &[u32]) -> Value {
    codes.iter().map(text).collect::<Vec<_>>().into()
}

fn object(fields: Fields) -> Value {
    let named = |(name, value): (&str, Value)| (name.to_owned(), value);
    Value::Object(fields.into_iter().map(named).collect::<Map<_, _>>())
}

fn features(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = HealthSensorFeatures::decode(frame)?;
    let mut fields: Fields = vec![("types", texts(&read.types))];
    if let Some(list) = read.specialisations {
        let list: Vec<Value> = list.iter().map(|one| to_hex(one).into()).collect();
        fields.push(("specialisations", list.into()));
    }
    Ok(fields)
}

fn control(frame: &[u8]) -> Result<Fields, DecodeError> {
    let read = HealthSensorResult::decode(frame)?;
    Ok(vec![("result", text(read.code()))])
}
