"""The second judge, and the maker of spoilt copies.

`judge.py check DIR` parses every FHIR R4 resource in a folder with fhir.resources (R4B); exit 1 when one does not parse.
`judge.py spoil DIR OUT` writes, for every resource and every way to spoil one, a copy into OUT that no judge may pass:
a judge that passes them all proves nothing.
"""

import copy
import json
import pathlib
import sys


def check(folder: pathlib.Path) -> bool:
    from fhir.resources.R4B import get_fhir_model_class

    fine = True
    for file in sorted(folder.glob("*.json")):
        resource = json.loads(file.read_text())
        try:
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        except Exception as error:  # pydantic's and the library's own have no common base
            fine = False
            print(f"{file}: NOT VALID: {error}")
        else:
            print(f"{file}: valid")
    return fine


def first_quantity(resource: dict) -> dict:
    values = [part["valueQuantity"] for part in resource.get("component", []) if "valueQuantity" in part]
    return values[0] if values else resource["valueQuantity"]


def no_status(resource: dict) -> None:
    del resource["status"]


def unknown_status(resource: dict) -> None:
    resource["status"] = "done"


def no_code(resource: dict) -> None:
    del resource["code"]


def no_category(resource: dict) -> None:
    # Only the core profiles of vital signs ask for one.
    if not any("hl7.org/fhir/StructureDefinition/" in profile for profile in resource["meta"]["profile"]):
        raise KeyError("category")
    del resource["category"]


def unknown_member(resource: dict) -> None:
    resource["mood"] = "fine"


def impossible_date(resource: dict) -> None:
    resource["effectiveDateTime"] = "2026-02-30T08:00:00+01:00"


def date_without_zone(resource: dict) -> None:
    resource["effectiveDateTime"] = "2026-02-03T08:00:00"


def number_as_text(resource: dict) -> None:
    first_quantity(resource)["value"] = "120"


def wrong_unit(resource: dict) -> None:
    first_quantity(resource)["code"] = "mmHg"


def unit_without_system(resource: dict) -> None:
    del first_quantity(resource)["system"]


def value_and_reason_for_none(resource: dict) -> None:
    reason = {"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "error"}
    resource["valueString"] = "there is one"
    resource["dataAbsentReason"] = {"coding": [reason]}


def empty_list(resource: dict) -> None:
    resource["note"] = []


WAYS = [
    no_status,
    unknown_status,
    no_code,
    no_category,
    unknown_member,
    impossible_date,
    date_without_zone,
    number_as_text,
    wrong_unit,
    unit_without_system,
    value_and_reason_for_none,
    empty_list,
]


def spoil(folder: pathlib.Path, out: pathlib.Path) -> bool:
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("*.json"):
        old.unlink()
    made = 0
    for file in sorted(folder.glob("*.json")):
        resource = json.loads(file.read_text())
        if resource["resourceType"] != "Observation":
            continue
        for way in WAYS:
            worse = copy.deepcopy(resource)
            try:
                way(worse)
            except (KeyError, StopIteration):
                continue  # what this way would spoil is not there, as in a measurement that failed
            (out / f"{file.stem}-{way.__name__}.json").write_text(json.dumps(worse, indent=1))
            made += 1
    print(f"{made} spoilt copies in {out}")
    return made >= len(WAYS)


def main(words: list[str]) -> int:
    match words:
        case ["check", folder]:
            return 0 if check(pathlib.Path(folder)) else 1
        case ["spoil", folder, out]:
            return 0 if spoil(pathlib.Path(folder), pathlib.Path(out)) else 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
