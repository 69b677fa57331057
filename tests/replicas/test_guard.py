from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmarks.secret_corpus import HEX, KINDS, planted
from gitsession.git import Repository
from gitsession.replicas.guard import ATTEMPTS, Allowed, Guard
from gitsession.replicas.scan import scan
from gitsession.replicas.scanner import Scanner
from tests.rig.repositories import bare_repository, git, notebook

NOWHERE = "0" * 39 + "1"


class Store:
    """A bare repository with what a snapshot wrote into it."""

    def __init__(self, path: Path) -> None:
        self.path = bare_repository(path)
        self.repository = Repository(self.path)

    def add(self, content: bytes) -> str:
        return self.repository.output("hash-object", "-w", "--stdin", stdin=content).decode().strip()


@pytest.fixture
def store(sealed: Path) -> Store:
    return Store(sealed / "shadow.git")


def secret_line(seed: int = 1) -> bytes:
    value = "ghp_" + "".join(random.Random(seed).choices("abcdefghkmnpqrstuvwxyzABCDEFGH23456789", k=36))
    return f'TOKEN = "{value}"\n'.encode()


def test_clean_blobs_pass(store: Store) -> None:
    blobs = [(store.add(f"print({n})\n".encode()), f"src/{n}.py") for n in range(300)]
    assert Guard(store.repository, Allowed()).check(blobs) == ()


def test_a_secret_is_named_with_its_line_and_not_shown(store: Store) -> None:
    oid = store.add(b"import os\n\n" + secret_line())
    (finding,) = Guard(store.repository, Allowed()).check([(oid, "app.py")])
    assert (finding.path, finding.oid, finding.kind, finding.line) == ("app.py", oid, "secret", 3)
    assert finding.reason == "secret: GitHub token in line 3"
    assert secret_line().decode().split('"')[1] not in repr(finding)


def test_a_secret_in_a_notebook_is_named_by_its_cell(store: Store) -> None:
    oid = store.add(notebook("x = 1", f"y = 2\n{secret_line().decode()}").encode())
    (finding,) = Guard(store.repository, Allowed()).check([(oid, "a.ipynb")])
    assert finding.reason == "secret: GitHub token in cell 2, line 2"
    assert "TOKEN" in git(store.path, "cat-file", "blob", oid).splitlines()[finding.line - 1]


def test_every_way_to_allow_a_finding(store: Store) -> None:
    oid, later = store.add(secret_line()), store.add(b"# moved\n" + secret_line())
    guard = Guard(store.repository, Allowed())
    (finding,) = guard.check([(oid, "tests/key.py")])
    for allowed, passes_now, passes_later in (
        (Allowed().allow(findings=[finding.allow_id]), True, True),
        (Allowed().allow(paths=["tests/*.py"]), True, True),
        (Allowed().allow(once=[oid]), True, False),
        (Allowed().allow(paths=["src/*.py"]), False, False),
    ):
        guard.allowed = Allowed.from_json(allowed.to_json())
        assert (guard.check([(oid, "tests/key.py")]) == ()) is passes_now
        assert (guard.check([(later, "tests/key.py")]) == ()) is passes_later


def test_every_way_to_allow_a_name(store: Store) -> None:
    secret = secret_line().decode().split('"')[1]
    path, commit = f"notes-{secret}.txt", "1" * 40
    (finding,) = Guard(store.repository, Allowed()).check_name(commit, path)
    assert (finding.oid, finding.path) == (commit, "notes-[secret].txt") and secret not in repr(finding)
    for allowed in (
        Allowed().allow(paths=[path]),
        Allowed().allow(findings=[finding.allow_id]),
        Allowed().allow(once=[commit]),
    ):
        assert Guard(store.repository, allowed).check_name(commit, path) == ()


@pytest.mark.parametrize("stored", [{}, {"paths": "*"}, {"paths": [1, None]}, {"findings": {"a": 1}}])
def test_a_damaged_list_allows_nothing(stored: dict[str, object]) -> None:
    assert Allowed.from_json(stored) == Allowed()


def test_sizes(store: Store) -> None:
    oid = store.add(b"x" * 2000)
    guard = Guard(store.repository, Allowed(), size_limit=1000)
    (finding,) = guard.check([(oid, "big.bin")])
    assert (finding.kind, finding.reason) == ("size", "large: 0 MB, the limit is 0 MB")
    guard.allowed = Allowed(findings=frozenset({finding.allow_id}))
    assert guard.check([(oid, "big.bin")]) == ()


def test_workflows_need_the_scope(store: Store) -> None:
    oid = store.add(b"on: push\n")
    blob = (oid, ".github/workflows/ci.yml")
    assert Guard(store.repository, workflows=True).check([blob]) == ()
    (finding,) = Guard(store.repository, workflows=False).check([blob])
    assert (finding.kind, finding.oid) == ("workflow", oid)
    everything = Allowed(paths=frozenset({"*"}), once=frozenset({oid}))
    refused = Guard(store.repository, workflows=False, allowed=everything).check([blob])
    assert refused == (finding,), "GitHub would refuse the whole push"


