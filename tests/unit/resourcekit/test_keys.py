"""Foreseeable keys, and whose an object is."""

from __future__ import annotations

import threading
import uuid

from resourcekit.keys import Keys, Ledger, Objects


def held(*ids: str) -> Objects:
    return frozenset(("db", id_) for id_ in ids)


def test_a_key_is_the_same_in_every_run_and_no_other_objects() -> None:
    keys = Keys("db", "seed")
    assert keys.creation(0) == Keys("db", "seed", Ledger(lambda: held("x"))).creation(0)
    others = [
        keys.creation(1),
        keys.creation(0, "fact"),
        Keys("db", "other").creation(0),
        Keys("bp", "seed").creation(0),
    ]
    assert len({keys.creation(0), *others}) == 5
    assert str(uuid.UUID(keys.creation(0))) == keys.creation(0)
    # Parts cannot be shifted into one another.
    assert keys.creation(0, "a", "bc") != keys.creation(0, "ab", "c")


def test_without_a_seed_no_key_comes_twice() -> None:
    assert Keys().creation(0) != Keys().creation(0)
    assert not Keys().foreseeable


def test_the_engine_is_asked_once_and_only_of_what_nobody_spoke_of() -> None:
    asked: list[int] = []

    def ask() -> Objects:
        asked.append(1)
        return held("in state")

    keys = Keys("db", "seed", Ledger(ask))
    keys.ledger.note("db", "told")
    keys.take("made", 0)
    assert (keys.is_taken("told"), keys.is_taken("made")) == (True, True)
    assert not keys.knows("in state")
    assert asked == []
    assert (keys.is_taken("in state"), keys.is_taken("lost")) == (True, False)
    assert keys.knows("in state")
    assert asked == [1]


def test_what_the_engine_spoke_of_is_apart_from_what_was_made_here() -> None:
    ledger = Ledger(lambda: None)
    ledger.note("db", "told")
    ledger.note("db", "")
    ledger.take("db", "made")
    assert ledger.told == held("told")
    assert ledger.holds("db", "lost") is None


def test_generations_that_are_used_up_are_not_gone_through_again() -> None:
    ledger = Ledger(lambda: frozenset())
    one, other = Keys("db", "seed", ledger), Keys("db", "seed", ledger)
    assert one.first_generation() == 0
    one.take("a", 4)
    assert other.first_generation() == 5
    assert other.first_generation("fact") == 0
    assert Keys("db", "other", ledger).first_generation() == 0
    assert Keys("db", None, ledger).first_generation() == 0


def test_those_with_one_seed_take_turns() -> None:
    ledger = Ledger(lambda: frozenset())
    entered = threading.Event()

    def enter(seed: str) -> None:
        with Keys("db", seed, ledger).turn():
            entered.set()

    with Keys("db", "seed", ledger).turn():
        same = threading.Thread(target=enter, args=("seed",))
        same.start()
        assert not entered.wait(0.1)
        enter("other")
        entered.clear()
    same.join(5)
    assert entered.is_set()


def test_a_creation_takes_its_time_only_where_nobody_loses_by_it() -> None:
    assert Keys("kind", "seed").patient
    assert not Keys("kind", "seed", alone=False).patient, "others wait for its turn"
    assert not Keys("kind").patient, "only its answer tells the id"
