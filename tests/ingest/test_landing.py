"""Which files are landing files, and what their names and folders say."""

import os
from pathlib import Path

import pytest
from ingest.landing_zone import write

from trackai_pipelines.domains import DOMAINS
from trackai_pipelines.ingest.files import IgnoredFile, LandingFile, landing_file, landing_files, prefixes
from trackai_pipelines.ingest.kinds import kinds_of

KINDS = kinds_of(DOMAINS)


def test_names_and_folders_tell_kind_tenant_and_gateway(tmp_path: Path) -> None:
    for name in (
        "conversions-1.jsonl",
        "acme/clicks.csv.gz",
        "acme/identities_2026.parquet",
        "acme/Clicks_B.JSONL.GZ",
        "acme/webhooks/stripe/evt.json",
        "acme/webhooks/hotmart/evts.jsonl",
    ):
        write(tmp_path / name, "")
    files, ignored = landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS)
    assert [(f.source, f.kind, f.folder, f.gateway, f.suffix) for f in files] == [
        ("acme/Clicks_B.JSONL.GZ", "clicks", "acme", None, ".jsonl.gz"),
        ("acme/clicks.csv.gz", "clicks", "acme", None, ".csv.gz"),
        ("acme/identities_2026.parquet", "identities", "acme", None, ".parquet"),
        ("conversions-1.jsonl", "conversions", tmp_path.name, None, ".jsonl"),
        ("acme/webhooks/hotmart/evts.jsonl", "webhooks", "acme", "hotmart", ".jsonl"),
        ("acme/webhooks/stripe/evt.json", "webhooks", "acme", "stripe", ".json"),
    ]
    assert ignored == []


@pytest.mark.parametrize(
    ("name", "word", "in_root"),
    [
        ("ad_costs_meta_2026.csv", "meta", True),
        ("ad_costs-Google-ads.csv.gz", "google", True),
        ("acme/ad_costs_tiktok2.csv", "tiktok", False),
        ("acme/ad_costs.csv", "", False),
        ("acme/ad_costs_2026_meta.csv", "", False),
        ("ad_costs_kwai/2026/05.csv", "kwai", True),
        ("tenant=acme/ad_costs_kwai/05.csv", "kwai", False),
        ("tenant=acme/2026-05-01/ad_costs_bing.csv", "bing", False),
    ],
)
def test_the_word_after_a_kind_and_the_landing_folder_itself(
    tmp_path: Path, name: str, word: str, in_root: bool
) -> None:
    found = landing_file(write(tmp_path / name, ""), landing_dir=tmp_path, kinds=KINDS)
    assert isinstance(found, LandingFile)
    assert (found.word, found.in_root) == (word, in_root)
    elsewhere = landing_file(tmp_path / name, landing_dir=tmp_path / "acme" / "none", kinds=KINDS)
    assert isinstance(elsewhere, LandingFile)
    assert not elsewhere.in_root


_NO_KIND = f"not a landing file: those are named {prefixes(KINDS)}"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("sales.csv", _NO_KIND),
        ("conversions.txt", ".txt is not read; expected .jsonl"),
        ("conversions.xlsx", ".xlsx is not read; save it as CSV"),
        ("conversions.csv.zip", ".zip is not read; unpack it"),
        ("conversions.avro.gz", ".avro is not read; export it as Parquet"),
        ("conversions", "its name has no suffix; expected .jsonl"),
        ("conversions.parquet.gz", ".parquet is not read"),
        ("clicks.csv.tmp", "unfinished by its name"),
        ("clicks.csv.part", "unfinished by its name"),
        ("clicks.CSV.crdownload", "unfinished by its name"),
        (".conversions.csv", "hidden: its name begins with '.'"),
        ("_conversions.jsonl.gz", "hidden: its name begins with '_'"),
        ("acme/webhooks/1.json", "which gateway sent it is not known; put it into webhooks/GATEWAY/"),
        ("acme/webhooks/2026/11/1.json", "which gateway sent it is not known"),
        ("acme/webhooks/adyen/1.json", "no reader for the gateway 'adyen'"),
        ("acme/webhooks/gateway=adyen/dt=2026-11-25/1.json", "no reader for the gateway 'adyen'"),
        ("acme/webhooks/stripe/1.csv", ".csv is not read; expected .json"),
        ("acme/webhooks/stripe/1.log.gz", ".log is not read"),
        ("tenant=a/tenant=b/clicks.csv", "its folders name two tenants: a and b"),
        ("clickshop/part-0.csv", _NO_KIND),
    ],
)
def test_other_files_are_passed_over_with_the_true_reason(tmp_path: Path, name: str, reason: str) -> None:
    write(tmp_path / name, "")
    files, ignored = landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS)
    assert files == []
    assert [(file.path.relative_to(tmp_path).as_posix(), file.reason[: len(reason)]) for file in ignored] == [
        (name, reason)
    ]


def test_markers_are_passed_over_silently(tmp_path: Path) -> None:
    for name in ("_SUCCESS", "._SUCCESS.crc", ".part-0.csv.crc", ".git/clicks.csv", "._clicks.csv", ".DS_Store"):
        write(tmp_path / "clicks" / name, "")
    assert landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS) == ([], [])


