"""The cases of strap, body scale, glucose sensor and health sensor: paired, and readings with the digits that were sent."""

from datetime import timedelta

from .body_scale import BodyScale
from .cgm import Cgm
from .home import Home, case, same
from .sensor import MDC_SPO2, UNIT_PERCENT, Sensor
from .strap import Strap

# A strap is listened to for half a minute of the guest's, and begins anew when it was silent for long.
TO_MEASURE = 400


# REQ-RADIO-060
@case("strap", "a strap that is worn: half a minute of it is one reading, and then it is left alone", long=True)
async def strap(home: Home) -> None:
    device = await home.paired(Strap)
    device.worn = 61
    home.expect("heart_rate", heart_rate=61)
    await home.sessions("done", device=device, patience=TO_MEASURE)
    device.worn = None
    await home.arrived()


# REQ-RADIO-061
@case("body_scale", "a body scale's weighing in one packet, and another in two", long=True)
async def body_scale(home: Home) -> None:
    device = await home.bring(BodyScale)
    device.weigh(231, 402, 38_000, 71_345)
    home.expect("body_composition", fat_percent="23.1", muscle_percent="40.2", body_water_mass="38.000", weight="71.345")
    await home.paired(BodyScale)
    await home.arrived()
    device.weigh(228, 405, 38_105, 70_980, packets=2)
    home.expect("body_composition", fat_percent="22.8", muscle_percent="40.5", body_water_mass="38.105", weight="70.980")
    await home.sessions("done", device=device)
    await home.arrived()


# REQ-RADIO-062
@case("cgm", "a glucose sensor's memory is taken at pairing, and later what it measured since; times are its session's", long=True)
async def cgm(home: Home) -> None:
    device = await home.bring(Cgm)
    device.started = device.now().replace(microsecond=0) - timedelta(hours=1)
    for minute in range(5, 25, 5):
        device.measure(100 + minute, minute)
        home.expect("glucose_cgm", glucose=100 + minute)
    await home.paired(Cgm)
    await home.arrived()
    device.measure(131, 55)
    home.expect("glucose_cgm", glucose=131)
    await home.sessions("done", device=device)
    await home.arrived()
    effective = await home.clinic.effective({"glucose": "131"})
    away = abs(effective - device.started - timedelta(minutes=55))
    same(True, away < timedelta(minutes=2), f"minute 55 of the session, shown as {effective}: near")


# REQ-RADIO-063
@case("sensor", "a health sensor's stored observations, in segments, are taken at pairing, and later the new one", long=True)
async def sensor(home: Home) -> None:
    device = await home.bring(Sensor)
    now = device.now()
    for n in range(3):
        device.observe(MDC_SPO2, f"{98 - n}.5", UNIT_PERCENT, now - timedelta(minutes=10 - n))
        home.expect("spo2", spo2=f"{98 - n}.5", pulse_rate=None)
    await home.paired(Sensor)
    await home.arrived()
    device.observe(MDC_SPO2, "94.5", UNIT_PERCENT)
    home.expect("spo2", spo2="94.5", pulse_rate=None)
    await home.sessions("done", device=device)
    await home.arrived()
