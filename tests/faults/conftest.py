"""How many cases of a harness are played: a sample, or many behind `scripts/test --faults`."""

from __future__ import annotations

import os
import random
from collections.abc import Sequence
from typing import TypeVar

from tests.replicas.conftest import address as address
from tests.replicas.conftest import chain as chain
from tests.replicas.conftest import fresh as fresh
from tests.spine import Machine

Case = TypeVar("Case")
OTHERS = int(os.environ.get("TEST_FAULTS", "0"))
PORTION = 25  # cases to one test, so that its time limit holds for any count


def sampled(cases: Sequence[Case], always: Sequence[Case]) -> list[Case]:
    """`always`, and `TEST_FAULTS` others, the same in every run."""
    others = [case for case in cases if case not in always]
    return [*always, *random.Random(8).sample(others, min(len(others), OTHERS))]


def in_portions(cases: Sequence[Case], always: Sequence[Case]) -> dict[str, list[Case]]:
    """The same for `parametrize`: one test for each few of them, named by their places in the sample."""
    chosen = sampled(cases, always)
    firsts = range(0, len(chosen), PORTION)
    return {f"{first}-{first + PORTION - 1}": chosen[first : first + PORTION] for first in firsts}


def replica(machine: Machine, name: str) -> dict[str, object]:
    """What the status says of one replica."""
    (found,) = (one for one in machine.json("status")["replicas"] if one["name"] == name)
    assert isinstance(found, dict)
    return found
