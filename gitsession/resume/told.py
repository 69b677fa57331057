"""What a person is told once for each repository on a machine, and not at every `open`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gitsession import files
from gitsession.address import Address
from gitsession.agent.places import home, local_state
from gitsession.resume.account import PUBLIC

ONCE = frozenset({PUBLIC})


def untold(notes: Sequence[str], address: Address) -> tuple[str, ...]:
    """The notes without those that were told before for this repository."""
    known = address.key in _told()
    return tuple(note for note in notes if not (known and note in ONCE))


def remember(notes: Sequence[str], address: Address) -> None:
    """Note that these were told; call it afterwards, so that an `open` that fails swallows none."""
    told = _told()
    if ONCE.intersection(notes) and address.key not in told:
        with local_state() as root:
            files.make_directory(root)
            files.write_atomically(_place(), "".join(f"{key}\n" for key in (*told, address.key)).encode())


def _place() -> Path:
    return home() / "told-public"


def _told() -> tuple[str, ...]:
    try:
        return tuple(_place().read_text().splitlines())
    except OSError:
        return ()
