"""Places that fsspec reaches, such as `s3://bucket/folder`.

What belongs here: opening one, and saying in words what its library says of packages, access and network. What does
not: what is kept there (archives, landing files).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from trackai_pipelines.errors import ExpectedError

# Where the libraries behind fsspec define errors that are no OSError, e.g. of missing credentials.
_CLIENTS = frozenset({"adlfs", "aiobotocore", "azure", "botocore", "gcsfs", "google"})
_CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE (and AWS_ENDPOINT_URL, if it is not Amazon's)",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS",
}
_CREDENTIALS |= {"s3a": _CREDENTIALS["s3"], "gcs": _CREDENTIALS["gs"]}


def file_system(url: str, *, variable: str, error: type[ExpectedError]) -> tuple[Any, str]:
    """Return the fsspec file system of a local path or a URL, and the path in it. Nothing is made or asked yet.

    Raises `error` where the URL, of the environment's `variable`, means nothing, or its package is not installed.
    """
    import fsspec  # type: ignore[import-untyped]

    protocol = url.partition("://")[0] if "://" in url else "file"
    try:
        fs, root = fsspec.url_to_fs(url)
    except ImportError as missing:
        package = "trackai-pipelines[s3]" if protocol in ("s3", "s3a") else None
        fix = f'Install it: pip install "{package}"' if package else f"fsspec says: {missing}"
        raise error(
            f"{variable} is a {protocol}:// address, and the package for such addresses is not installed. {fix}."
        ) from missing
    except ValueError as unknown:
        raise error(
            f"{variable} begins with {protocol}://, which fsspec does not know. Let it be a folder, or an address like "
            "s3://bucket/folder."
        ) from unknown
    return fs, str(root).rstrip("/")


@contextmanager
def explained(place: str, *, variable: str, error: type[ExpectedError]) -> Iterator[None]:
    """Raise what the library of `place` says of access and network as `error`, with what to set."""
    try:
        yield
    except Exception as said:
        if type(said).__module__.partition(".")[0] not in _CLIENTS:
            raise
        credentials = _CREDENTIALS.get(place.partition("://")[0], "the credentials that its library reads")
        raise error(
            f"{place} cannot be used: {str(said).rstrip('.')}. See that this process has {credentials}, or let "
            f"{variable} name another place."
        ) from said
