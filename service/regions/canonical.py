"""The canonical text of an edition, as the log stores it."""

import json

from pydantic import ConfigDict, TypeAdapter

from aggregates.policy.edition import Edition

LATER_KEYS: dict[tuple[str, ...], object] = {("money", "credit_four_eyes_above_fen"): None}
"""Optional keys newer than the first editions, by path, and the default that each has in JSON.

Stating the default is the same as leaving the key out: the text of an older edition is unchanged.
"""
_TOML_NAMES = {"institution_class": "class", "from_": "from"}  # words that Python keeps for itself
_STRICT = ConfigDict(
    strict=True, extra="forbid", alias_generator=lambda name: _TOML_NAMES.get(name, name)
)
ONE_EDITION = TypeAdapter(tuple[Edition], config=_STRICT)  # dataclasses inherit this config


def canonical(edition: Edition) -> bytes:
    """The canonical JSON of an edition: sorted keys, UTF-8, no spaces, the file's names."""
    (content,) = ONE_EDITION.dump_python((edition,), mode="json", by_alias=True)
    for (*sections, key), default in LATER_KEYS.items():
        within = content
        for section in sections:
            within = within.get(section) or {}
        if within.get(key) == default:  # as if left out: the text of old editions is unchanged
            within.pop(key, None)
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def from_canonical(content: bytes) -> Edition:
    """The edition that `canonical` wrote."""
    return ONE_EDITION.validate_json(b"[" + content + b"]")[0]
