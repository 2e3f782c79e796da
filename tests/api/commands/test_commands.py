"""The commands of the start script, as processes where a process is what matters."""

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OKPKey

from api.app import plain_app
from api.http.texts import PROBLEM_TEXTS
from api.processes.tax_side import STAND_IN
from tests.api.clients import CANARY_ID, CANARY_NAME, HOME, HOSPITAL, a_claim, an_opening
from tests.api.programs import ROOT, Service, a_place, a_service, command, run, unread

GOOD = (
    {
        "type": "institution",
        "code": HOSPITAL.subject,
        "name": "医院",
        "class": "hospital",
        "region": HOME,
    },
    {"type": "account"} | an_opening("P1", name=CANARY_NAME, cert_no=CANARY_ID),
    {"type": "account"} | an_opening("S1"),
    {"type": "credit", "person_no": "P1", "amount": "20.00", "reference": "r1"},
    {"type": "credit", "person_no": "S1", "amount": "500.00"},
    {
        "type": "binding",
        "sponsor": "S1",
        "beneficiary": "P1",
        "relation": "spouse",
        "confirmed_at": "2025-01-01T09:00:00+08:00",
    },
    {"type": "order", "beneficiary": "P1", "sponsors": ["S1"]},
    {"type": "claim", "key": "c1", "institution": HOSPITAL.subject} | a_claim(),
)
BAD = (
    b"{",
    b'{"type":"gift"}',
    json.dumps({"type": "credit", "person_no": "S1", "amount": "1.5"}).encode(),
)


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Path, Service]]:
    """A service without the demo, and its data directory."""
    with a_place() as place, a_service(place / "data", "--no-demo") as service:
        yield place / "data", service


def a_file(place: Path, *lines: object) -> str:
    path = place / "lines.ndjson"
    raw = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(raw) + b"\n")
    return str(path)


