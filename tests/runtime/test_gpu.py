"""What is asked of NVIDIA's own program, which a stand-in plays here: it answers, fails, or never ends.

What it does not imitate is the driver; its answers have the form of `--query-gpu=name --format=csv,noheader`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gitsession.runtime import gpu as asking
from gitsession.runtime.gpu import gpu

ANSWERS = {
    "one": ("#!/bin/sh\necho Tesla T4\n", "Tesla T4"),
    "two": ("#!/bin/sh\necho Tesla T4\necho Tesla T4\n", "Tesla T4, Tesla T4"),
    "a driver that is gone": ("#!/bin/sh\necho NVIDIA-SMI has failed; exit 9\n", ""),
    "one that never ends": ("#!/bin/sh\nsleep 600\n", ""),
    "no program": ("\x7fELF nothing more", ""),
}


def play(folder: Path, content: str) -> None:
    folder.mkdir()
    program = folder / "nvidia-smi"
    program.write_text(content)
    program.chmod(0o755)


@pytest.mark.parametrize("case", ANSWERS)
def test_the_gpus_are_named_or_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    content, named = ANSWERS[case]
    play(tmp_path / "bin", content)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(asking, "TIME_LIMIT", 1.0)
    assert gpu() == named


def test_a_program_of_that_name_in_the_folder_one_stands_in_is_not_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(tmp_path / "tree", f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    monkeypatch.chdir(tmp_path / "tree")
    monkeypatch.setenv("PATH", f".{os.pathsep}/bin")
    assert gpu() == ""
    assert not (tmp_path / "ran").exists()
