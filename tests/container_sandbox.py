"""A pod without a cluster: the files of the image, the environment of the manifest, no rights.

The Dockerfile is followed instruction by instruction under a directory, which stands for `/`.
What cannot be had without a container: the base image's own files, and a root that the kernel
keeps read-only. The files belong to another user instead, and afterwards are looked at.
"""

import compileall
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "Dockerfile"
USELESS = ("site-packages", "dist-packages", "test", "tests", "idlelib", "ensurepip", "config-*")
IS_ROOT = os.geteuid() == 0

Manifest = dict[str, Any]


def manifests() -> Iterator[tuple[str, Manifest]]:
    """Every object of every manifest, with its file's name."""
    for path in sorted((ROOT / "k8s").iterdir()):
        for manifest in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            yield path.name, manifest


def tool(name: str, *words: str) -> str:
    """Run a linter of the development lock; what it said. It must be content."""
    program = Path(sys.executable).parent / name
    done = subprocess.run(
        [program, *words], cwd=ROOT, env={}, capture_output=True, text=True, check=False
    )
    assert 0 == done.returncode, done.stdout + done.stderr
    return done.stdout


def manifest_of(kind: str, name: str) -> Manifest:
    """The one object of a kind and a name."""
    (found,) = (
        manifest
        for _, manifest in manifests()
        if (manifest["kind"], manifest["metadata"]["name"]) == (kind, name)
    )
    return found


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions and their arguments, continued lines joined."""
    lines = re.sub(r"^\s*#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    joined = re.sub(r"\\\n\s*", "", lines).splitlines()
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in joined if line.strip()]


DEPLOYMENT = manifest_of("Deployment", "gongji")
JOB = manifest_of("Job", "gongji-migrate")
TEMPLATES = [DEPLOYMENT["spec"]["template"], JOB["spec"]["template"]]
CONTAINER = TEMPLATES[0]["spec"]["containers"][0]
SETTINGS = manifest_of("ConfigMap", "gongji-settings")["data"]
DRAIN_S = CONTAINER["lifecycle"]["preStop"]["sleep"]["seconds"]
GRACE_S = TEMPLATES[0]["spec"]["terminationGracePeriodSeconds"]


class Image:
    """What the Dockerfile makes, under a directory; `environment`, `user` and `command` are its."""

    def __init__(self, place: Path) -> None:
        """Follow every instruction; one that is not known here is an error."""
        self._stages = place
        self.root = place
        self._names: dict[str, Path] = {}
        self._cwd = "/"
        self.user = ""
        self.environment: dict[str, str] = {}
        self.command: list[str] = []
        for instruction, argument in instructions():
            getattr(self, f"_{instruction.lower()}")(argument)

    def _arg(self, argument: str) -> None:
        assert argument.startswith("PYTHON="), "the base is the only choice"

    def _label(self, argument: str) -> None:
        assert "org.opencontainers.image" in argument

    def _expose(self, argument: str) -> None:
        assert argument.isdecimal()

    def _from(self, argument: str) -> None:
        base, _, name = argument.partition(" AS ")
        assert base == "${PYTHON}", "both stages have one base"
        self.root = self._stages / (name or "final")
        self._names[name] = self.root
        self._cwd, self.environment = "/", {}
        (self.root / "tmp").mkdir(parents=True)

    def _workdir(self, argument: str) -> None:
        self._cwd = argument
        self.at(argument).mkdir(parents=True, exist_ok=True)

    def _user(self, argument: str) -> None:
        self.user = argument

    def _env(self, argument: str) -> None:
        self.environment |= dict(pair.split("=", 1) for pair in argument.split())

    def _cmd(self, argument: str) -> None:
        self.command = json.loads(argument)

    def _copy(self, argument: str) -> None:
        words = argument.split()
        source = ROOT
        if words[0].startswith("--from="):
            source = self._names[words.pop(0).removeprefix("--from=")]
        target = self.at(self._cwd) / words[-1] if words[-1][0] != "/" else self.at(words[-1])
        for word in words[:-1]:
            self._copy_one(source / word.lstrip("/"), target)

    def _copy_one(self, source: Path, target: Path) -> None:
        if source.is_dir():
            left = shutil.ignore_patterns("__pycache__") if ROOT in source.parents else None
            shutil.copytree(source, target, symlinks=True, ignore=left, dirs_exist_ok=True)
        else:
            target.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)

    def _run(self, argument: str) -> None:
        match json.loads(argument):
            case ["python", "-m", "venv", "--without-pip", place]:
                self._make_venv(self.at(place))
            case ["pip", "--python", python, "install", *_, "--requirement", lock]:
                self._install(self.at(python), self.at(lock))
            case ["pip", "--python", python, "uninstall", "--yes", name]:
                shutil.rmtree(_packages(self.at(python)) / name.replace("-", "_"))
            case [_, "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", place]:
                assert compileall.compile_dir(self.at(place), quiet=1)
            case ["install", "--directory", *_, place]:
                self.at(place).mkdir()
            case words:
                raise AssertionError(f"what does {words} do?")

    def _make_venv(self, venv: Path) -> None:
        _packages(venv / "bin" / "python").mkdir(parents=True)
        (venv / "bin").mkdir()
        (venv / "bin" / "python").symlink_to(self.base_python)
        home = f"home = {self.base_python.parent}\n"
        (venv / "pyvenv.cfg").write_text(home + "include-system-site-packages = false\n")

    def _install(self, python: Path, lock: Path) -> None:
        """Copy what is installed here of the lock's packages, and nothing else."""
        for name in re.findall(r"^([\w.-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE):
            try:
                files = metadata.distribution(name).files or []
            except metadata.PackageNotFoundError:
                continue  # for another platform
            for file in files:
                if ".." not in file.parts and Path(file.locate()).exists():
                    target = _packages(python) / file
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(file.locate(), target)

    @property
    def base_python(self) -> Path:
        """The base image's interpreter: a copy of ours, which another user might not enter."""
        local = self._stages / "base"
        python = local / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
        if not python.exists():
            python.parent.mkdir(parents=True)
            shutil.copy(Path(sys.executable).resolve(), python)
            library = Path(sysconfig.get_path("stdlib"))
            useless = shutil.ignore_patterns(*USELESS)
            shutil.copytree(library, local / "lib" / python.name, ignore=useless)
            for shared in library.parent.glob("libpython*.so*"):
                shutil.copy(shared, local / "lib")
        return python

    def at(self, path: str) -> Path:
        """Where a path of the image is here."""
        return self.root / path.lstrip("/")


def _packages(python: Path) -> Path:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return python.parents[1] / "lib" / version / "site-packages"


class Pod:
    """A pod template on an image: its volumes are mounted, its environment is what it says."""

    def __init__(
        self, image: Image, template: Manifest, secrets: dict[str, dict[str, str]]
    ) -> None:
        """Mount the volumes, with these secrets by name and key."""
        self._image = image
        self._secrets = secrets
        spec = template["spec"]
        (self.container,) = spec["containers"]
        self.uid = spec["securityContext"]["runAsUser"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        self.mounts = {
            mount["mountPath"]: volumes[mount["name"]] for mount in self.container["volumeMounts"]
        }
        for path, volume in self.mounts.items():
            self._mount(image.at(path), volume)

    def _mount(self, place: Path, volume: Manifest) -> None:
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        if "emptyDir" in volume:
            self._give(place, 0o700, self.uid)
            return
        told = volume["secret"]
        keys = [item["key"] for item in told.get("items", ())]
        for key, text in self._secrets[told["secretName"]].items():
            if key in keys or not keys:
                (place / key).write_text(text)
                self._give(place / key, told["defaultMode"], 0)

    def _give(self, path: Path, mode: int, owner: int) -> None:
        if IS_ROOT:
            os.chown(path, owner, self.uid)
        path.chmod(mode)

    def environment(self) -> dict[str, str]:
        """The image's, over it the manifest's; paths lead into the image's directory."""
        told = dict(self._image.environment)
        for source in self.container["envFrom"]:
            told |= manifest_of("ConfigMap", source["configMapRef"]["name"])["data"]
        for variable in self.container["env"]:
            asked = variable["valueFrom"]["secretKeyRef"]
            told[variable["name"]] = self._secrets[asked["name"]][asked["key"]]
        rooted = {n: str(self._image.at(v)) if v.startswith("/") else v for n, v in told.items()}
        library = str(self._image.base_python.parents[1] / "lib")
        return rooted | {"LD_LIBRARY_PATH": library, "TMPDIR": str(self._image.root / "tmp")}

    def files(self) -> dict[Path, tuple[int, int]]:
        """Every file of the root that no volume covers, with its time and size."""
        volumes = [self._image.at(path) for path in self.mounts]
        found = {}
        for folder, folders, names in os.walk(self._image.root):
            folders[:] = [name for name in folders if Path(folder, name) not in volumes]
            for path in (Path(folder, name) for name in names):
                status = path.lstat()
                found[path] = (status.st_mtime_ns, status.st_size)
        return found

    def start(self, **changes: str) -> subprocess.Popen[str]:
        """Start the container's command as its user, from the image's directory."""
        program, *words = self.container["command"]
        rights: Manifest = {}
        if IS_ROOT:
            rights = {"user": self.uid, "group": self.uid, "extra_groups": []}
        return subprocess.Popen(
            [str(self._image.at(program)), *words],
            cwd=self._image.at("/app"),
            env=self.environment() | changes,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **rights,
        )