def test_a_blob_that_is_not_there_is_not_called_clean(store: Store) -> None:
    (finding,) = Guard(store.repository).check([(NOWHERE, "gone.py")])
    assert (finding.kind, finding.reason) == ("unchecked", "not yet checked for secrets")


READER = """
import os, sys, time
from gitsession.replicas import scan
def answers(stream, real=scan.answers):
    for answer in real(stream):
        if answer["oid"] == "{oid}":
            {misbehave}
        yield answer
scan.answers = answers
scan.main()
"""


@pytest.mark.parametrize(
    "misbehave",
    ["os.kill(os.getpid(), 9)", "time.sleep(60)", "raise RuntimeError", "sys.stdout.close()", "os._exit(0)"],
)
def test_a_blob_that_ends_its_reader_is_held_and_the_others_are_read(
    store: Store, sealed: Path, monkeypatch: pytest.MonkeyPatch, misbehave: str
) -> None:
    bad, good, leaky = store.add(b"bad\n"), store.add(b"good\n"), store.add(secret_line())
    (sealed / "reader.py").write_text(READER.format(oid=bad, misbehave=misbehave))
    scanner = Scanner("reader", seconds=1.0, path=(sealed,))
    guard = Guard(store.repository, scanner=scanner)
    blobs = [(good, "good.py"), (bad, "bad.py"), (leaky, "leaky.py")]
    for _ in range(ATTEMPTS):
        findings = guard.check(blobs)
        assert [(finding.path, finding.kind) for finding in findings] == [
            ("bad.py", "unchecked"),
            ("leaky.py", "secret"),
        ]
    assert guard.check(blobs)[0].reason == "could not be checked for secrets"


def test_each_blob_is_read_once(store: Store, sealed: Path) -> None:
    (sealed / "reader.py").write_text(
        "from gitsession.replicas import scan\n"
        f"open({str(sealed / 'starts')!r}, 'a').write('x')\nscan.main()\n"
    )
    guard = Guard(store.repository, scanner=Scanner("reader", path=(sealed,)))
    blobs = [(store.add(secret_line()), "a.py")]
    assert guard.check(blobs) == guard.check(blobs) != ()
    assert (sealed / "starts").read_text() == "x"


def test_strange_paths(store: Store) -> None:
    oid = store.add(secret_line())
    paths = ["a b.py", "new\nline.py", "ümlaut.py", "\udcff.py", '"quoted".py', "-rf", "missing"]
    findings = Guard(store.repository).check([(oid, path) for path in paths])
    assert [finding.path for finding in findings] == paths


def test_more_blobs_than_fit_one_conversation(store: Store) -> None:
    oid = store.add(secret_line())
    blobs = [(oid, f"{'deep/' * 200}{n}.py") for n in range(100)]
    assert len(Guard(store.repository).check(blobs)) == 100


@pytest.mark.parametrize("kind", KINDS)
def test_secrets_of_each_kind_are_found_wherever_people_leave_them(kind: str) -> None:
    files = [file for file in planted(3) if file.kind == kind]
    missed = [file.place for file in files if not scan(file.path, file.content)]
    assert len(files) == 12 and missed == []


@pytest.mark.parametrize(
    "line",
    [
        'password = os.environ["DB_PASSWORD"]',
        'token = "<your-token-here>"',
        "api_key = config.services.primary.api_key1",
        'AWS_KEY = "AKIAIOSFODNN7EXAMPLE"',
        "postgres://postgres:postgres@localhost/test",
        'tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")',
        'special_tokens = {"pad_token": "[PAD]", "eos_token": "</s>"}',
        "secret_key_length = 'sha256-32'",
        "password: ${{ secrets.DB_PASSWORD }}",
        "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "sha256 = '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08'",
        "max_tokens: 4096, token_count = 123456",
        "-----BEGIN PRIVATE KEY----- is how such a file starts",
    ],
)
def test_what_only_looks_like_a_secret_passes(line: str) -> None:
    assert scan("app.py", f"{line}\n".encode()) == ()


def test_images_and_hashes_in_a_notebook_are_no_secrets() -> None:
    rng = random.Random(5)
    hashes = "\n".join("".join(rng.choices(HEX, k=40)) for _ in range(500))
    assert scan("a.ipynb", notebook("import torch", f"hashes = '''{hashes}'''").encode()) == ()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"cells": 3}', b'{"cells": [{"outputs": [null]}]}', b"[" * 99999]
)
def test_a_malformed_notebook_is_read_as_text(content: bytes) -> None:
    assert [seen.kind for seen in scan("a.ipynb", content + b"\n" + secret_line())] == ["GitHub token"]


def test_a_secret_in_a_binary_file_and_in_utf_16() -> None:
    assert [seen.where for seen in scan("a.pkl", b"\x80\0\1" + secret_line())] == ["a binary file"]
    assert [
        seen.line for seen in scan("a.txt", b"\xff\xfe" + ("\n" + secret_line().decode()).encode("utf-16-le"))
    ] == [2]