def get(service: Service, token: str, path: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(service.address + path, headers=headers, trust_env=False)


def test_a_token_opens_the_running_service(running: tuple[Path, Service]) -> None:
    """A token printed beside the service says role, subject and days, and is let in."""
    data, service = running
    token = run("token", "--data", str(data), "--role", "agency", "--region", HOME, "--days", "2")
    key = OKPKey.import_key(json.loads((data / "issuer.json").read_text()))
    claims = jwt.decode(token.strip(), key, algorithms=["Ed25519"]).claims

    assert ("agency", HOME, 2 * 86400) == (
        claims["role"],
        claims["region"],
        claims["exp"] - claims["iat"],
    )
    assert 200 == get(service, token.strip(), f"/v1/policies/{HOME}").status_code
    assert "--subject" in run("token", "--data", str(data), "--role", "person", status=2)
    for region in ((), ("--region", ""), ("--region", "**")):
        told = run("token", "--data", str(data), "--role", "agency", *region, status=2)
        assert "--region '*'" in told
    nation = run("token", "--data", str(data), "--role", "agency", "--region", "*")
    assert 200 == get(service, nation.strip(), f"/v1/policies/{HOME}").status_code


def test_a_file_is_imported_beside_the_service(
    running: tuple[Path, Service], tmp_path: Path
) -> None:
    """Every kind of line goes in once; bad ones stop nothing and are told by number and reason."""
    data, service = running
    path = a_file(tmp_path, *GOOD[:3], *BAD, *GOOD[3:])
    first = run("import", "--data", str(data), path, status=1)

    assert [
        "line 4: JSON_INVALID: The body is not valid JSON.",
        "line 5: FIELD_INVALID: A member has an invalid value.",
        f"line 6: AMOUNT_FORMAT credit.amount: {PROBLEM_TEXTS['AMOUNT_FORMAT'].en}",
    ] == first.splitlines()[:3]
    assert "account 2, bad 3, binding 1, claim 1, credit 2, institution 1, order 1" in first
    assert CANARY_ID not in first
    assert CANARY_NAME not in first
    ready = httpx.get(service.address + "/readyz", trust_env=False).json()
    again = run("import", "--data", str(data), a_file(tmp_path, *GOOD))
    assert "account again 2" in again
    assert "claim again 1" in again
    assert ready == httpx.get(service.address + "/readyz", trust_env=False).json()
    token = run(
        "token", "--data", str(data), "--role", "institution", "--subject", HOSPITAL.subject
    )
    found = get(service, token.strip(), "/v1/settlements?key=c1").json()
    assert ("20.00", "44.25") == (found["own"], found["aid"])
    assert "no file" in run("import", "--data", str(data), str(tmp_path / "none"), status=2)


def test_rejected_lines_are_kept_to_be_mended(
    running: tuple[Path, Service], tmp_path: Path
) -> None:
    """A file takes the bad lines as they were, for its owner alone; mended, they go in."""
    data, _ = running
    nobody = {"type": "credit", "person_no": "NOBODY", "amount": "1.00", "reference": "q7"}
    path = a_file(tmp_path, {"type": "account"} | an_opening("Q7"), nobody, *BAD)
    rejects = tmp_path / "rejects.ndjson"
    words = ("import", "--data", str(data), path, "--rejects", str(rejects))
    told = run(*words, status=1).splitlines()

    assert told[0] == "line 2 (credit): NOT_FOUND: It does not exist, or it is not yours."
    assert told[-1] == f"rejected lines: {rejects}"
    assert Path(path).read_bytes().splitlines()[1:] == rejects.read_bytes().splitlines()
    assert 0o600 == rejects.stat().st_mode & 0o777
    rejects.write_text(json.dumps(nobody | {"person_no": "Q7"}))
    assert "credit 1" in run("import", "--data", str(data), str(rejects))
    nowhere = str(tmp_path / "none" / "rejects")
    for wrong in (path, nowhere):
        assert "rejects" in run(*words[:3], path, "--rejects", wrong, status=2)


def test_an_import_that_nobody_reads_is_whole(
    running: tuple[Path, Service], tmp_path: Path
) -> None:
    """A reader that stops changes neither what is applied nor the status."""
    data, _ = running
    account = {"type": "account"} | an_opening("Q1")
    path = a_file(tmp_path, *BAD, account)
    words = ("import", "--data", str(data), path)

    assert (1, "") == unread(command(*words))
    assert f"account again 1, bad {len(BAD)}" in run(*words, status=1)


def test_read_models_are_rebuilt_beside_the_service(running: tuple[Path, Service]) -> None:
    """All of them, or one, and the service goes on answering."""
    data, service = running
    assert "events" in run("rebuild", "--data", str(data))
    assert "statements" in run("rebuild", "--data", str(data), "statements")
    run("rebuild", "--data", str(data), "nothing", status=2)
    assert 200 == httpx.get(service.address + "/readyz", trust_env=False).status_code


def test_a_second_start_says_who_holds_the_data(running: tuple[Path, Service]) -> None:
    """It names the process and ends with 1; the first one goes on."""
    data, service = running
    said = run("run", "--data", str(data), "--port", "0", status=1)

    assert str(service.process.pid) in said
    assert 200 == httpx.get(service.address + "/livez", trust_env=False).status_code


def test_the_old_year_is_closed_beside_the_service(
    running: tuple[Path, Service], tmp_path: Path
) -> None:
    """By the business clock it is given: once each account, then none; and time never runs back."""
    data, service = running
    opened = {"type": "account"} | an_opening("Y1")
    run("import", "--data", str(data), a_file(tmp_path, opened))
    assert "on 0 accounts" in run("close-year", "--data", str(data))
    late = ("close-year", "--data", str(data), "--clock", "2090-01-01T00:00:00+08:00")
    assert re.search(r"closed 2089 on [1-9]\d* accounts", run(*late))
    again = (*late[:-1], "2090-01-02T00:00:00+08:00")
    assert "closed 2089 on 0 accounts" in run(*again)
    assert 200 == httpx.get(service.address + "/readyz", trust_env=False).status_code
    early = run("close-year", "--data", str(data), "--clock", "2089-12-31T00:00:00Z", status=1)
    assert "--clock" in early
    nowhere = {"GONGJI_DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    assert "embedded" in run(*late, status=1, **nowhere)


def test_a_service_tells_a_day_stops_cleanly_and_never_runs_back() -> None:
    """The demo, `ready`, SIGTERM and exit 0; an earlier clock is refused, a later one runs."""
    with a_place() as place:
        with a_service(place, "--clock", "2026-06-30T23:59:50+08:00") as service:
            assert "演示" in service.told[0]
            assert any("现金 cash: 0.00" in line for line in service.told)
            assert 0 == service.stop()
        early = ("--clock", "2026-06-30T23:59:00+08:00")
        said = run("run", "--data", str(place), "--port", "0", *early, status=1)
        assert "--clock" in said
        with a_service(place, "--clock", "2026-07-01T00:00:00+08:00") as service:
            assert STAND_IN.splitlines() == service.told[:-1], "the day is told once"
            assert 0 == service.stop(signal.SIGINT)


def test_commands_take_the_time_of_the_service(tmp_path: Path) -> None:
    """Beside `run --clock`, and after it, an import does not bring the machine's time in (D22)."""
    with a_place() as place:
        with a_service(place, "--no-demo", "--clock", "2026-06-30T08:00:00+08:00") as service:
            run("import", "--data", str(place), a_file(tmp_path, *GOOD[:2]))
            run("close-year", "--data", str(place))
            assert 0 == service.stop()
        run("import", "--data", str(place), a_file(tmp_path, *GOOD[2:4]))
        later = ("--clock", "2026-06-30T08:10:00+08:00")
        with a_service(place, "--no-demo", *later) as service:
            assert "import" not in run("import", "--data", str(place), a_file(tmp_path, *GOOD))
            assert 0 == service.stop()
        with a_service(place, "--no-demo") as service:
            ready = httpx.get(service.address + "/readyz", trust_env=False).json()
            run("import", "--data", str(place), a_file(tmp_path, GOOD[3] | {"reference": "r2"}))
            assert 0 == service.stop()
        assert "CLOCK_SKEW" not in {reason["code"] for reason in ready["reasons"]}
        late = run("run", "--data", str(place), "--port", "0", *later, status=1)
        assert "--clock" in late, "by the machine's time again"


def test_the_regions_files_are_checked(tmp_path: Path) -> None:
    """The shipped ones are sound and listed with their evidence; an unsound one is told, exit 1.

    A key by which one more sponsor can mean more cash is named, and is no fault.
    """
    told = run("policy", "check", "--data", str(tmp_path))
    assert "note: order.max_payers_per_settlement 1:" in told
    assert f"{HOME} P0: p0/2020-01, evidence synthetic" in told
    assert "542500" in told
    text = (ROOT / "service" / "regions" / "P0.toml").read_text(encoding="utf-8")
    (tmp_path / "odd.toml").write_text(
        text.replace("reserve_fen            = 0", "reserve_fen = -1")
    )
    told = run("policy", "check", status=1, GONGJI_REGIONS=str(tmp_path))
    assert "reserve_fen" in told
    assert "odd.toml" in run("policy", "show", HOME, status=1, GONGJI_REGIONS=str(tmp_path))
    assert "not between 0 and" in told


def test_an_area_is_shown_and_compared() -> None:
    """Key by key with layer and citation; an area that nobody covers is named, exit 1."""
    told = run("policy", "show", "420106", "--on", "2026-12-01")
    assert "420100 武汉市" in told
    assert "max_beneficiaries_per_sponsor = 6\n    wuhan/2025-01: B wuhan-six" in told
    told = run("policy", "diff", "420000", "420600", "--on", "2026-12-01")
    assert "binding.max_beneficiaries_per_sponsor\n- none" in told
    assert "region 810000" in run("policy", "show", "810000", status=1)


def test_a_draft_is_rehearsed_beside_a_service(tmp_path: Path) -> None:
    """The identity draft has no difference; another one says what; an unsound one ends with 1."""
    text = (ROOT / "service" / "regions" / "P0.toml").read_text(encoding="utf-8")
    same, other, odd = (tmp_path / f"{name}.toml" for name in ("same", "other", "odd"))
    same.write_text(text)
    other.write_text(
        text.replace('"p0/2020-01"', '"p0/draft"').replace(
            "reserve_fen            = 0", "reserve_fen = 60000"
        )
    )
    odd.write_text(text.replace("reserve_fen            = 0", "reserve_fen = -1"))
    with a_place() as place:
        run("import", "--data", str(place), a_file(tmp_path, *GOOD))
        told = run("policy", "rehearse", str(same), "--data", str(place))
        assert told.endswith("differences: 0\n")
        picture = tmp_path / "picture.svg"
        days = ("--from", "2020-01-01", "--to", "2199-12-31", "--picture", str(picture))
        told = run("policy", "rehearse", str(other), *days, "--data", str(place))
        assert "decided again under p0/draft: 1 settlements" in told
        assert "differences: 0" not in told
        assert picture.read_text(encoding="utf-8").startswith("<svg")
        told = run("policy", "rehearse", str(odd), "--data", str(place), status=1)
        assert "draft.toml p0/2020-01 money.reserve_fen" in told


def test_openapi_prints_the_document() -> None:
    """What the command prints is what the service serves."""
    assert json.loads(json.dumps(plain_app().openapi())) == json.loads(run("openapi"))


def test_what_is_not_in_this_release_says_so() -> None:
    """A command that is not there ends with 2 and a sentence."""
    assert "not part of this release" in run("tomorrow", status=2)
