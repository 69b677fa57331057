"""What stands in the way of saving on this machine, before work depends on it: one finding a check.

Each check is a function of a `Case`; `CHECKS` is the only list of them. Nothing is changed anywhere but for
a sample that is written to the storage, read back and removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gitsession.doctor import account, editor, machine, storage
from gitsession.doctor.case import Case
from gitsession.doctor.finding import Check, Finding, Verdict
from gitsession.errors import GitsessionError

__all__ = ["CHECKS", "Case", "Finding", "Verdict", "examine"]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("git", machine.git),
    ("token", account.token),
    ("repository", account.repository),
    ("branch rules", account.rules),
    ("push", account.push),
    ("clock", account.clock),
    ("storage", storage.storage),
    ("disk", machine.disk),
    ("state folder", machine.state_folder),
    ("file watching", machine.watching),
    ("editor", editor.editor),
    ("way to the editor", editor.way),
    ("terms", editor.terms),
)


def examine(
    case: Case,
    checks: tuple[tuple[str, Check], ...] = CHECKS,
    begin: Callable[[str], None] = lambda _name: None,
) -> Iterator[Finding]:
    """One finding for each check, in order; a check that fails is a finding too.

    Args:
        case: What is examined.
        checks: Which ones.
        begin: Told the name of each check as it begins.
    """
    for name, check in checks:
        begin(name)
        try:
            found = check(case)
        except GitsessionError as error:
            found = Finding.bad(error.what, error.hint)
        yield found.named(name)
