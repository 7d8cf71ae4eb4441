"""Memory settings follow the machine, or the control group that we are in."""

from pathlib import Path

from trackai_pipelines.database.tuning import _cgroup_limits, server_settings, usable_memory

_GB = 1024**3


def test_memory_is_shared_out_by_size() -> None:
    assert server_settings(8 * _GB)["shared_buffers"] == "2048MB"
    assert server_settings(256 * _GB)["shared_buffers"] == "4096MB"
    assert server_settings(_GB // 8)["shared_buffers"] == "64MB"
    assert server_settings(16 * _GB)["work_mem"] == "32MB"
    assert usable_memory() > 0


def test_the_tightest_control_group_counts(tmp_path: Path) -> None:
    membership = tmp_path / "cgroup"
    membership.write_text("0::/outer/inner\n")
    inner = tmp_path / "fs" / "outer" / "inner"
    inner.mkdir(parents=True)
    (inner / "memory.max").write_text("max\n")
    (inner.parent / "memory.max").write_text(f"{2 * _GB}\n")
    assert _cgroup_limits(membership, tmp_path / "fs") == [2 * _GB]
    membership.write_text("5:cpu,cpuacct:/x\n9:memory:/outer\n")
    old = tmp_path / "fs" / "memory" / "outer"
    old.mkdir(parents=True)
    (old / "memory.limit_in_bytes").write_text(f"{_GB}\n")
    assert _cgroup_limits(membership, tmp_path / "fs") == [_GB]
    assert _cgroup_limits(tmp_path / "none", tmp_path) == []
