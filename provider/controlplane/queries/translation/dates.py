"""Words about time into spans, by the time of the call, in UTC. Pure.

A week starts on Monday. `last week` is the calendar week before this one; `the last 7 days` ends now.
"""

from __future__ import annotations

import re
from calendar import month_name
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from controlplane.queries.translation.words import Place

_MONTHS: Final = {
    name.lower()[:length]: number for number, name in enumerate(month_name) if name for length in (3, len(name))
}
_UNITS: Final = ("minute", "hour", "day", "week", "month", "quarter", "year")
_NUMBERS: Final = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
                   "ten": 10, "twelve": 12}  # fmt: skip
_ISO: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:T(\d{1,2}):(\d{2})(?::(\d{2}))?Z?)?")


@dataclass(frozen=True)
class Span:
    """From `start` (included) to `end` (not included); None is open."""

    start: datetime | None
    end: datetime | None


def take_span(place: Place, now: datetime) -> Span | None:
    """The span that comes next, and move behind it; None, and stay, where none does."""
    began = place.at
    try:
        found = _span(place, now.astimezone(UTC).replace(microsecond=0))
    except (ValueError, OverflowError):  # 31 February, the year 12000
        found = None
    if found is None:
        place.at = began
    return found


def _span(place: Place, now: datetime) -> Span | None:
    word = place.take("since", "from", "starting", "starting from", "on or after")
    if word is not None:
        first = _point(place, now)
        if first is not None and place.take("to", "until", "till", "through"):
            last = _point(place, now)
            return None if last is None else Span(first.start, last.end)
        return first if first is None or word == "from" else Span(first.start, None)
    word = place.take("older than", "newer than", "more than", "less than", "younger than")
    if word is not None:
        age = _age(place, now)
        place.take("old")
        if age is None or (word in ("more than", "less than") and place.take("ago") is None):
            return None
        place.take("ago")
        return Span(None, age) if word in ("older than", "more than") else Span(age, None)
    if place.take("after", "later than"):
        found = _point(place, now)
        return None if found is None else Span(found.end, None)
    if place.take("before", "earlier than"):
        found = _point(place, now)
        return None if found is None else Span(None, found.start)
    if place.take("until", "till", "up to"):
        found = _point(place, now)
        return None if found is None else Span(None, found.end)
    if place.take("between"):
        first = _point(place, now)
        last = _point(place, now) if first is not None and place.take("and") else None
        return None if first is None or last is None else Span(first.start, last.end)
    place.take("on", "in", "during", "within", "for", "over")
    return _point(place, now)


def _point(place: Place, now: datetime) -> Span | None:
    """A day, month, year or span of words that is one thing."""
    place.take("the")
    today = now.replace(hour=0, minute=0, second=0)
    for word, days in (("today", 0), ("yesterday", -1), ("tomorrow", 1)):
        if place.take(word):
            return _days(today + timedelta(days=days), 1)
    which = place.take("this", "current", "last", "past", "previous", "next")
    if which is not None:
        return _relative(place, now, today, which)
    return _calendar(place, now)


def _relative(place: Place, now: datetime, today: datetime, which: str) -> Span | None:
    word = place.peek()
    count = int(word.number) if word.number is not None else _NUMBERS.get(word.lower)
    if count is not None:
        place.next()
        unit = _unit(place)
        if unit is None or which in ("this", "current") or not 0 < count <= 10_000:
            return None
        if which == "next":
            return Span(now, _shifted(now, unit, count))
        return Span(_shifted(now, unit, -count), now + timedelta(seconds=1))
    unit = _unit(place)
    if unit is None or unit == "minute":
        return None
    start = _start_of(now, today, unit)
    step = {"this": 0, "current": 0, "next": 1}.get(which, -1)
    return Span(_shifted(start, unit, step), _shifted(start, unit, step + 1))


def _age(place: Place, now: datetime) -> datetime | None:
    """The time that `a week` or `30 days` before now is."""
    word = place.next()
    count = int(word.number) if word.number is not None else _NUMBERS.get(word.lower)
    unit = _unit(place)
    return None if count is None or unit is None or not 0 < count <= 10_000 else _shifted(now, unit, -count)


def _unit(place: Place) -> str | None:
    word = place.peek().lower
    unit = word.removesuffix("s")
    if unit not in _UNITS:
        return None
    place.next()
    return unit


def _start_of(now: datetime, today: datetime, unit: str) -> datetime:
    match unit:
        case "hour":
            return now.replace(minute=0, second=0)
        case "week":
            return today - timedelta(days=today.weekday())
        case "month":
            return today.replace(day=1)
        case "quarter":
            return today.replace(month=(today.month - 1) // 3 * 3 + 1, day=1)
        case "year":
            return today.replace(month=1, day=1)
    return today


def _shifted(moment: datetime, unit: str, count: int) -> datetime:
    if unit in ("minute", "hour", "day", "week"):
        return moment + count * timedelta(**{f"{unit}s": 1})
    months = moment.year * 12 + moment.month - 1 + count * {"month": 1, "quarter": 3, "year": 12}[unit]
    year, month = divmod(months, 12)
    for day in range(moment.day, 27, -1):  # 31 January and a month: the last of February
        try:
            return moment.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return moment.replace(year=year, month=month + 1)


def _calendar(place: Place, now: datetime) -> Span | None:
    iso = _ISO.fullmatch(place.peek().text)
    if iso is not None:
        place.next()
        day = datetime(int(iso[1]), int(iso[2]), int(iso[3]), tzinfo=UTC)
        if iso[4] is None:
            return _days(day, 1)
        moment = day.replace(hour=int(iso[4]), minute=int(iso[5]), second=int(iso[6] or 0))
        return Span(moment, moment + timedelta(seconds=1))
    if re.fullmatch(r"(19|20|21)\d\d", place.peek().text):
        start = datetime(int(place.next().text), 1, 1, tzinfo=UTC)
        return Span(start, _shifted(start, "year", 1))
    if re.fullmatch(r"\d{1,2}(st|nd|rd|th)?", place.peek().lower) and place.peek(1).lower in _MONTHS:
        day_number = int(re.sub(r"\D", "", place.next().text))
        month = _MONTHS[place.next().lower]
        return _days(datetime(_year(place, now), month, day_number, tzinfo=UTC), 1)
    if place.peek().lower in _MONTHS:
        month = _MONTHS[place.next().lower]
        if re.fullmatch(r"\d{1,2}(st|nd|rd|th)?", place.peek().lower):
            day_number = int(re.sub(r"\D", "", place.next().text))
            return _days(datetime(_year(place, now), month, day_number, tzinfo=UTC), 1)
        start = datetime(_year(place, now), month, 1, tzinfo=UTC)
        return Span(start, _shifted(start, "month", 1))
    return None


def _year(place: Place, now: datetime) -> int:
    ahead = 1 if place.peek().text == "," else 0
    if re.fullmatch(r"(19|20|21)\d\d", place.peek(ahead).text):
        place.at += ahead
        return int(place.next().text)
    return now.year


def _days(start: datetime, count: int) -> Span:
    return Span(start, start + timedelta(days=count))
