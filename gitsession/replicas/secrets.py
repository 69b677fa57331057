"""Secrets in text: those with a shape of their own, and those that only their name gives away.

Entropy is never a reason by itself: notebooks are full of hashes and base64. It only tells a value from a
placeholder once a shape or a name has matched.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from gitsession.replicas.secret_shapes import ANYWHERE, RULES, Rule

_PLACEHOLDER = re.compile(
    r"example|change.?me|your|placeholder|dummy|redacted|insert|replace|foobar|xxxx|\*{3}|\.{3}|[<>]|[$%#]?[{(]|"
    r"0000000|1234567|abcdefg|^\$|^%|^None$|^null$|lorem|\\[wdsWDSb]|\[\^|&\w+=",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Secret:
    """A secret in a text: what it is, where it starts, and its characters."""

    kind: str
    start: int
    value: str


_NAMES = (
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "api_key",
    "api-key",
    "apikey",
    "access_key",
    "accesskey",
    "account_key",
    "auth_key",
    "private_key",
    "encryption_key",
    "credential",
    "_pwd",
    "_pass",
    "db_pass",
)
_TAIL = re.compile(
    r"""s?(?P<tail>(?:[_-][A-Za-z0-9_-]{1,30})?\d{0,2})["']?\]?
    (?: \s{0,4} (?: :\s{0,2}str\s{0,2}= | := | => | ==? | : | , ) \s{0,4}  # an assignment, a pair
      | \s{0,2} \( \s{0,4} (?=["'])  # a call, such as set_auth_token("…")
      | [ \t]{1,4} (?=["']?[\w+/.~-]{20,}) )  # a command line, such as --token …
    (?: [rbuf]{0,2} (?P<quote>"{3}|["']) (?P<quoted>[^"'\n]{6,300}) ["']
      | (?P<bare>[^\s"'`,;(){}\[\]<>$]{8,300}) (?= [ \t]{0,8} (?: $ | [\n\r\#\\"'] ) ) )""",
    re.VERBOSE,
)
_HARMLESS_TAIL = re.compile(
    r"(?:^|[_-])(?:id|ids|name|names|url|uri|file|path|dir|type|field|hash|length|len|size|count|env|var|format|class|"
    r"index|version|policy|arn|label|prompt|placeholder|expiry|expires|ttl|regex|pattern)$",
    re.IGNORECASE,
)
_WEAK_PASSWORDS = frozenset(
    """pass password passwd pwd secret user username token postgres guest root admin mysql test none null
    """.split()  # noqa: SIM905 - words read better than a list of strings
)


def entropy(value: str) -> float:
    """Shannon entropy in bits per character."""
    counts = Counter(value).values()
    return -sum(count / len(value) * math.log2(count / len(value)) for count in counts) if value else 0.0


def fingerprint(kind: str, path: str, value: str) -> str:
    """A digest of one finding. It could be guessed from, so it is salted before anybody sees it."""
    return hashlib.sha256("\0".join((kind, path, value)).encode("utf-8", "surrogatepass")).hexdigest()


def worth_trying(text: str) -> tuple[Rule, ...]:
    """The rules that could match in a text or in any part of it."""
    return tuple(rule for rule in RULES if any(literal in text for literal in rule.needs))


def find(text: str, *, binary: bool = False, rules: tuple[Rule, ...] = RULES) -> tuple[Secret, ...]:
    """Every secret in a text, in order, each place named once.

    Args:
        text: Decoded text; bytes of a binary file as Latin-1.
        binary: Look only for shapes that cannot be chance.
        rules: Those to try, from `worth_trying` on a text that holds this one.
    """
    shaped = [secret for rule in rules if rule.strong or not binary for secret in _apply(rule, text)]
    named = [] if binary else list(_named(text))
    return tuple(_once(sorted([*shaped, *named], key=lambda secret: secret.start)))


def _once(found: list[Secret]) -> Iterator[Secret]:
    end = -1
    for secret in found:
        if secret.start >= end:
            yield secret
            end = secret.start + len(secret.value)


def _apply(rule: Rule, text: str) -> Iterator[Secret]:
    for match in _matches(rule, text):
        group = "value" if "value" in rule.pattern.groupindex else 0
        value = match.group(group)
        if rule.kind.endswith("private key") or _CHECKS.get(rule.kind, _is_drawn)(value):
            yield Secret(rule.kind, match.start(group), value)


def _matches(rule: Rule, text: str) -> Iterator[re.Match[str]]:
    literals = [literal for literal in rule.needs if literal in text]
    if literals and rule.lead == ANYWHERE:
        yield from rule.pattern.finditer(text)
        return
    for place in (place for literal in literals for place in _places(text, literal)):
        tries = (rule.pattern.match(text, start) for start in range(max(0, place - rule.lead), place + 1))
        yield from itertools.islice(filter(None, tries), 1)


def _is_drawn(value: str) -> bool:
    """Whether a value looks drawn at random, and not made up to show where one belongs."""
    drawn = entropy(value)
    return drawn >= 4.5 or (drawn >= 2.5 and not _PLACEHOLDER.search(value))


def _is_real_password(value: str) -> bool:
    return value.lower() not in _WEAK_PASSWORDS and not _PLACEHOLDER.search(value)


def _is_credential(value: str) -> bool:
    return _is_drawn(value) and any(character.isdigit() for character in value)


_CHECKS = {"password in a URL": _is_real_password, "Authorization header": _is_credential}


def _named(text: str) -> Iterator[Secret]:
    """Values that a name such as `password` or `API_KEY` is given."""
    lower = text.encode("latin-1", "replace").decode("latin-1").lower()  # keeps every position
    ends = {start + len(name) for name in _NAMES for start in _places(lower, name)}
    for end in sorted(ends):
        match = _TAIL.match(text, end)
        if match and not _HARMLESS_TAIL.search(match["tail"]):
            group = "quoted" if match["quoted"] is not None else "bare"
            if _looks_secret(match[group], bare=group == "bare"):
                yield Secret("password or key", match.start(group), match[group])


def _places(text: str, needle: str) -> Iterator[int]:
    start = text.find(needle)
    while start >= 0:
        yield start
        start = text.find(needle, start + 1)


def _looks_secret(value: str, *, bare: bool) -> bool:
    if _PLACEHOLDER.search(value) or " " in value.strip() or "://" in value:
        return False
    digits = sum(c.isdigit() for c in value)
    marks = sum(c in "!@#$%^&*+=?~" for c in value)
    if (
        _is_reference(value, digits, bare=bare)
        or not re.search("[A-Za-z]", value)
        or (not digits and marks < 2)
    ):
        return False
    return len(value) >= (12 if bare else 6) and entropy(value) >= (3.0 if bare else 2.3)


def _is_reference(value: str, digits: int, *, bare: bool) -> bool:
    """Whether a value reads like a name, a version or a path, and not like something drawn at random."""
    words = re.split(r"[._/:\\-]+", value.strip("./"))
    if bare and all(word.isidentifier() for word in value.split(".")) and len(value) < 40 and digits <= 4:
        return True
    wordlike = all(re.fullmatch(r"[A-Z]?[a-z]*\d{0,3}|[A-Z]+\d{0,3}|\d+", word) for word in words)
    return wordlike and (digits <= 4 or len(words) > 2)
