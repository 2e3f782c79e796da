"""What can be asked of the service: each operation once, for both clients."""

import json
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import quote as quoted

from gongji_client import shapes
from gongji_client.errors import GongjiError, Refused, Unknown
from gongji_client.exchange import Answer, Ask, Dialogue, Retries, converse

T = TypeVar("T")

PagesOf = Callable[[str | None], Dialogue[tuple[list[T], str | None]]]
"""A list that comes in pages: from a cursor to the items and the next cursor."""

READING = frozenset({"/v1/accounts:search", "/v1/quotes", "/v1/reconciliations"})
"""POSTs that change nothing."""
UNKEYED = {
    "/v1/accounts:search": True,
    "/v1/quotes": True,
    "/v1/settlements:batch": True,
    "/v1/reconciliations": True,
    "/v1/audit/replays": False,
    "/v1/policies/rehearsals": False,
    "/v1/witness/cosignature": False,
}
"""Changes that take no key, and whether sending one twice does what sending it once does."""
UNDONE = ("refused", "cancelled", "reversed")


class Operations:
    """Every operation as an exchange; nothing is sent before a client carries it out."""

    def __init__(
        self, retries: Retries, new_key: Callable[[], str], jitter: Callable[[], float]
    ) -> None:
        """`jitter` is chance between 0 and 1; `new_key` makes 1 to 64 printable characters."""
        self._retries = retries
        self._new_key = new_key
        self._jitter = jitter

    def call(
        self, method: str, path: str, body: object = None, key: str | None = None
    ) -> Dialogue[Any]:
        """Any operation under `/v1`: its JSON answer. A change without a key gets a new one."""
        return _json_of(self._asked(method, path, {}, body, key))

    def quote(self, claim: shapes.ClaimJson) -> Dialogue[shapes.QuoteJson]:
        """What settling now would answer."""
        return self.call("POST", "/v1/quotes", claim)

    def settle(
        self, claim: shapes.ClaimJson, key: str | None = None
    ) -> Dialogue[shapes.SettlementJson]:
        """Settle a claim. Of a settlement that changed since, `status` says how it stands."""
        answer = yield from self._asked("POST", "/v1/settlements", {}, claim, key)
        settled = cast(shapes.SettlementJson, json.loads(answer.content))
        settled["status"] = answer.headers.get("gongji-since", settled["status"])
        return settled

    def settle_or_reverse(
        self, claim: shapes.ClaimJson, key: str | None = None
    ) -> Dialogue[shapes.SettlementJson | None]:
        """Settle a claim, or reverse its key where no answer comes: None is surely not settled.

        Raises:
            Unknown: the reversal has no answer either. The same call with its `key` finds out.
        """
        key = key or self._new_key()
        try:
            settled = yield from self.settle(claim, key)
        except Unknown as unknown:
            return (yield from self._given_up(key, unknown))
        return _standing(settled)

    def _given_up(self, key: str, unknown: Unknown) -> Dialogue[shapes.SettlementJson | None]:
        """Reverse a key in doubt; a settlement that can no longer be reversed stands."""
        try:
            yield from self.reverse(key)
        except Refused:
            pass
        except GongjiError:
            raise unknown from None
        else:
            return None
        try:
            found = yield from self.settlement_by_key(key)
        except GongjiError:
            raise unknown from None
        return _standing(cast(shapes.SettlementJson, found))

    def settlement(
        self, settlement_id: str
    ) -> Dialogue[shapes.SettlementJson | shapes.PartJson | shapes.RefusedJson]:
        """A settlement as it stands; a sponsor sees his part."""
        return self.call("GET", _at("/v1/settlements", settlement_id))

    def settlement_by_key(self, key: str) -> Dialogue[shapes.SettlementJson | shapes.RefusedJson]:
        """The settlement that a key made."""
        return _json_of(self._asked("GET", "/v1/settlements", {"key": key}))

    def cancel(
        self, settlement_id: str, reason: str, key: str | None = None
    ) -> Dialogue[shapes.CancellationJson]:
        """Take a settlement back as a whole."""
        path = _at("/v1/settlements", settlement_id, "cancellation")
        return self.call("POST", path, {"reason": reason}, key)

    def refund(
        self,
        settlement_id: str,
        *,
        amount: str | None = None,
        lines: Sequence[shapes.RefundLineJson] | None = None,
        key: str | None = None,
    ) -> Dialogue[shapes.RefundJson]:
        """Return a part: an amount in yuan, or amounts of lines."""
        body = _told(amount=amount, lines=lines)
        return self.call("POST", _at("/v1/settlements", settlement_id, "refunds"), body, key)

    def reverse(self, settlement_key: str, key: str | None = None) -> Dialogue[shapes.ReversalJson]:
        """Undo what a key did; final even where that command arrives later."""
        return self.call("POST", "/v1/reversals", {"key": settlement_key}, key)

    def invite(
        self, invitation: shapes.InvitationJson, key: str | None = None
    ) -> Dialogue[shapes.BindingJson]:
        """Offer to pay for somebody."""
        return self.call("POST", "/v1/bindings", invitation, key)

    def confirm(
        self,
        binding_id: str,
        confirmation: shapes.ConfirmationJson | None = None,
        key: str | None = None,
    ) -> Dialogue[shapes.BindingJson]:
        """Accept an invitation."""
        path = _at("/v1/bindings", binding_id, "confirmation")
        return self.call("POST", path, confirmation or {}, key)

    def order(
        self, person_no: str, order: shapes.OrderJson | None = None, key: str | None = None
    ) -> Dialogue[shapes.OrderStandJson]:
        """The order in which sponsors pay for somebody; with `order` it is set."""
        path = _at("/v1/accounts", person_no, "deduction-order")
        return self.call("GET", path) if order is None else self.call("PUT", path, order, key)

    def account(self, person_no: str) -> Dialogue[shapes.AccountJson]:
        """An account as it stands."""
        return self.call("GET", _at("/v1/accounts", person_no))

    def entries(self, person_no: str) -> PagesOf[shapes.EntryJson]:
        """An account's movements, newest first."""
        return self.listed(_at("/v1/accounts", person_no, "entries"))

    def bills(self, person_no: str) -> PagesOf[shapes.BillJson]:
        """A patient's bills, newest first."""
        return self.listed(_at("/v1/accounts", person_no, "bills"))

    def bindings(self, status: str | None = None) -> PagesOf[dict[str, Any]]:
        """The caller's bindings."""
        return self.listed("/v1/bindings", _told(status=status))

    def settlements(self, day: str) -> PagesOf[shapes.ListedSettlementJson]:
        """The caller's settlements of a business day."""
        return self.listed("/v1/settlements", {"day": day})

    def listed(self, path: str, query: Mapping[str, str] | None = None) -> PagesOf[Any]:
        """Any list of the service."""
        return partial(self._page, path, query or {})

    def events(self, after: int = 0) -> PagesOf[shapes.LoggedEventJson]:
        """The log's events after a position, up to its head."""
        return partial(self._feed, after)

    def _page(
        self, path: str, query: Mapping[str, str], cursor: str | None
    ) -> Dialogue[tuple[list[Any], str | None]]:
        from_here = {**query, **_told(cursor=cursor)}
        page = yield from _json_of(self._asked("GET", path, from_here))
        return page["items"], page["next"]

    def _feed(
        self, after: int, cursor: str | None
    ) -> Dialogue[tuple[list[shapes.LoggedEventJson], str | None]]:
        answer = yield from self._asked("GET", "/v1/events", {"after": cursor or str(after)})
        events = [json.loads(line) for line in answer.content.splitlines()]
        return events, str(events[-1]["position"]) if events else None

    def _asked(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: object = None,
        key: str | None = None,
    ) -> Dialogue[Answer]:
        if not path.startswith("/v1/"):
            raise ValueError("this client asks under /v1 alone")
        is_change = method != "GET"
        is_keyed = is_change and path not in UNKEYED
        if key is not None and not is_keyed:
            raise ValueError("this operation takes no key")
        if is_keyed:
            key = key or self._new_key()
        headers = {"Idempotency-Key": key} if key else {}
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return converse(
            Ask(method, path, query, headers, content),
            key,
            self._retries,
            self._jitter,
            is_change=is_change and path not in READING,
            is_repeatable=UNKEYED.get(path, True),
        )


def _standing(settlement: shapes.SettlementJson) -> shapes.SettlementJson | None:
    return None if settlement["status"] in UNDONE else settlement


def _json_of(exchange: Dialogue[Answer]) -> Dialogue[Any]:
    answer = yield from exchange
    return json.loads(answer.content)


def _told(**members: Any) -> dict[str, Any]:  # noqa: ANN401 -- JSON
    return {name: value for name, value in members.items() if value is not None}


def _at(collection: str, identity: str, *rest: str) -> str:
    """The path of one thing; a slash in its identity stays part of it."""
    return "/".join((collection, quoted(identity, safe=""), *rest))
