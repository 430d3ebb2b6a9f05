"""Appointments, health records and symptoms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from harness.benchmarks.apibank.data import database
from harness.benchmarks.apibank.records import Refused
from harness.benchmarks.apibank.rules import (
    DAY,
    MOMENT,
    date,
    folded,
    inputs,
    moment,
    optional_date,
    optional_text,
    padded_year,
    plausible_end,
    shouted,
    stripped,
    symptom,
)
from harness.benchmarks.apibank.tools import tool


def require_time(text: str, form: str) -> datetime:
    """A time, its year padded to four digits.

    Raises:
        Refused: The text is none.
    """
    try:
        return datetime.strptime(padded_year(text), form)
    except ValueError:
        raise Refused("no time") from None


def _printed(text: str) -> str:
    return require_time(text, DAY).strftime(DAY)


@tool(inputs(plausible_end, patient_name=stripped, date=date, doctor_name=stripped))
def appointment_registration(patient_name: str, date: str, doctor_name: str) -> str:
    """A new appointment's id, upstream a random one."""
    if not patient_name.strip() or not doctor_name.strip():
        raise Refused("no name")
    if _appointments(patient_name, date):
        raise Refused("the patient has an appointment on this day")
    return ""


@tool(inputs(patient_name=stripped, date=date))
def query_registration(patient_name: str, date: str) -> Mapping[str, Any]:
    """A patient's appointments on a day."""
    if not (found := _appointments(patient_name, date)):
        raise Refused("no appointment")
    return found


def _appointments(patient: str, day: str) -> Mapping[str, Any]:
    name, wanted = patient.strip(), _printed(day)
    known = database("Appointments").items()
    return {key: each for key, each in known if each["patient_name"] == name and _printed(each["date"]) == wanted}


@tool(inputs(appointment_id=stripped))
def cancel_registration(appointment_id: str) -> str:
    """Cancel an appointment."""
    _appointment(appointment_id)
    return "success"


@tool(inputs(appointment_id=stripped, new_appointment_date=optional_date, new_appointment_doctor=optional_text))
def modify_registration(
    appointment_id: str,
    new_appointment_date: str | None = None,
    new_appointment_doctor: str | None = None,
) -> str:
    """Give an appointment another day, another doctor, or both."""
    booked = _appointment(appointment_id)
    wanted: dict[str, str] = {}
    if new_appointment_date is not None:
        wanted["date"] = _printed(new_appointment_date)
    if new_appointment_doctor is not None:
        wanted["doctor_name"] = new_appointment_doctor.strip()
    if not wanted or any(not value or booked[name] == value for name, value in wanted.items()):
        raise Refused("nothing to change")
    return "success"


def _appointment(text: str) -> Mapping[str, Any]:
    booked: Mapping[str, Any] | None = database("Appointments").get(text.strip())
    if booked is None:
        raise Refused("unknown appointment")
    return booked


@tool(inputs(user_id=shouted, start_time=moment, end_time=moment))
def query_health_data(user_id: str, start_time: str, end_time: str) -> list[Any]:
    """A user's records of a span of time."""
    first, last = require_time(start_time, MOMENT), require_time(end_time, MOMENT)
    kept = database("HealthData").get(shouted(user_id), ())
    found = [record for record in kept if first <= datetime.strptime(record["time"], MOMENT) <= last]
    if not found:
        raise Refused("no records")
    return found


@tool(inputs(user_id=shouted, time=moment))
def record_health_data(user_id: str, time: str, health_data: list[Any] | None = None) -> str:
    """Refused always: upstream is handed the text of the list and walks through its characters."""
    raise Refused("the records are not a list")


@tool(inputs(symptom=symptom))
def symptom_search(symptom: str) -> list[dict[str, str]]:
    """Diseases with a symptom, described."""
    return _diseases(symptom, "description")


@tool(inputs(symptom=symptom))
def emergency_knowledge(symptom: str) -> list[dict[str, str]]:
    """Diseases with a symptom, with first aid."""
    return _diseases(symptom, "aid")


def _diseases(text: str, about: str) -> list[dict[str, str]]:
    found = database("Symptom").get(folded(text))
    if found is None:
        raise Refused("unknown symptom")
    return [{"name": each["name"], about: each[about]} for each in found]
