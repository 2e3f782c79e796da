"""The manifests: known to Kubernetes, true to the service and to each other, without a secret."""

import re
import tomllib
from dataclasses import fields

import pytest

from service.ledger.postgres.roles import CREATE, MEMBER, MIGRATES
from service.settings import Settings
from tests.container_sandbox import (
    CONTAINER,
    DEPLOYMENT,
    DOCKERFILE,
    DRAIN_S,
    GRACE_S,
    ROOT,
    SETTINGS,
    TEMPLATES,
    Manifest,
    manifest_of,
    manifests,
    tool,
)

KUBERNETES = "1.34"
LINES_MAX = 300


def test_kubernetes_knows_every_field() -> None:
    """Every object but the operator's own validates strictly; none is passed over."""
    known = [(f, m) for f, m in manifests() if not m["apiVersion"].startswith("postgresql.cnpg.io")]
    files = sorted({f"k8s/{name}" for name, _ in known})
    said = tool("kubernetes-validate", "--strict", "-k", KUBERNETES, *files)

    assert len(known) == said.count("passed for resource"), said
    assert {"k8s/database.yaml"} == {str(p.relative_to(ROOT)) for p in ROOT.glob("k8s/*")} - {
        *files
    }


def test_files_fit_on_a_few_screens() -> None:
    """No manifest is longer than 300 lines."""
    long = [path.name for path in ROOT.glob("k8s/*") if path.read_text().count("\n") > LINES_MAX]

    assert [] == long


def test_the_database_keeps_what_it_answered() -> None:
    """Three instances on three nodes, a commit on two disks, TLS only, no values in its log."""
    spec = manifest_of("Cluster", "gongji-database")["spec"]
    postgresql = spec["postgresql"]
    quorum = {"method": "any", "number": 1, "dataDurability": "required", "failoverQuorum": True}
    made = spec["bootstrap"]["initdb"]

    assert (3, quorum) == (spec["instances"], postgresql["synchronous"])
    assert ("on", "terse") == tuple(
        postgresql["parameters"][name] for name in ("synchronous_commit", "log_error_verbosity")
    )
    assert [] == [n for n, told in postgresql["parameters"].items() if not isinstance(told, str)]
    assert ["hostnossl all all all reject"] == postgresql["pg_hba"]
    assert ("gongji", "gongji", True) == (made["database"], made["owner"], made["dataChecksums"])
    assert [*CREATE.values(), MEMBER, f"{MIGRATES}gongji"] == made["postInitApplicationSQL"][:-1]
    assert "required" == spec["affinity"]["podAntiAffinityType"]
    assert (False, False) == (spec["monitoring"]["enablePodMonitor"], spec["enableSuperuserAccess"])
    assert {"size"} == {*spec["storage"]} == {*spec["walStorage"]}


@pytest.mark.parametrize("template", TEMPLATES, ids=["deployment", "migrate"])
def test_pods_have_no_rights(template: Manifest) -> None:
    """What Pod Security calls restricted, and no token, no links, no root that can be written."""
    spec, container = template["spec"], template["spec"]["containers"][0]
    pod, own = spec["securityContext"], container["securityContext"]

    assert (True, 10001, "RuntimeDefault") == (
        pod["runAsNonRoot"],
        pod["runAsUser"],
        pod["seccompProfile"]["type"],
    )
    assert {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    } == own
    assert (False, False) == (spec["automountServiceAccountToken"], spec["enableServiceLinks"])
    assert {"requests", "limits"} == {*container["resources"]}
    assert {"emptyDir", "secret"} >= {kind for v in spec["volumes"] for kind in v if kind != "name"}


def test_a_stop_leaves_time_for_the_last_commit() -> None:
    """The grace period holds the drain, uvicorn's own, and twice a request's deadline."""
    server = (ROOT / "api/server.py").read_text(encoding="utf-8")
    (uvicorn_s,) = map(int, re.findall(r"^REQUESTS_S = (\d+)", server, re.MULTILINE))
    deadline_s = int(SETTINGS["GONGJI_DEADLINE_S"])

    assert deadline_s < uvicorn_s
    assert DRAIN_S + uvicorn_s + 2 * deadline_s <= GRACE_S


def test_every_setting_is_one_the_service_reads() -> None:
    """A name in the Dockerfile or a manifest that nobody reads is a mistake."""
    settings = {f"GONGJI_{field.name.upper()}" for field in fields(Settings)}
    run = (ROOT / "api/commands/run.py").read_text("utf-8")
    told = "".join(path.read_text("utf-8") for path in [DOCKERFILE, *ROOT.glob("k8s/*")])

    named = {*re.findall(r"GONGJI_[A-Z_]+", told)}
    assert set() == named - settings - {*re.findall(r'"(GONGJI_[A-Z_]+)"', run)}


def test_no_secret_is_written_down() -> None:
    """No Secret object, no password in an address, no key, no long run of key-like letters."""
    shapes = re.compile(r"://[^/\s]+:[^/\s]+@|PRIVATE KEY|[0-9a-fA-F]{32,}|[A-Za-z0-9+/]{40,}=")
    found = [
        (path.name, match[0])
        for path in [DOCKERFILE, ROOT / ".dockerignore", *ROOT.glob("k8s/*")]
        for match in shapes.finditer(path.read_text(encoding="utf-8"))
    ]

    assert [] == found
    assert [] == [name for name, manifest in manifests() if manifest["kind"] == "Secret"]
    assert [] == [variable for variable in CONTAINER["env"] if "value" in variable]


def test_the_manifests_agree() -> None:
    """One image of this version, one set of labels, one scaled target, nothing let in unasked."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    images = {template["spec"]["containers"][0]["image"] for template in TEMPLATES}
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    deny = manifest_of("NetworkPolicy", "default-deny")["spec"]
    budget = manifest_of("PodDisruptionBudget", "gongji")["spec"]
    scaling = manifest_of("HorizontalPodAutoscaler", "gongji")["spec"]

    assert {f"gongji:{version}"} == images
    assert f'version="{version}"' in DOCKERFILE.read_text(encoding="utf-8")
    assert (
        labels == DEPLOYMENT["spec"]["selector"]["matchLabels"] == budget["selector"]["matchLabels"]
    )
    assert labels == manifest_of("Service", "gongji")["spec"]["selector"]
    assert {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} == deny
    assert budget["minAvailable"] < scaling["minReplicas"]
    assert "Deployment gongji" == " ".join(scaling["scaleTargetRef"][n] for n in ("kind", "name"))
    assert "replicas" not in DEPLOYMENT["spec"]
