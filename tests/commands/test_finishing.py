"""`finish` from within the editor, which ends before the session is marked."""

from __future__ import annotations

import pytest

from gitsession.errors import SessionError
from gitsession.session.proposing import _apart


def test_why_it_is_not_finished_is_said() -> None:
    with pytest.raises(SessionError, match=r"(?s)is not finished yet: .*nowhere"):
        _apart("nowhere", ready=False)
