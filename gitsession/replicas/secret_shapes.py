"""Credentials that have a shape: the issuers' own formats, as they document them for secret scanning."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

ANYWHERE = -1
_EDGE = r"(?<![A-Za-z0-9_-])"


@dataclass(frozen=True)
class Rule:
    """A credential with a shape of its own.

    Args:
        kind: What it is, for people.
        shape: A regular expression; the group `value`, or else the whole match, is the secret. It is compiled
            when first needed, because most runs need few.
        needs: Literals of which one must be there: the shape is tried only around them, so that a rule costs
            one search for a literal. A regular expression alone would be tried at every character.
        lead: How many characters before the literal the shape may begin; ANYWHERE to try the whole text.
        strong: Whether the shape alone is proof enough to look for it in binary files too.
    """

    kind: str
    shape: str
    needs: tuple[str, ...]
    strong: bool = True
    lead: int = 0

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The compiled shape."""
        return re.compile(self.shape)


def _shape(kind: str, pattern: str, *needs: str, strong: bool = True, lead: int = 0) -> Rule:
    return Rule(kind, pattern, needs, strong, lead)


def _token(kind: str, pattern: str, *needs: str, lead: int = 0) -> Rule:
    return _shape(kind, f"{_EDGE}(?:{pattern})", *needs, lead=lead)


