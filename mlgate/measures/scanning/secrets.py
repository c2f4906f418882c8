"""Texts that look like secrets, in any bytes. What is found is told by kind and place and never repeated."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

OVERLAP = 4096
"""Bytes of one block that are looked at again with the next: no secret that is known here is longer."""

LEAST_ENTROPY = 3.5
"""Bits a character. Words of a language have about 3 in texts of this length, random base64 more than 4."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One kind of secret."""

    kind: str
    regex: re.Pattern[bytes]
    begins: tuple[bytes, ...]
    """One of these is in the bytes wherever the pattern matches: searching for it first is much faster."""


def _pattern(kind: str, regex: bytes, *begins: bytes) -> Pattern:
    return Pattern(kind, re.compile(regex), begins)


PATTERNS = (
    _pattern("AWS access key id", rb"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Z0-9])",
             b"AKIA", b"ASIA", b"ABIA", b"ACCA"),
    _pattern("GitHub token", rb"gh[pousr]_[A-Za-z0-9]{36,255}(?![A-Za-z0-9])",
             b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_"),
    _pattern("GitHub fine-grained token", rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}", b"github_pat_"),
    _pattern("GitLab token", rb"glpat-[A-Za-z0-9_-]{20,}", b"glpat-"),
    _pattern("Slack token", rb"xox[abeoprs]-[0-9A-Za-z-]{20,}", b"xox"),
    _pattern("Slack webhook", rb"hooks\.slack\.com/services/T[A-Z0-9]{6,}/B[A-Z0-9]{6,}/[A-Za-z0-9]{20,}",
             b"hooks.slack.com"),
    _pattern("Google API key", rb"AIza[0-9A-Za-z_-]{35}(?![A-Za-z0-9_-])", b"AIza"),
    _pattern("Google OAuth secret", rb"GOCSPX-[A-Za-z0-9_-]{28}", b"GOCSPX-"),
    _pattern("Stripe key", rb"[rs]k_live_[0-9A-Za-z]{24,}", b"k_live_"),
    _pattern("OpenAI key", rb"sk-(?:(?:proj|svcacct|admin)-[A-Za-z0-9_-]{40,}"
             rb"|[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20})", b"sk-"),
    _pattern("Anthropic key", rb"sk-ant-[a-z0-9]{2,8}-[A-Za-z0-9_-]{40,}", b"sk-ant-"),
    _pattern("Hugging Face token", rb"hf_[A-Za-z]{34}(?![A-Za-z0-9])", b"hf_"),
    _pattern("npm token", rb"npm_[A-Za-z0-9]{36}(?![A-Za-z0-9])", b"npm_"),
    _pattern("PyPI token", rb"pypi-AgE[A-Za-z0-9_-]{50,}", b"pypi-AgE"),
    _pattern("Databricks token", rb"dapi[0-9a-f]{32}(?![0-9a-f])", b"dapi"),
    _pattern("Azure storage key", rb"AccountKey=[A-Za-z0-9+/]{86}==", b"AccountKey="),
    _pattern("private key", rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----", b"PRIVATE KEY"),
    _pattern("JSON web token", rb"eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{16,}",
             b"eyJ"),
    _pattern("password in a URL", rb"[a-zA-Z][a-zA-Z0-9+.-]{1,30}://[^\s/:@'\"<>{}$]{0,100}:"
             rb"(?P<value>[^\s/:@'\"<>{}$*]{3,200})@[A-Za-z0-9.-]{2,}", b"://"),
)  # fmt: skip
"""Kinds that have a form of their own, as their issuers document it; gitleaks and GitHub know them so, too.

None asks what stands before it: in a pickle that is the length of the text, which may be a letter."""

ASSIGNED = re.compile(
    rb"(?i)(?:password|passwd|secret|token|api_?-?key|access_?-?key|credential)[\w-]{0,30}[\"']?\s{0,5}[:=]\s{0,5}"
    rb"(?P<quote>[\"']?)(?P<value>[A-Za-z0-9+/_=.~!@#$%^&-]{12,200})(?P=quote)(?=[\s,;}\)]|$)"
)
"""A text that is named as a secret; it counts only where it looks random, in what is text."""

WORDS = re.compile(
    rb"(?i)example|changeme|your[_-]?|placeholder|xxxx|\.\.\.|<|dummy|redacted|^env[:.]|^os\.|getenv"
)


WIDE = {
    width: re.compile(rb"(?:[\x20-\x7e]" + rb"\0" * (width - 1) + rb"){12,}[\x20-\x7e]?") for width in (2, 4)
}
"""Texts of UTF-16 and UTF-32, by the bytes of a letter; one order of bytes is the other, shifted."""


@dataclass(frozen=True, slots=True)
class Found:
    """A secret, without itself."""

    kind: str
    offset: int
    """In bytes from the start of what was searched."""


def search(block: bytes, *, text: bool) -> Iterator[Found]:
    """Yield what looks like a secret; values that are only named as one are looked for in text."""
    yield from _wide(block)
    for one in PATTERNS:
        if not any(begin in block for begin in one.begins):
            continue
        for match in one.regex.finditer(block):
            value = match.groupdict().get("value", match[0])
            if not WORDS.search(value):
                yield Found(one.kind, match.start())
    if not text:
        return
    for match in ASSIGNED.finditer(block):
        value = match["value"]
        if not WORDS.search(value) and _random(value):
            yield Found("value that is named as a secret", match.start("value"))


def _wide(block: bytes) -> Iterator[Found]:
    """Yield what lies in texts of two or four bytes a letter, as NumPy keeps them in its arrays."""
    if b"\0" not in block:
        return
    letters = block.translate(None, b"\0")  # much faster to look through than the block with its zeros
    if not any(begin in letters for one in PATTERNS for begin in one.begins):
        return
    for width, regex in WIDE.items():
        for match in regex.finditer(block):
            for found in search(match[0][::width], text=False):
                yield Found(found.kind, match.start() + width * found.offset)


def _random(value: bytes) -> bool:
    """Whether a text has digits and letters, and as many bits a character as chance gives."""
    if not (re.search(rb"[0-9]", value) and re.search(rb"[A-Za-z]", value)):
        return False
    size = len(value)
    return -sum(n / size * math.log2(n / size) for n in Counter(value).values()) >= min(
        LEAST_ENTROPY, 0.85 * math.log2(size)
    )
