"""Made-up secrets of the most common kinds, in the places where people leave them.

Every value is drawn at random in the issuer's documented shape: none was ever valid, none is written down.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass

ALNUM = string.ascii_letters + string.digits
LOWER = string.ascii_lowercase + string.digits
HEX = "0123456789abcdef"
BASE64 = ALNUM + "+/"
URLSAFE = ALNUM + "-_"

Draw = Callable[[random.Random], str]


@dataclass(frozen=True)
class Planted:
    """A file with one secret in it, and the kind and place of the secret."""

    kind: str
    place: str
    path: str
    content: bytes


def _chars(alphabet: str, count: int, prefix: str = "", suffix: str = "") -> Draw:
    return lambda rng: prefix + "".join(rng.choices(alphabet, k=count)) + suffix


def _joined(*parts: Draw | str) -> Draw:
    return lambda rng: "".join(part if isinstance(part, str) else part(rng) for part in parts)


def _jwt(rng: random.Random) -> str:
    head = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"JWT"}').decode().rstrip("=")
    body = base64.urlsafe_b64encode(json.dumps({"sub": rng.randint(1, 10**12)}).encode()).decode().rstrip("=")
    return f"{head}.{body}.{_chars(URLSAFE, 43)(rng)}"


def _private_key(rng: random.Random) -> str:
    kind = rng.choice(["RSA ", "EC ", "OPENSSH ", ""])
    body = "\n".join(_chars(BASE64, 64)(rng) for _ in range(12))
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{body}\n-----END {kind}PRIVATE KEY-----"


def _password(rng: random.Random) -> str:
    letters = [rng.choice(string.ascii_uppercase), *rng.choices(string.ascii_lowercase, k=7)]
    return "".join([*letters, *rng.choices(string.digits, k=3), rng.choice("!#%&*+")])


def _service_account(rng: random.Random) -> str:
    key = "\\n".join(_private_key(rng).splitlines())
    name = _chars(HEX, 40)(rng)
    return f'{{"type": "service_account", "private_key_id": "{name}", "private_key": "{key}\\n"}}'


# kind -> (variable name, value); without a name the value stands on lines of its own
KINDS: dict[str, tuple[str | None, Draw]] = {
    "AWS access key": ("AWS_ACCESS_KEY_ID", _chars(string.ascii_uppercase + "234567", 16, "AKIA")),
    "AWS secret key": ("AWS_SECRET_ACCESS_KEY", _chars(BASE64, 40)),
    "Google API key": ("GOOGLE_API_KEY", _chars(URLSAFE, 35, "AIza")),
    "Google service account": (None, _service_account),
    "Google OAuth secret": ("CLIENT_SECRET", _chars(URLSAFE, 28, "GOCSPX-")),
    "Azure storage key": (
        "AZURE_STORAGE_CONNECTION_STRING",
        _joined(
            "DefaultEndpointsProtocol=https;AccountName=box;AccountKey=", _chars(BASE64, 86, suffix="==")
        ),
    ),
    "Azure client secret": ("AZURE_CLIENT_SECRET", _joined(_chars(ALNUM, 3), "8Q~", _chars(ALNUM, 34))),
    "GitHub token": ("GITHUB_TOKEN", _chars(ALNUM, 36, "ghp_")),
    "GitHub fine-grained token": (
        "GH_PAT",
        _joined("github_pat_", _chars(ALNUM, 22), "_", _chars(ALNUM, 59)),
    ),
    "GitLab token": ("GITLAB_TOKEN", _chars(URLSAFE, 20, "glpat-")),
    "Hugging Face token": ("HF_TOKEN", _chars(string.ascii_letters, 34, "hf_")),
    "OpenAI key": (
        "OPENAI_API_KEY",
        _joined("sk-proj-", _chars(URLSAFE, 58), "T3BlbkFJ", _chars(URLSAFE, 58)),
    ),
    "Anthropic key": ("ANTHROPIC_API_KEY", _joined("sk-ant-api03-", _chars(URLSAFE, 93), "AA")),
    "Weights & Biases key": ("WANDB_API_KEY", _chars(HEX, 40)),
    "Kaggle key": (None, lambda rng: f'{{"username": "ada", "key": "{_chars(HEX, 32)(rng)}"}}'),
    "Slack token": (
        "SLACK_TOKEN",
        _joined("xoxb-", _chars(string.digits, 12), "-", _chars(string.digits, 12), "-", _chars(ALNUM, 24)),
    ),
    "Slack webhook": (
        "HOOK",
        _joined(
            "https://hooks.slack.com/services/T",
            _chars(string.ascii_uppercase, 8),
            "/B",
            _chars(string.ascii_uppercase, 8),
            "/",
            _chars(ALNUM, 24),
        ),
    ),
    "Discord bot token": (
        "BOT",
        _joined(_chars(ALNUM, 25, "M"), ".", _chars(ALNUM, 6), ".", _chars(URLSAFE, 37), "x"),
    ),
    "Telegram bot token": ("TELEGRAM", _joined(_chars("123456789", 10), ":A", _chars(URLSAFE, 34))),
    "Twilio key": ("TWILIO", _chars(HEX, 32, "SK")),
    "SendGrid key": ("SENDGRID", _joined("SG.", _chars(URLSAFE, 22), ".", _chars(URLSAFE, 43))),
    "Mailgun key": ("MAILGUN", _chars(HEX, 32, "key-")),
    "Mailchimp key": ("MAILCHIMP", _chars(HEX, 32, suffix="-us12")),
    "Stripe key": ("STRIPE", _chars(ALNUM, 24, "sk_live_")),
    "Square token": ("SQUARE", _chars(URLSAFE, 43, "sq0csp-")),
    "Shopify token": ("SHOPIFY", _chars(HEX, 32, "shpat_")),
    "npm token": ("NPM_TOKEN", _chars(ALNUM, 36, "npm_")),
    "PyPI token": ("PYPI", _chars(URLSAFE, 150, "pypi-AgEIcHlwaS5vcmc")),
    "Docker Hub token": ("DOCKER", _chars(URLSAFE, 27, "dckr_pat_")),
    "DigitalOcean token": ("DO", _chars(HEX, 64, "dop_v1_")),
    "Databricks token": ("DATABRICKS", _chars(HEX, 32, "dapi")),
    "Hashicorp Vault token": ("VAULT", _chars(URLSAFE, 90, "hvs.")),
    "ngrok authtoken": ("NGROK_AUTHTOKEN", _joined("2", _chars(ALNUM, 26), "_", _chars(ALNUM, 21))),
    "private key": (None, _private_key),
    "JSON Web Token": ("SESSION", _jwt),
    "database URL": (
        "DATABASE_URL",
        _joined("postgresql://app:", _password, "@db.internal.net:5432/main"),
    ),
    "password": ("DB_PASSWORD", _password),
    "generic API key": ("WEATHER_API_KEY", _chars(HEX, 32)),
}


def _code(name: str | None, value: str) -> str:
    head = "import os\n\n\ndef connect():\n    return os.getcwd()\n\n"
    return f'{head}{name} = "{value}"\n' if name else f'{head}KEY = """{value}"""\n'


def _dot_env(name: str | None, value: str) -> str:
    return f"DEBUG=1\nPORT=8000\n{name}={value}\n" if name else f"DEBUG=1\n{value}\n"


def _notebook(*cells: tuple[str, list[str]]) -> str:
    image = base64.b64encode(random.Random(7).randbytes(3000)).decode()
    plot = {"output_type": "display_data", "metadata": {}, "data": {"image/png": image}}
    return json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "execution_count": 1,
                    "metadata": {},
                    "source": source.splitlines(keepends=True),
                    "outputs": [
                        plot,
                        {"output_type": "stream", "name": "stdout", "text": output},
                    ],
                }
                for source, output in cells
            ],
            "metadata": {},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
    )


def _cell(name: str | None, value: str) -> str:
    return _notebook(("import pandas as pd", ["ready\n"]), (_code(name, value), []))


def _output(name: str | None, value: str) -> str:
    shown = f"{name}={value}" if name else value
    return _notebook(("!env", ["HOME=/root\n", f"{shown}\n"]))


PLACES: dict[str, tuple[str, Callable[[str | None, str], str]]] = {
    "code": ("app.py", _code),
    ".env": (".env", _dot_env),
    "cell": ("explore.ipynb", _cell),
    "output": ("explore.ipynb", _output),
}


def planted(each: int, seed: int = 0) -> Iterator[Planted]:
    """`each` files for every kind and place, the same for the same seed."""
    rng = random.Random(seed)
    for kind, (name, draw) in KINDS.items():
        for place, (path, write) in PLACES.items():
            for _ in range(each):
                yield Planted(kind, place, path, write(name, draw(rng)).encode())
