"""CONTRIBUTING.md is true: each path it names is there, and its commands are the script's."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROOMS = "aggregates|projections|service|api|tests"
LINES_MAX = 100


def test_every_path_it_names_exists() -> None:
    """A file or folder that a contributor is sent to is there."""
    named = re.findall(rf"`((?:{ROOMS})/[\w./-]*|[\w.-]+\.(?:md|toml))`", PAGE)

    assert len(named) > 20
    assert [] == [path for path in named if not (ROOT / path).exists()]


def test_every_command_is_one_of_the_script() -> None:
    """The three ways to run the tests are named, and the script knows them."""
    script = (ROOT / "gongji").read_text(encoding="utf-8")
    options = re.findall(r"`\./gongji test (--\w+)`", PAGE)

    assert ["--fast", "--slow"] == options
    assert [] == [option for option in options if f'"{option}"' not in script]


def test_it_fits_one_sitting() -> None:
    """One page."""
    assert len(PAGE.splitlines()) <= LINES_MAX
