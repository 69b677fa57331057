"""Words that leave with the work, such as a command line or a branch's name: their secrets are taken out."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gitsession.replicas.secret_shapes import RULES, Rule
from gitsession.replicas.secrets import Secret, find, worth_trying

MASK = "[secret]"
_BEGINNINGS = "|".join(re.escape(literal) for rule in RULES for literal in rule.needs if len(literal) > 3)
_JOINED = re.compile(f"[_-](?={_BEGINNINGS})")  # as in a branch's name, where a token follows a word
_SECRET_NAME = re.compile(
    r"(?:^|[_-])(?:password|passwd|passphrase|pass|pwd|secret|token|credentials?|"
    r"(?:api|access|account|auth|secret|private|encryption)[_-]?key)$",
    re.IGNORECASE,
)
_GIVEN = re.compile(r"(?P<name>-{0,2}[A-Za-z][\w.-]{0,80})=(?P<value>.+)", re.DOTALL)
_OPTION = re.compile(r"--?[A-Za-z][\w-]{0,80}")
_ACCOUNT = re.compile(r"[^:/\s]+:(?!\d+$)\S+")  # user:password; numbers alone are a user's and a group's


def redacted(text: str) -> str:
    """A text with a mask in place of each secret.

    Example:
        >>> redacted("postgres://ada:r3al-Pa55word@db/x")
        'postgres://ada:[secret]@db/x'
    """
    for secret in reversed(find(_JOINED.sub(" ", text))):
        text = text[: secret.start] + MASK + text[secret.start + len(secret.value) :]
    return text


def secret_in_name(path: str) -> Secret | None:
    """The first secret in a path, by the shapes that cannot be chance; None where there is none.

    Example:
        >>> secret_in_name("data/2024-03-05.csv") is None
        True
    """
    return _strong_in(path, worth_trying(path))


def unspeakable(paths: Iterable[str]) -> frozenset[str]:
    """The paths that have a secret in their names."""
    asked = list(paths)
    rules = worth_trying("\n".join(asked))
    return frozenset(path for path in asked if _strong_in(path, rules) is not None)


def _strong_in(path: str, rules: tuple[Rule, ...]) -> Secret | None:
    return next(iter(find(_JOINED.sub(" ", path), binary=True, rules=rules) if rules else ()), None)


def redacted_command(line: str) -> str:
    """A command line without what options such as `--password`, or variables such as `API_KEY=`, are given.

    Short and plain passwords are found here too, since the name beside them is an option's.

    Example:
        >>> redacted_command("train --api-key=abc --epochs 3")
        "train '--api-key=[secret]' --epochs 3"
    """
    try:
        words = shlex.split(line)
    except ValueError:
        return redacted(line)
    masked = list(_words(words))
    return redacted(line if masked == words else shlex.join(masked))


def _words(words: Sequence[str]) -> Iterator[str]:
    before = ""
    for word in words:
        given = _GIVEN.fullmatch(word)
        if given and _SECRET_NAME.search(given["name"]):
            yield f"{given['name']}={MASK}"
        elif _takes_secret(before, word):
            yield MASK
        else:
            yield redacted(word)
        before = word


def _takes_secret(option: str, word: str) -> bool:
    if not _OPTION.fullmatch(option) or _OPTION.fullmatch(word):
        return False
    is_account = option in ("-u", "--user") and _ACCOUNT.fullmatch(word) is not None
    return is_account or _SECRET_NAME.search(option) is not None


def redacted_record(line: str) -> str:
    """One line of JSON that tells what ran, with the secrets taken out of every text in it."""
    try:
        record = json.loads(line)
    except ValueError:
        return redacted(line)
    return json.dumps(_clean(record))


def _clean(value: Any, name: str = "") -> Any:
    match value:
        case str():
            return redacted_command(value) if name == "command" else redacted(value)
        case list():
            return [_clean(item) for item in value]
        case dict():
            return {key: _clean(item, key) for key, item in value.items()}
    return value
