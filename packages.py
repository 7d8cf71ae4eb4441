"""Install this project's packages into `.venv`, and lock their versions.

What belongs here: uv for speed, pip where uv cannot be had, and pip's settings translated for uv. What does not: which
packages (pyproject.toml), and which Python (Makefile). Needs nothing but Python itself: it runs before anything is
installed.
"""

import ast
import os
import subprocess
import sys
import time
import venv
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

VENV = Path(".venv")
PYTHON = VENV / "bin" / "python"
UV = VENV / "bin" / "uv"

# Each setting of pip with the variable in which uv reads it, and what separates its values there.
_FOR_UV = {
    "index-url": ("UV_DEFAULT_INDEX", " "),
    "extra-index-url": ("UV_INDEX", " "),
    "find-links": ("UV_FIND_LINKS", ","),
    "no-index": ("UV_NO_INDEX", " "),
    "trusted-host": ("UV_INSECURE_HOST", " "),
    "default-timeout": ("UV_HTTP_TIMEOUT", " "),
    "timeout": ("UV_HTTP_TIMEOUT", " "),
    "no-cache-dir": ("UV_NO_CACHE", " "),
    "cert": ("SSL_CERT_FILE", " "),
    "client-cert": ("SSL_CLIENT_CERT", " "),
    "proxy": ("ALL_PROXY", " "),
}


def install(requirements: str) -> None:
    """Install the packages of a requirements file and this project, editable. Raises CalledProcessError."""
    if Path(sys.prefix).resolve() != VENV.resolve():
        # Without pip: making it takes seconds, and it is among the packages.
        venv.create(VENV, clear=True, symlinks=True)
    # Bytecode is made when a module is first imported; making all of it would double the time.
    pip = (*_pip(), "-qq", "install", "--no-compile")
    try:
        with _step("Installing uv, which installs the rest"):
            # Only a wheel: making uv takes a compiler and minutes.
            _run(*pip, "--only-binary=:all:", "--require-hashes", "-r", "requirements-uv.txt")
        # Progress is for people; a log would get a line for each package.
        quietly = () if sys.stderr.isatty() else ("--quiet",)
        uv = (UV, "pip", "install", "--python", PYTHON, *quietly)
        variables = uv_variables(_output(*_pip(), "config", "list"), os.environ)
        with _step(f"Installing packages from {requirements}"):
            _run(*uv, "--require-hashes", "-r", requirements, **variables)
        with _step("Installing this project"):
            _run(*uv, "--no-deps", "--no-build-isolation", "-e", ".", **variables)
    except (OSError, subprocess.CalledProcessError):
        print("uv failed here. pip takes over, which is slower.", file=sys.stderr)
        with _step(f"Installing packages from {requirements}"):
            _run(*pip, "--require-hashes", "-r", requirements)
        with _step("Installing this project"):
            _run(*pip, "--no-deps", "--no-build-isolation", "-e", ".")


def lock(*arguments: str) -> None:
    """Write the requirements files: every version with its hashes, for all platforms. Raises CalledProcessError.

    Versions stay as they are unless pyproject.toml asks for others; `--upgrade` takes the newest.
    """
    # No address of an index is written: each machine has its own. pip wants to see extras that packages ask for.
    options = ("--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-strip-extras")
    bare = ("--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links")
    compiled: tuple[str | Path, ...] = (UV, "pip", "compile", *options, *bare, *arguments)
    variables = uv_variables(_output(*_pip(), "config", "list"), os.environ)
    project: tuple[str | Path, ...] = (*compiled, "pyproject.toml", "--extra", "install")
    _run(*project, "--extra", "dev", "-o", "requirements-dev.txt", **variables)
    # What runs is what was tested.
    _run(*project, "-c", "requirements-dev.txt", "-o", "requirements.txt", **variables)
    _run(*compiled, "-", "-o", "requirements-uv.txt", stdin="uv>=0.9,<1\n", **variables)


def uv_variables(pip_config: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that make uv use pip's indexes, certificates and proxy.

    `pip_config` is the output of `pip config list`. A variable that `environment` sets already is left alone.
    """
    found: dict[str, str] = {}
    for name, value in _by_precedence(pip_config.splitlines()):
        if name in _FOR_UV and value.strip():
            variable, separator = _FOR_UV[name]
            found[variable] = separator.join(value.split())
    # pip takes the best version of all indexes, uv that of the first which has the package at all. The hashes say
    # which file is meant in either case.
    found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {variable: value for variable, value in found.items() if variable not in environment}


def _by_precedence(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield pip's settings, those that win last: the global ones, those of `pip install`, the environment's."""
    settings = [line.partition("=") for line in lines if "=" in line]
    for section in ("global", "install", ":env:"):
        for key, _, value in settings:
            of, _, name = key.rpartition(".")
            if of == section:
                yield name, str(ast.literal_eval(value))


def _pip() -> tuple[str | Path, ...]:
    """Return the command of a pip that installs into the environment."""
    if not find_spec("pip"):
        _output(PYTHON, "-m", "ensurepip")
        return (PYTHON, "-m", "pip", "--no-input", "--disable-pip-version-check")
    return (sys.executable, "-m", "pip", "--python", PYTHON, "--no-input", "--disable-pip-version-check")


def _run(*command: str | Path, stdin: str | None = None, **variables: str) -> None:
    subprocess.run(command, check=True, env={**os.environ, **variables}, input=stdin, text=True)


def _output(*command: str | Path) -> str:
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


@contextmanager
def _step(what: str) -> Iterator[None]:
    print(f"{what} ...", flush=True)
    started = time.monotonic()
    yield
    print(f"  done in {time.monotonic() - started:.1f} s", flush=True)


if __name__ == "__main__":
    try:
        if sys.argv[1] == "lock":
            lock(*sys.argv[2:])
        else:
            install(sys.argv[2])
    except subprocess.CalledProcessError as failure:
        command = " ".join(map(str, failure.cmd))
        sys.exit(f"This command failed, for the reason it printed above: {command}\nFix the cause and run make again.")
