"""CONTRIBUTING.md is true: each path it names is there, and its commands are the script's."""

import re
import shutil
from datetime import date
from pathlib import Path

from service.regions.policy_files import read_folder
from service.regions.reading import differences, readable

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ROOMS = "aggregates|projections|service|api|tests"
LINES_MAX = 120
CITY_LINES_MAX = 20


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


def test_the_city_it_shows_is_a_whole_file(tmp_path: Path) -> None:
    """Copied beside the shipped files it is sound, in under 20 lines, and differs in one key."""
    (city,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    shutil.copytree(ROOT / "service" / "regions", tmp_path, dirs_exist_ok=True)
    (tmp_path / "420500.toml").write_text(city, encoding="utf-8")
    read = read_folder(tmp_path)
    on = date(2027, 1, 1)

    assert [] == read.problems
    assert len(city.splitlines()) < CITY_LINES_MAX
    (only,) = differences(readable(read, "420000", on), readable(read, "420502", on))
    assert "binding.max_beneficiaries_per_sponsor" == only.key


def test_it_fits_one_sitting() -> None:
    """One page."""
    assert len(PAGE.splitlines()) <= LINES_MAX