RULES: tuple[Rule, ...] = (
    _shape(
        "private key",
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?P<value>[\s\S]{0,200}?[A-Za-z0-9+/]{40})",
        "-----BEGIN ",
    ),
    _shape("PuTTY private key", r"PuTTY-User-Key-File-[23]: \S+", "PuTTY-User-Key"),
    _token("age secret key", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "AGE-SECRET-KEY-1"),
    _token(
        "AWS access key",
        r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])",
        "AKIA",
        "ASIA",
        "ABIA",
        "ACCA",
    ),
    _shape("Azure storage key", r"AccountKey=(?P<value>[A-Za-z0-9+/]{86}==)", "AccountKey="),
    _shape("Azure client secret", r"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])", "Q~", lead=4),
    _token("Google API key", r"AIza[\w-]{35}(?![\w-])", "AIza"),
    _token("Google OAuth secret", r"GOCSPX-[\w-]{28}", "GOCSPX-"),
    _token("Google OAuth token", r"ya29\.[\w-]{30,}", "ya29."),
    _token(
        "GitHub token",
        r"gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{50,}",
        "ghp_",
        "gho_",
        "ghu_",
        "ghs_",
        "ghr_",
        "github_pat_",
    ),
    _token("GitLab token", r"gl(?:pat|dt|ft|soat|rt|cbt|ptt|imt|agent|oas)-[\w.-]{20,}", "gl"),
    _token("Hugging Face token", r"(?:hf|api_org)_[A-Za-z]{30,40}(?![A-Za-z0-9])", "hf_", "api_org_"),
    _token(
        "OpenAI key",
        r"sk-(?:proj|svcacct|admin|None)-[\w-]{40,}"
        r"|sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}|sk-[A-Za-z0-9]{48}(?!\w)",
        "sk-",
    ),
    _token("Anthropic key", r"sk-ant-[\w-]{60,}", "sk-ant-"),
    _token("OpenRouter key", r"sk-or-v1-[0-9a-f]{64}", "sk-or-v1-"),
    _token("Groq key", r"gsk_[A-Za-z0-9]{40,}", "gsk_"),
    _token("Replicate token", r"r8_[A-Za-z0-9]{37,40}(?!\w)", "r8_"),
    _token("Perplexity key", r"pplx-[A-Za-z0-9]{40,}", "pplx-"),
    _token("Databricks token", r"dapi[0-9a-f]{32}(?:-\d)?(?![0-9a-f])", "dapi"),
    _shape(
        "Weights & Biases key",
        r"(?i:wandb|w&b)[^\n]{0,60}?"
        r"(?<![0-9A-Za-z])(?P<value>[0-9a-f]{40}|wandb_v1_\w{60,})(?![0-9A-Za-z])",
        "wandb",
        "WANDB",
        strong=False,
    ),
    _shape(
        "Kaggle key",
        r"[\"']username[\"']\s{0,4}:\s{0,4}[\"'][^\"'\n]{1,60}[\"']"
        r"\s{0,4},\s{0,8}[\"']key[\"']\s{0,4}:\s{0,4}[\"'](?P<value>[0-9a-f]{32})[\"']",
        "'username",
        '"username',
        strong=False,
    ),
    _token("Kaggle token", r"KGAT_[0-9a-fA-F]{32}", "KGAT_"),
    _token(
        "Slack token",
        r"xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{20,}|xapp-\d-[A-Za-z0-9-]{40,}",
        "xox",
        "xapp-",
    ),
    _shape(
        "Slack webhook",
        r"hooks\.slack\.com/(?:services|workflows)/[A-Z]\w{7,}/\w{8,}/\w{16,}",
        "hooks.slack.com",
    ),
    _token(
        "Discord bot token",
        r"[MNO][A-Za-z\d_-]{23,27}\.[A-Za-z\d_-]{6}\.[A-Za-z\d_-]{27,40}(?![\w-])",
        "discord",
        "Discord",
        "DISCORD",
        "bot",
        "BOT",
        lead=ANYWHERE,
    ),
    _shape("Discord webhook", r"discord(?:app)?\.com/api/webhooks/\d{17,20}/[\w-]{60,}", "/api/webhooks/"),
    _token("Telegram bot token", r"\d{8,10}:A[A-Za-z0-9_-]{34}(?![\w-])", ":A", lead=10),
    _token("Twilio key", r"SK[0-9a-f]{32}(?![0-9A-Za-z])", "SK"),
    _token("SendGrid key", r"SG\.[\w-]{22}\.[\w-]{43}", "SG."),
    _shape("Mailgun key", r"key-[0-9a-f]{32}(?![0-9A-Za-z])", "key-"),
    _token("Mailchimp key", r"[0-9a-f]{32}-us\d{1,2}(?!\w)", "-us", lead=32),
    _token(
        "Stripe key",
        r"[sr]k_(?:live|test)_[A-Za-z0-9]{24,}|whsec_[A-Za-z0-9]{32,}",
        "k_live_",
        "k_test_",
        "whsec_",
        lead=1,
    ),
    _token("Square token", r"sq0(?:csp|atp)-[\w-]{22,}|EAAA[\w-]{60}(?![\w-])", "sq0", "EAAA"),
    _token("PayPal token", r"access_token\$production\$[0-9a-z]{16}\$[0-9a-f]{32}", "access_token$"),
    _token("Shopify token", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}", "shpat_", "shpca_", "shppa_", "shpss_"),
    _token("npm token", r"npm_[A-Za-z0-9]{36}(?!\w)", "npm_"),
    _shape(
        "npm token",
        r"_authToken\s{0,3}=\s{0,3}(?P<value>[0-9a-f]{8}-[0-9a-f-]{27})",
        "_authToken",
        strong=False,
    ),
    _token("PyPI token", r"pypi-AgE[\w-]{60,}", "pypi-AgE"),
    _token("RubyGems key", r"rubygems_[0-9a-f]{48}", "rubygems_"),
    _token("crates.io token", r"cio[A-Za-z0-9]{32}(?!\w)", "cio"),
    _token("Docker Hub token", r"dckr_(?:pat|oat)_[\w-]{27,}", "dckr_"),
    _token("DigitalOcean token", r"do[oprt]_v1_[0-9a-f]{64}", "_v1_", lead=3),
    _token("Heroku key", r"HRKU-[\w-]{36,}", "HRKU-"),
    _token("Hashicorp Vault token", r"hv[sbr]\.[\w-]{24,}", "hvs.", "hvb.", "hvr."),
    _token("Terraform token", r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,70}", ".atlasv1.", lead=14),
    _token("Atlassian token", r"ATATT3[\w=-]{150,}|ATCTT3[\w=-]{150,}", "ATATT3", "ATCTT3"),
    _token("Linear key", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,}", "lin_"),
    _token("Notion token", r"secret_[A-Za-z0-9]{43}(?!\w)|ntn_[A-Za-z0-9]{40,}", "secret_", "ntn_"),
    _token("Airtable token", r"pat[A-Za-z0-9]{14}\.[0-9a-f]{64}", "pat"),
    _token("Postman key", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}", "PMAK-"),
    _token("New Relic key", r"NRAK-[A-Z0-9]{27}|NRJS-[0-9a-f]{19}", "NRAK-", "NRJS-"),
    _token(
        "Grafana token", r"glc_[A-Za-z0-9+/]{32,}={0,2}|glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}", "glc_", "glsa_"
    ),
    _token("Sentry token", r"sntry[su]_[A-Za-z0-9_+/=-]{60,}", "sntrys_", "sntryu_"),
    _shape(
        "Facebook token", r"(?<![A-Za-z0-9+/])EAA[A-Z][A-Za-z0-9]{90,}(?![A-Za-z0-9+/])", "EAA", strong=False
    ),
    _token("Mapbox secret token", r"sk\.eyJ[\w-]{40,}\.[\w-]{20,}", "sk.eyJ"),
    _token("Doppler token", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{40,}", "dp."),
    _token("Pulumi token", r"pul-[0-9a-f]{40}(?!\w)", "pul-"),
    _token("Supabase key", r"sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,}", "sbp_", "sb_secret_"),
    _token("Pinecone key", r"pcsk_[\w]{40,}", "pcsk_"),
    _token("ngrok key", r"(?:ngrok|ak|cr)_[A-Za-z0-9]{27}_[A-Za-z0-9]{21}(?!\w)", "ngrok_", "ak_", "cr_"),
    _shape(
        "ngrok authtoken",
        r"(?i:ngrok|auth_?token)[^\n]{0,80}?(?<!\w)(?P<value>2[A-Za-z0-9]{24,30}_[A-Za-z0-9]{18,24})(?!\w)",
        "ngrok",
        "NGROK",
        "authtoken",
        "auth_token",
        strong=False,
    ),
    _token("JSON Web Token", r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{20,}", "eyJ"),
    _shape(
        "password in a URL",
        r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s:/@'\"<>?#]{0,80}:(?P<value>[^\s@/'\"<>]{3,100})@[\w\[]",
        "://",
        strong=False,
        lead=22,
    ),
    _shape(
        "Authorization header",
        r"(?:uthorization|UTHORIZATION)[\"']?\s{0,4}[:=,]\s{0,4}[bf]?[\"']?(?i:bearer|basic|token)\s{1,4}(?P<value>[\w.~+/=-]{16,})",
        "uthorization",
        "UTHORIZATION",
        strong=False,
    ),
)
