"""What leaves in words: a secret typed on a command line is taken out, and nothing else."""

from __future__ import annotations

import json

import pytest

from gitsession.replicas.spoken import (
    redacted,
    redacted_command,
    redacted_record,
    secret_in_name,
    unspeakable,
)

HEX = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b"
GITHUB = "ghp_" + "aB3dE6gH9jK2mN5pQ8rS" + "1tU4vW7xY0zAcDeF"


@pytest.mark.parametrize(
    "line, told",
    [
        ("python train.py --password hunter2", "python train.py --password '[secret]'"),
        ("tool --api-key=abc --epochs 3", "tool '--api-key=[secret]' --epochs 3"),
        ("WANDB_API_KEY=abc python a.py", "'WANDB_API_KEY=[secret]' python a.py"),
        ("curl -u ada:lovelace https://x", "curl -u '[secret]' https://x"),
        (f"git clone https://{GITHUB}@github.com/a/b", "git clone 'https://[secret]@github.com/a/b'"),
        ("psql postgres://ada:r3al-Pa55word@db/x", "psql 'postgres://ada:[secret]@db/x'"),
        (f"python -c 'login(\"{GITHUB}\")'", "python -c 'login(\"[secret]\")'"),
    ],
)
def test_what_is_typed_as_a_secret_is_taken_out(line: str, told: str) -> None:
    assert redacted_command(line) == told


@pytest.mark.parametrize(
    "line",
    [
        "python train.py --epochs 3 --max-tokens 100 --tokenizer bert",
        "docker run -u 1000:1000 image",
        "pytest -k 'token and not slow'",
        f"git checkout {HEX}",
        "echo 'unfinished",
        "make PASSES=3 KEYS='a b'",
        "login --password --user ada",
    ],
)
def test_an_ordinary_command_is_told_as_it_was(line: str) -> None:
    assert redacted_command(line) == line


def test_a_record_keeps_its_form_and_loses_its_secrets() -> None:
    record = {"command": "deploy --token abc", "exit": 0, "seconds": 1.5, "more": [f'key = "{GITHUB}"']}
    told = json.loads(redacted_record(json.dumps(record)))
    assert told == {**record, "command": "deploy --token '[secret]'", "more": ['key = "[secret]"']}
    assert redacted_record("no json, only " + GITHUB) == "no json, only [secret]"


def test_every_secret_of_a_text_is_masked() -> None:
    assert redacted(f"{GITHUB} and {GITHUB}") == "[secret] and [secret]"
    assert redacted(f"refs/heads/try-{GITHUB}") == "refs/heads/try-[secret]"


@pytest.mark.parametrize(
    "path", [f"{GITHUB}.txt", f"notes-{GITHUB}", f"a/{GITHUB}/b.py", f"old_{GITHUB}.bak", f"{GITHUB}\n.txt"]
)
def test_a_secret_in_a_name_is_found(path: str) -> None:
    secret = secret_in_name(path)
    assert secret is not None and secret.value == GITHUB
    assert unspeakable(["a.txt", path]) == {path}
    assert GITHUB not in redacted(path)


@pytest.mark.parametrize(
    "path",
    [
        f"weights/{HEX}.bin",
        "api_key=abcdefgh1/part-0001.parquet",
        "docs/reset password, instructions.md",
        "ghp_notes.txt",
        "sk-learn/tokenizer.json",
    ],
)
def test_an_ordinary_name_may_leave(path: str) -> None:
    assert secret_in_name(path) is None
    assert unspeakable([path, f"x-{GITHUB}"]) == {f"x-{GITHUB}"}