def test_folders_that_are_not_searched_say_why(tmp_path: Path) -> None:
    for name in ("conversions/_delta_log/0.json", "conversions/part-0.parquet", "clicks/_temporary/0/part-0.csv"):
        write(tmp_path / name, "")
    write(tmp_path / "users" / ".hoodie" / "x", "")
    write(tmp_path / "campaigns" / "metadata" / "v1.metadata.json", "")
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "nothing").symlink_to(tmp_path / "nowhere")
    files, ignored = landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS)
    assert files == []
    assert [
        (file.path.relative_to(tmp_path).as_posix(), file.reason.split(",")[0].split(";")[0]) for file in ignored
    ] == [
        ("campaigns", "a table of Apache Iceberg"),
        ("clicks/_temporary", "what a Spark job has not finished"),
        ("conversions", "a table of Delta Lake"),
        ("loop", "a link to a folder is not followed"),
        ("nothing", "neither a file nor a folder"),
        ("users", "a table of Apache Hudi"),
    ]


@pytest.mark.parametrize(
    ("name", "kind", "folder", "gateway"),
    [
        ("acme/conversions.parquet/part-0-6c1f.c000.snappy.parquet", "conversions", "acme", None),
        ("acme/conversions/part-0000.csv", "conversions", "acme", None),
        ("acme/conversions_2026/000.json.gz", "conversions", "acme", None),
        ("acme/Clicks/dt=2026-11-25/hour=10/part-0.parquet", "clicks", "acme", None),
        ("acme/conversions/clicks-1.csv", "clicks", "conversions", None),
        ("conversions/tenant=acme/dt=2026-11-25/part-0.parquet", "conversions", "acme", None),
        ("tenant_id=t-acme/conversions.ndjson", "conversions", "t-acme", None),
        ("conversions/tenant=ac%20me/part-0.json", "conversions", "ac me", None),
        ("acme/2026/11/25/conversions.jsonl.zst", "conversions", "acme", None),
        ("acme/2026-11-25/conversions.CSV.BZ2", "conversions", "acme", None),
        ("2024/conversions.csv", "conversions", "2024", None),
        ("acme/webhooks/stripe/2026/11/25/10/x.json", "webhooks", "acme", "stripe"),
        ("acme/webhooks/2026/11/25/stripe/x.json", "webhooks", "acme", "stripe"),
        ("acme/webhooks/gateway=stripe/dt=2026-11-25/x.ndjson", "webhooks", "acme", "stripe"),
        ("acme/webhooks/dt=2026-11-25/Stripe/x.JSON", "webhooks", "acme", "stripe"),
        ("webhooks/stripe/tenant=acme/x.txt", "webhooks", "acme", "stripe"),
        ("tenant=acme/Webhooks/mercado_pago/x.form", "webhooks", "acme", "mercadopago"),
        ("acme/webhooks/mercado-pago/x.json.zst", "webhooks", "acme", "mercadopago"),
        ("acme/webhooks/MercadoPago/x.jsonl.bz2", "webhooks", "acme", "mercadopago"),
        ("acme/webhooks/kiwify/hooks-1-2026-11-25-10-00-00-6c1f", "webhooks", "acme", "kiwify"),
        ("acme/webhooks/kiwify/hooks-1-2026-11-25-10-00-00-6c1f.gz", "webhooks", "acme", "kiwify"),
        ("acme/2026/webhooks/kiwify/a/b/c/x.json", "webhooks", "acme", "kiwify"),
        ("acme/webhooks/conversions.csv", "conversions", "webhooks", None),
    ],
)
def test_places_of_files(tmp_path: Path, name: str, kind: str, folder: str, gateway: str | None) -> None:
    write(tmp_path / name, "")
    (file,), ignored = landing_files([tmp_path], landing_dir=tmp_path, kinds=KINDS)
    assert (file.source, file.kind, file.folder, file.gateway) == (name, kind, folder, gateway)
    assert ignored == []


def test_folders_above_the_landing_folder_say_nothing(tmp_path: Path) -> None:
    landing = tmp_path / "webhooks" / "tenant=other" / "conversions" / "in"
    write(landing / "acme" / "clicks.csv", "")
    write(landing / "part-0.csv", "")
    (file,), (ignored,) = landing_files([landing], landing_dir=landing, kinds=KINDS)
    assert (file.kind, file.folder) == ("clicks", "acme")
    assert ignored.reason.startswith(_NO_KIND)


def test_a_file_is_listed_once_and_one_outside_the_landing_folder_by_its_whole_path(tmp_path: Path) -> None:
    inside, outside = write(tmp_path / "in" / "clicks.csv", ""), write(tmp_path / "clicks.csv", "")
    files, _ = landing_files([inside, tmp_path / "in", outside], landing_dir=tmp_path / "in", kinds=KINDS)
    assert [file.source for file in files] == [outside.as_posix(), "clicks.csv"]
    with pytest.raises(FileNotFoundError, match=r"there is no file or folder .*nowhere"):
        landing_files([tmp_path / "nowhere"], landing_dir=tmp_path, kinds=KINDS)


def test_a_name_that_is_no_utf8_is_shown_with_escapes(tmp_path: Path) -> None:
    found = landing_file(tmp_path / os.fsdecode(b"clicks-\xff.csv"), landing_dir=tmp_path, kinds=KINDS)
    assert not isinstance(found, IgnoredFile)
    assert found.source == "clicks-\\udcff.csv"
