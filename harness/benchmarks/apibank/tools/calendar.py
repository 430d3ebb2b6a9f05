"""Agenda, alarms, reminders and meetings: the entries of the user who has the token."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from harness.benchmarks.apibank.data import database
from harness.benchmarks.apibank.records import Refused
from harness.benchmarks.apibank.rules import MOMENT, deletion, meeting, whole_input, worded
from harness.benchmarks.apibank.tools import tool
from harness.benchmarks.apibank.tools.accounts import user_of

Entry = Mapping[str, Any]


def require_moment(*times: str) -> None:
    """Refuse what is not a time as `2023-03-05 06:07:08`."""
    for time in times:
        try:
            datetime.strptime(time, MOMENT)
        except ValueError:
            raise Refused("no time") from None


def require_text(text: str) -> None:
    """Refuse blanks only."""
    if not text.strip():
        raise Refused("empty text")


def entry_of(table: str, token: str, fits: Callable[[Entry], bool]) -> Entry:
    """A user's first entry that fits.

    Args:
        table: Name of the database.
        token: The user's.
        fits: Whether an entry is meant.

    Returns:
        The entry.

    Raises:
        Refused: The token is unknown, or no entry fits.
    """
    user = user_of(token)
    for entry in database(table).values():
        if entry["username"] == user and fits(entry):
            found: Entry = entry
            return found
    raise Refused("no such entry")


def _about(content: str, time: str) -> Callable[[Entry], bool]:
    return lambda entry: entry["content"] == content or entry["time"] == time


@tool(worded("time", "location"))
def add_agenda(token: str, content: str, time: str, location: str) -> str:
    """Add an entry."""
    require_moment(time)
    require_text(content)
    user_of(token)
    return "success"


@tool(worded("time", "location"))
def modify_agenda(token: str, content: str, time: str, location: str) -> str:
    """Change the entry that has the content or the time."""
    require_moment(time)
    entry_of("Agenda", token, _about(content, time))
    return "success"


@tool(deletion)
def delete_agenda(token: str, content: str, time: str, location: str) -> str:
    """Delete the entry that has the content or the time."""
    require_moment(time)
    entry_of("Agenda", token, _about(content, time))
    return "success"


@tool(worded("time", "location"))
def query_agenda(token: str, content: str, time: str, location: str) -> Entry:
    """The entry that has the content or the time."""
    require_moment(time)
    return entry_of("Agenda", token, _about(content, time))


@tool(worded("time", lower=True))
def add_reminder(token: str, content: str, time: str) -> str:
    """Add a reminder."""
    require_moment(time)
    require_text(content)
    user_of(token)
    return "success"


@tool(worded("time", lower=True))
def modify_reminder(token: str, content: str, time: str) -> str:
    """Change the reminder that has the content or the time."""
    query_reminder(token, content, time)
    return "success"


@tool(deletion)
def delete_reminder(token: str, content: str, time: str) -> str:
    """Delete the reminder that has the content or the time."""
    query_reminder(token, content, time)
    return "success"


@tool(worded("time", lower=True))
def query_reminder(token: str, content: str, time: str) -> Entry:
    """The reminder that has the content or the time."""
    require_moment(time)
    require_text(content)
    return entry_of("Reminder", token, _about(content, time))


@tool(whole_input)
def add_alarm(token: str, time: str) -> str:
    """Set an alarm."""
    require_moment(time)
    user_of(token)
    return "success"


@tool(whole_input)
def delete_alarm(token: str, time: str) -> str:
    """Delete the alarm at a time."""
    query_alarm(token, time)
    return "success"


@tool(whole_input)
def modify_alarm(token: str, from_time: str, to_time: str) -> str:
    """Move the alarm at a time."""
    require_moment(to_time)
    query_alarm(token, from_time)
    return "success"


@tool(whole_input)
def query_alarm(token: str, time: str) -> Entry:
    """The alarm at a time."""
    require_moment(time)
    return entry_of("Alarm", token, lambda entry: entry["time"] == time)


@tool(meeting)
def add_meeting(
    token: str, meeting_topic: str, start_time: str, end_time: str, location: str, attendees: list[str]
) -> str:
    """Book a meeting."""
    require_moment(start_time, end_time)
    require_text(meeting_topic)
    user_of(token)
    return "success"


@tool(meeting)
def modify_meeting(
    token: str, meeting_topic: str, start_time: str, end_time: str, location: str, attendees: list[str]
) -> str:
    """Change the meeting that has the topic or the start."""
    query_meeting(token, meeting_topic, start_time, end_time, location, attendees)
    return "success"


@tool(deletion)
def delete_meeting(
    token: str, meeting_topic: str, start_time: str, end_time: str, location: str, attendees: list[str]
) -> str:
    """Delete the meeting that has the topic or the start."""
    query_meeting(token, meeting_topic, start_time, end_time, location, attendees)
    return "success"


@tool(meeting)
def query_meeting(
    token: str, meeting_topic: str, start_time: str, end_time: str, location: str, attendees: list[str]
) -> Entry:
    """The meeting that has the topic or the start."""
    require_moment(start_time, end_time)

    def fits(entry: Entry) -> bool:
        return bool(entry["meeting_topic"] == meeting_topic or entry["start_time"] == start_time)

    return entry_of("Meeting", token, fits)
