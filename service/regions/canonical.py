"""The canonical text of an edition, as the log stores it."""

import json

from pydantic import ConfigDict, TypeAdapter

from aggregates.policy.edition import Edition

LATER_KEYS: dict[tuple[str, ...], object] = {
    ("money", "credit_four_eyes_above_fen"): None,
    ("money", "insurance_year_from"): "01-01",
    ("money", "resident_balance"): False,
    ("money", "sponsor_cap_scope"): "PER_BINDING",
    ("money", "reserve_basis"): None,
    ("order", "tie_break"): "BINDING_ID",
    ("order", "second_swipe_minutes"): None,
    ("order", "authoriser_code"): None,
    ("order", "order_asked_at_second_sponsor"): False,
    ("binding", "activation_by_relation"): {},
    ("binding", "suspension_ends_binding"): False,
    ("binding", "excluded_sponsors"): [],
    ("binding", "review_days"): None,
    ("binding", "rank_at_binding"): False,
    ("binding", "credential_required"): "NONE",
    ("binding", "both_credentials_active"): False,
    ("binding", "min_bind_holds"): "EITHER",
    ("place", "med_types_refused"): [],
    ("place", "own_place_scope"): [],
    ("place", "filing_at_home"): True,
    ("items", "bucket_rules"): [],
    ("items", "aid_with_fund_pay"): True,
    ("premium", "premium_tiers"): [],
    ("premium", "premium_reserve_fen"): {},
    ("premium", "premium_buckets"): {},
    ("pool",): None,
    ("shadow_from",): None,
}
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
