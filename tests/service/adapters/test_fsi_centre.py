"""The setting of the centres and the file of their keys, sound or not."""

from pathlib import Path

import pytest

from aggregates.vocabulary import SignatureStyle
from service.adapters.fsi_centre import CentreSettingError, centres_of
from service.settings import Settings

KEYS = """
[420000]
style = "x-tif"
paasid = "p"
secret = "regional"
[H42010000001]
style = "csb"
secret = "its own"
[default]
style = "none"
"""


async def test_one_address_is_for_all_regions() -> None:
    """A plain URL, and also one beside regions with their own."""
    one = centres_of("https://centre/fsi?x=1")
    several = centres_of(" 420000=http://a , 330100=http://b/x=y,http://c ")

    assert one.of("420100") is one.of("") is not None
    found = [several.of(region) for region in ("420100", "330100", "330200", "990000")]
    assert 3 == len(set(map(id, found)))
    assert found[2] is found[3]
    assert centres_of("420000=http://a").of("330100") is None
    assert not centres_of(None)
    assert not centres_of("")
    await one.close()
    await several.close()


@pytest.mark.parametrize(
    "setting",
    [
        *("centre", "42=http://a", "420000=", "420000=ftp://a", "420000=http://", "http://u:p@a"),
        *("420000=http://a,420000=http://b", "http://a,http://b", "420000:http://a"),
    ],
)
def test_a_bad_setting_ends_the_start(setting: str) -> None:
    """Neither a region nor an address is guessed, and a password has its place in the file."""
    with pytest.raises(CentreSettingError, match="GONGJI_FSI_CENTRE_URL"):
        centres_of(setting)


def test_a_key_is_an_institution_s_or_its_region_s(tmp_path: Path) -> None:
    """The most special one counts, and none of them shows its secret."""
    path = tmp_path / "keys.toml"
    path.write_text(KEYS, encoding="utf-8")
    centres = centres_of(None, path)
    keys = [centres.key_of(code, "420100") for code in ("H42010000001", "H42010000002")]
    other = centres.key_of("H33010000001", "330100")

    assert [SignatureStyle.CSB, SignatureStyle.X_TIF] == [key and key.style for key in keys]
    assert other is not None
    assert SignatureStyle.NONE is other.style
    assert "regional" not in repr(centres)
    assert centres_of(None).key_of("H33010000001", "330100") is None


@pytest.mark.parametrize(
    "text",
    [
        *("x", "[a]\nstyle='x-tif'", "[a]\nstyle='sm2'\nsecret='s3'", "[a]\nsecret='s3'"),
        *("[a]\nstyle='no'\nsecret='s3'", "[a]\nstyle='csb'\nsecret='s3'\nmore='s3'", "a='s3'"),
    ],
)
def test_a_bad_file_ends_the_start_without_its_secrets(tmp_path: Path, text: str) -> None:
    """What is wrong is said by the file's name and the table's."""
    path = tmp_path / "keys.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CentreSettingError) as refused:
        centres_of(None, path)

    assert "keys.toml" in str(refused.value)
    assert "s3" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_the_settings_are_read_with_the_others(tmp_path: Path) -> None:
    """From the environment; the file is a path."""
    told = {"GONGJI_FSI_CENTRE_URL": "http://c", "GONGJI_FSI_CENTRE_KEYS_FILE": str(tmp_path)}
    settings = Settings.read(told)

    assert ("http://c", tmp_path) == (settings.fsi_centre_url, settings.fsi_centre_keys_file)
