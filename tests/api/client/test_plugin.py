"""The fixture of the package starts a real service and gives clients of it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.api.client.test_guide import PACKAGE, blocks
from tests.api.programs import ROOT, environment

pytestmark = pytest.mark.slow


def test_the_guide_s_test_runs_on_a_service_of_its_own(tmp_path: Path) -> None:
    """As in another project: pytest there, with the plugin and the checkout named."""
    (example,) = (text for text in blocks("python") if "def test_" in text)
    claim = re.search(r"^claim = \{.*?^\}\n", blocks("python")[0], re.MULTILINE | re.DOTALL)
    assert claim
    (tmp_path / "test_example.py").write_text(f"{claim[0]}\n\n{example}", encoding="utf-8")
    told = ["-p", "gongji_client.pytest_plugin", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *told, "--gongji-checkout", str(ROOT), "."],
        cwd=tmp_path,
        env=environment(PYTHONPATH=str(PACKAGE)),
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "1 passed" in done.stdout
