"""What the options of commands take, and what is said of the rest."""

import argparse
from datetime import UTC, datetime

import pytest

from api.commands.terminal import clock_option, parser, port_option


def options(*words: str, port: str = "8000", clock: str | None = None) -> argparse.Namespace:
    """The options as read from a command line, and from these settings."""
    made = parser("run", "Start.")
    port_option(made, port)
    clock_option(made, clock)
    return made.parse_args(words)


@pytest.mark.parametrize("port", ["0", "8000", "65535"])
def test_a_port_is_a_number_of_sixteen_bits(port: str) -> None:
    """As an option and as a setting."""
    assert int(port) == options("--port", port).port == options(port=port).port


@pytest.mark.parametrize(
    "port", ["65536", "99999", "-1", "", "80 80", "8_000", "http", "٨٠", "9" * 5000]
)
def test_what_is_no_port_is_refused_with_the_bounds(
    port: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is started."""
    for words, setting in (((f"--port={port}",), "8000"), ((), port)):
        with pytest.raises(SystemExit) as ended:
            options(*words, port=setting)

        assert 2 == ended.value.code
        assert "--port: " in (said := capsys.readouterr().err)
        assert "between 0 and 65535" in said


def test_the_clock_is_a_time_with_its_offset() -> None:
    """As an option and as a setting."""
    at = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)

    assert at == options("--clock", "2026-03-02T10:00:00+08:00").clock
    assert at == options(clock="2026-03-02T02:00:00Z").clock
    assert options().clock is None


@pytest.mark.parametrize(
    ("clock", "what"),
    [
        ("banana", "a time in RFC 3339, such as"),
        ("", "a time in RFC 3339, such as"),
        ("2026-02-30T10:00:00+08:00", "a time in RFC 3339, such as"),
        ("2026-03-02T10:00:00+99:00", "a time in RFC 3339, such as"),
        ("2026-03-02T10:00:00", "offset, such as +08:00"),
        ("2026-03-02", "offset, such as +08:00"),
        ("0001-01-01T00:00:00+14:00", "in the years 1971 to 2199"),
        ("1970-12-31T23:59:59Z", "in the years 1971 to 2199"),
        ("2200-01-01T00:00:00Z", "in the years 1971 to 2199"),
        ("9999-12-31T23:59:59-12:00", "in the years 1971 to 2199"),
    ],
)
def test_what_is_no_time_for_a_clock_is_refused_with_what_is_needed(
    clock: str, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """No name of a function of ours, and no error later when the first event is written."""
    for words, setting in (((f"--clock={clock}",), None), ((), clock)):
        with pytest.raises(SystemExit) as ended:
            options(*words, clock=setting)

        assert 2 == ended.value.code
        assert "--clock: " in (said := capsys.readouterr().err)
        assert what in " ".join(said.split())
