"""Values of several words, and where they end. Pure."""

from __future__ import annotations

from controlplane.queries.failures import NotUnderstood
from controlplane.queries.translation.dates import take_span
from controlplane.queries.translation.expressions import Context
from controlplane.queries.translation.words import Place, Word

# A value without quotes ends before these; a quoted one may hold them.
_ENDS = (
    "and", "or", "where", "with", "without", "whose", "who", "that", "which", "having", "but", "then",
    "ordered by", "sorted by", "order by", "sort by", "sorted", "ordered", "limit", "group by", "grouped by", "by",
    "per", "in", "from", "for", "at", "since", "before", "after", "between", "over", "under", "above", "below", "to",
    "set", "is", "are", "was", "has", "have", "=", ">", "<", ">=", "<=", "!=", "<>", ",", ";", "(", ")",
)  # fmt: skip


def take_value(place: Place, context: Context, *, beyond: tuple[str, ...] = ()) -> Word:
    """The words up to what cannot belong to it as one. beyond: ends that it may hold. Raises NotUnderstood."""
    if place.peek().quoted:
        return place.next()
    if place.sees(*_ENDS) or place.done:
        raise NotUnderstood(_missing(place))
    if place.peek().number is not None and not _goes_on(place):
        return place.next()
    ends = tuple(end for end in _ENDS if end not in beyond)
    taken: list[str] = []
    while not place.done and not place.peek().quoted and not place.sees(*ends):
        if taken and _is_time(place, context):
            break
        taken.append(place.next().text)
    return Word(" ".join(taken))


def _goes_on(place: Place) -> bool:
    """Whether a number is the beginning of a name ("3 Main Street")."""
    return place.peek(1).text[:1].isupper() and not place.peek(1).quoted


def _is_time(place: Place, context: Context) -> bool:
    ahead = Place(place.words, place.at)
    if ahead.take(
        "created", "updated", "added", "registered", "placed", "made", "joined", "shipped", "due", "signed up"
    ):
        return take_span(ahead, context.now) is not None
    if not ahead.sees(
        "today", "yesterday", "tomorrow", "this", "last", "past", "next", "on", "during", "since", "until"
    ):
        return False
    return take_span(ahead, context.now) is not None


def _missing(place: Place) -> str:
    before = " ".join(word.text for word in place.words[max(place.at - 3, 0) : place.at])
    return f"A value is missing behind {before!r}; put it in quotes if it holds words such as 'and'."
