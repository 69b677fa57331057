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


def sampled(cases: Sequence[Case], always: Sequence[Case]) -> list[Case]:
    """`always`, and `TEST_FAULTS` others, the same in every run."""
    others = [case for case in cases if case not in always]
    return [*always, *random.Random(8).sample(others, min(len(others), OTHERS))]


def replica(machine: Machine, name: str) -> dict[str, object]:
    """What the status says of one replica."""
    (found,) = (one for one in machine.json("status")["replicas"] if one["name"] == name)
    assert isinstance(found, dict)
    return found
