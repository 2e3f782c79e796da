"""`rewrap` and `accesses` as an operator runs them, beside a service and without one."""

import json
import re
from pathlib import Path

import httpx

from tests.api.clients import HOME, an_opening
from tests.api.programs import Service, a_place, a_service, run


def look(service: Service, token: str) -> int:
    headers = {"Authorization": f"Bearer {token.strip()}"}
    return httpx.get(
        f"{service.address}/v1/accounts/P1", headers=headers, trust_env=False
    ).status_code


def test_a_key_is_replaced_and_accesses_are_checked(tmp_path: Path) -> None:
    """Beside the service both keys stay and everybody is read; after its end the old one goes."""
    lines = tmp_path / "lines.ndjson"
    lines.write_text(json.dumps({"type": "account"} | an_opening("P1")) + "\n")
    with a_place() as place:
        data = place / "data"
        named = ("--data", str(data))
        with a_service(data, "--no-demo") as service:
            run("import", *named, str(lines))
            token = run("token", *named, "--role", "agency", "--region", HOME)
            assert 200 == look(service, token)
            beside = run("rewrap", *named, status=1)
            assert 200 == look(service, token)
            checked = run("accesses", *named)
        both = json.loads((data / "keys.json").read_text())
        alone = run("rewrap", *named)
        one = json.loads((data / "keys.json").read_text())
        with a_service(data, "--no-demo") as service:
            assert 200 == look(service, token)
        pruned = run("accesses", *named, "--prune")

    assert "1 keys wrapped anew" in beside
    assert "restart it" in beside
    assert "the old wrapping key is gone" in alone
    assert {"previous"} == set(both) - set(one)
    assert re.fullmatch(r"whole 2 [0-9a-f]{64}\n", checked)
    assert re.fullmatch(r"whole 3 [0-9a-f]{64}\n0 forgotten\n", pruned)
