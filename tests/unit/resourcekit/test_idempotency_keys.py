"""Foreseeable keys, and whose an object is."""

from __future__ import annotations

import threading
import uuid

from resourcekit.idempotency import IdempotencyKeys, OwnershipRegistry, ResourceRefs


def refs(*ids: str) -> ResourceRefs:
    return frozenset(("db", id_) for id_ in ids)


def test_a_key_is_the_same_in_every_run_and_no_other_objects() -> None:
    keys = IdempotencyKeys("db", "seed")
    assert keys.create_key(0) == IdempotencyKeys("db", "seed", OwnershipRegistry(lambda: refs("x"))).create_key(0)
    others = [
        keys.create_key(1),
        keys.create_key(0, "fact"),
        IdempotencyKeys("db", "other").create_key(0),
        IdempotencyKeys("bp", "seed").create_key(0),
    ]
    assert len({keys.create_key(0), *others}) == 5
    assert str(uuid.UUID(keys.create_key(0))) == keys.create_key(0)
    # Parts cannot be shifted into one another.
    assert keys.create_key(0, "a", "bc") != keys.create_key(0, "ab", "c")


def test_without_a_seed_no_key_comes_twice() -> None:
    assert IdempotencyKeys().create_key(0) != IdempotencyKeys().create_key(0)
    assert not IdempotencyKeys().deterministic


def test_a_deleted_object_is_known_but_no_sign_of_the_state() -> None:
    ownership = OwnershipRegistry(lambda: None)
    for id_ in ("a", "b"):
        ownership.record_seen("db", id_)
    ownership.record_deleted("db", "a")
    assert ownership.seen == refs("b")
    assert ownership.is_known("db", "a")


def test_the_state_is_read_once_and_only_for_unseen_objects() -> None:
    asked: list[int] = []

    def ask() -> ResourceRefs:
        asked.append(1)
        return refs("in state")

    keys = IdempotencyKeys("db", "seed", OwnershipRegistry(ask))
    keys.ownership.record_seen("db", "told")
    keys.claim("made", 0)
    assert (keys.is_taken("told"), keys.is_taken("made")) == (True, True)
    assert not keys.is_known("in state")
    assert asked == []
    assert (keys.is_taken("in state"), keys.is_taken("lost")) == (True, False)
    assert keys.is_known("in state")
    assert asked == [1]


def test_what_the_engine_spoke_of_is_apart_from_what_was_made_here() -> None:
    ledger = OwnershipRegistry(lambda: None)
    ledger.record_seen("db", "told")
    ledger.record_seen("db", "")
    ledger.claim("db", "made")
    assert ledger.seen == refs("told")
    assert ledger.is_owned("db", "lost") is None


def test_generations_that_are_used_up_are_not_gone_through_again() -> None:
    ledger = OwnershipRegistry(lambda: frozenset())
    one, other = IdempotencyKeys("db", "seed", ledger), IdempotencyKeys("db", "seed", ledger)
    assert one.next_generation() == 0
    one.claim("a", 4)
    assert other.next_generation() == 5
    assert other.next_generation("fact") == 0
    assert IdempotencyKeys("db", "other", ledger).next_generation() == 0
    assert IdempotencyKeys("db", None, ledger).next_generation() == 0


def test_those_with_one_seed_take_turns() -> None:
    ledger = OwnershipRegistry(lambda: frozenset())
    entered = threading.Event()

    def enter(seed: str) -> None:
        with IdempotencyKeys("db", seed, ledger).lock():
            entered.set()

    with IdempotencyKeys("db", "seed", ledger).lock():
        same = threading.Thread(target=enter, args=("seed",))
        same.start()
        assert not entered.wait(0.1)
        enter("other")
        entered.clear()
    same.join(60)
    assert entered.is_set()


def test_a_creation_takes_its_time_only_where_nobody_loses_by_it() -> None:
    assert IdempotencyKeys("kind", "seed").may_block
    assert not IdempotencyKeys("kind", "seed", exclusive=False).may_block, "others wait for its turn"
    assert not IdempotencyKeys("kind").may_block, "only its answer tells the id"
