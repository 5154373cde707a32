//! Observations spoilt in one place.

use super::{LINK, gateway, kinds};
use teleward_reading::fhir::FhirError;
use teleward_reading::json::{self, Json};
use teleward_reading::to_observation;

pub const QUANTITY: &str = "component.0.valueQuantity";
pub const OWN: &str = "extension.1.extension";

pub type Change = fn(&mut Json);
pub const ABSENT: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

pub fn at<'a>(json: &'a mut Json, path: &str) -> &'a mut Json {
    path.split('.')
        .filter(|part| !part.is_empty())
        .fold(json, |json, part| match json {
            Json::List(items) => &mut items[part.parse::<usize>().unwrap()],
            Json::Object(members) => {
                &mut members
                    .iter_mut()
                    .find(|(known, _)| known == part)
                    .unwrap()
                    .1
            }
            _ => panic!("{part}: neither list nor object"),
        })
}

pub fn set(json: &mut Json, path: &str, name: &str, value: Json) {
    let Json::Object(members) = at(json, path) else {
        panic!("no object")
    };
    members.retain(|(known, _)| known != name);
    members.push((name.to_owned().into(), value));
}

pub fn cut(json: &mut Json, path: &str, name: &str) {
    let Json::Object(members) = at(json, path) else {
        panic!("no object")
    };
    let before = members.len();
    members.retain(|(known, _)| known != name);
    assert_eq!(members.len() + 1, before, "{name}");
}

pub fn push(json: &mut Json, path: &str, value: Json) {
    let Json::List(items) = at(json, path) else {
        panic!("no list")
    };
    items.push(value);
}

pub fn remove(json: &mut Json, path: &str, n: usize) {
    let Json::List(items) = at(json, path) else {
        panic!("no list")
    };
    items.remove(n);
}

pub fn text(value: &str) -> Json {
    Json::text(value.to_owned())
}

pub fn number(token: &str) -> Json {
    Json::number(token.to_owned())
}

/// Changes a part of our extension that is there; ours is the last one.
pub fn own(json: &mut Json, name: &str, kind: &str, value: Json) {
    let last = at(json, "extension").items().len() - 1;
    let Json::List(parts) = at(json, &format!("extension.{last}.extension")) else {
        panic!("no list")
    };
    let of_name = |part: &&mut Json| part.get("url") == Some(&text(name));
    set(parts.iter_mut().find(of_name).unwrap(), "", kind, value);
}

pub fn base(name: &str) -> Json {
    let all = kinds();
    let (_, reading) = all.iter().find(|(known, _)| *known == name).unwrap();
    json::parse(&to_observation(reading, LINK, &gateway())).unwrap()
}

/// The name of an error.
pub fn kind(error: &FhirError) -> String {
    let debug = format!("{error:?}");
    debug.split([' ', '(']).next().unwrap().to_owned()
}
