"""Repositories to test on: a small realistic project, and any other from a readable transcript.

Stands for people's repositories. Does not imitate their size: see `benchmarks/` for large ones.
"""

from __future__ import annotations

import json
import os
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
TIME_LIMIT = 60.0
BARE_SETTINGS = {
    "http.receivepack": "true",
    "uploadpack.allowFilter": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "receive.autogc": "false",
    "receive.hideRefs": "refs/pull",
    "gc.auto": "0",
    "maintenance.auto": "false",
}
SHOWN = (  # what a person sees of a work tree, which is to be the same again after a resume
    ("status", "--porcelain=v2", "--branch"),
    ("diff",),
    ("diff", "--cached"),
    ("stash", "list"),
    ("log", "--oneline", "--branches"),
    ("branch", "-vv"),
)


def git(directory: Path, *arguments: str, env: Mapping[str, str] | None = None) -> str:
    """Run git in a directory and answer with what it printed, without the last newline.

    Raises:
        AssertionError: git failed; the message holds its stderr.
    """
    done = subprocess.run(
        ["git", *arguments],
        cwd=directory,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=TIME_LIMIT,
        check=False,
    )
    if done.returncode:
        raise AssertionError(
            f"git {' '.join(arguments)} exited {done.returncode}\n{done.stderr}{done.stdout}"
        )
    return done.stdout.rstrip("\n")


def transcript(directory: Path, script: str) -> Path:
    """Run a shell script of git commands in a directory, made if missing, and answer with the directory.

    The script stops at the first command that fails, which fails the test with what was printed.

    Example:
        >>> transcript(tmp_path / "a", '''
        ...     git init --quiet
        ...     echo one > one.txt
        ...     git add one.txt
        ...     git commit --quiet -m "First"
        ... ''')
    """
    directory.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["sh", "-eux", "-c", textwrap.dedent(script)],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIME_LIMIT,
        check=False,
    )
    if done.returncode:
        raise AssertionError(f"the transcript stopped with {done.returncode}\n{done.stdout}")
    return directory


def bare_repository(path: Path) -> Path:
    """Create an empty bare repository that serves partial clones and never collects garbage by itself."""
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", "--initial-branch=main")
    with (path / "config").open("a") as config:
        for name, value in BARE_SETTINGS.items():
            section, _, key = name.partition(".")
            config.write(f"[{section}]\n\t{key} = {value}\n")
    return path


def sample_repository(path: Path) -> Path:
    """Create a bare repository of a small machine-learning project: three commits on `main`, one on `ideas`.

    It has two notebooks, an executable script, a symbolic link, an empty file, nested directories, a name
    with spaces and umlauts, and a `.gitignore`.
    """
    tree = path.with_name(f"{path.name}.tree")
    transcript(tree, "git init --quiet --initial-branch=main")
    _write_project(tree)
    transcript(tree, SAMPLE_HISTORY)
    bare_repository(path)
    git(tree, "push", "--quiet", str(path), "main", "ideas")
    transcript(path.parent, f"rm -rf '{tree}'")
    return path


SAMPLE_HISTORY = """
    tick() { GIT_AUTHOR_DATE="$1 12:00:00 +0000"; GIT_COMMITTER_DATE="$GIT_AUTHOR_DATE"; }
    export GIT_AUTHOR_DATE GIT_COMMITTER_DATE

    tick 2024-03-01
    git add README.md .gitignore train.py src
    git commit --quiet -m "Train a logistic regression on made-up digits"

    tick 2024-03-02
    git add notebooks data
    git commit --quiet -m "Explore the data in two notebooks"

    git checkout --quiet -b ideas
    tick 2024-03-03
    echo "- try a smaller learning rate" > IDEAS.md
    git add IDEAS.md
    git commit --quiet -m "Note an idea"
    git checkout --quiet main

    tick 2024-03-04
    chmod +x scripts/run.sh
    ln -s ../data/digits.csv src/digits.csv
    git add scripts src "docs"
    git commit --quiet -m "Run it all from one script"
"""


def notebook(*cells: str) -> str:
    """A notebook in format 4.5 whose code cells have these sources; each printed its number."""
    return json.dumps(
        {
            "cells": [_cell(number, source) for number, source in enumerate(cells, 1)],
            "metadata": {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
    )


def _cell(number: int, source: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "execution_count": number,
        "id": f"cell-{number}",
        "metadata": {},
        "outputs": [{"name": "stdout", "output_type": "stream", "text": [f"{number}\n"]}],
        "source": source.splitlines(keepends=True),
    }


def _write_project(tree: Path) -> None:
    for name, text in _project().items():
        target = tree / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _project() -> dict[str, str]:
    return {
        "README.md": "# Digits\n\nA small project: train a model, look at it in two notebooks.\n",
        ".gitignore": "__pycache__/\n*.pyc\n/checkpoints/\n.ipynb_checkpoints/\n*.log\n",
        "train.py": TRAIN,
        "src/digits/__init__.py": "",
        "src/digits/model.py": "def predict(weights: list[float], row: list[float]) -> float:\n"
        "    return sum(w * x for w, x in zip(weights, row))\n",
        "scripts/run.sh": '#!/bin/sh\nset -eu\npython train.py --epochs "${1:-3}"\n',
        "data/digits.csv": "".join(f"{n},{n * n % 7},{n % 2}\n" for n in range(200)),
        "docs/Übersicht und Plan.md": "# Plan\n\n1. Explore\n2. Train\n3. Report\n",
        "notebooks/explore.ipynb": notebook(
            "import csv\nrows = list(csv.reader(open('../data/digits.csv')))", "len(rows)", "rows[:3]"
        ),
        "notebooks/report.ipynb": notebook("accuracy = 0.91\naccuracy", "print(f'{accuracy:.0%}')"),
    }


TRAIN = '''"""Train on data/digits.csv."""

import argparse
import random


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=3)
    epochs = parser.parse_args().epochs
    random.seed(0)
    for epoch in range(epochs):
        print(f"epoch {epoch} loss {random.random() / (epoch + 1):.4f}")


if __name__ == "__main__":
    main()
'''
