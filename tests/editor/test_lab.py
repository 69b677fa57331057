from __future__ import annotations

import pytest

from gitsession.editor import lab
from gitsession.errors import EditorError


def test_without_jupyterlab_the_way_to_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab, "find_spec", lambda _name: None)
    with pytest.raises(EditorError, match="not installed") as refused:
        lab.installed()
    assert "gitsession[lab]" in refused.value.hint
