"""The service: right answers, one line for every bad request, and a clean end."""

import http.client
import io
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import zlib

import numpy as np
import pytest
from PIL import Image

import pellucid

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")


def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def noisy(seed=0, shape=(48, 40)):
    return np.random.default_rng(seed).normal(128, 20, shape).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def server():
    """The program itself on a free port."""
    words = [
        "serve",
        "--port",
        "0",
        "--method",
        "nlm",
        "--most-mb",
        "1",
        "--most-pixels",
        "10000",
        "--queue",
        "2",
    ]
    process = subprocess.Popen(
        [sys.executable, "-m", "pellucid", *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    line = process.stderr.readline()
    assert line.startswith("http://127.0.0.1:"), line
    yield process, int(line.split(":")[2].split("/")[0])
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stderr.close()


def ask(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())
    finally:
        connection.close()


def test_the_answer_is_what_denoise_gives(server):
    pixels = noisy()
    status, data, headers = ask(server[1], "POST", "/denoise?sigma=0.08", png(pixels))
    assert status == 200
    assert headers["content-type"] == "image/png"
    assert headers["x-pellucid-method"] == "nlm"
    found = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(found, pellucid.denoise(pixels, "nlm", sigma=0.08))
    status, data, _ = ask(server[1], "POST", "/denoise?sigma=0.08&format=npy", png(pixels))
    assert np.array_equal(np.load(io.BytesIO(data)), found)


def bomb():
    """A PNG of a few kilobytes that says it has 40 000 x 40 000 pixels."""
    head = struct.pack(">IIBBBBB", 40000, 40000, 8, 0, 0, 0, 0)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0" * 10**6))
        + chunk(b"IEND", b"")
    )


BAD = {
    "no picture": ("/denoise", b"no picture at all", 422),
    "nothing": ("/denoise", b"", 400),
    "too large a file": ("/denoise", b"\0" * (2**20 + 1), 413),
    "too large a picture": ("/denoise", png(noisy(shape=(120, 90))), 422),
    "a bomb": ("/denoise", bomb(), 422),
    "an unknown option": ("/denoise?method=dip", png(noisy()), 422),
    "no number": ("/denoise?sigma=much", png(noisy()), 422),
    "an impossible level": ("/denoise?sigma=-1", png(noisy()), 422),
    "another format": ("/denoise?format=exe", png(noisy()), 422),
    "a type that is not taken": ("/denoise?name=a.exe", png(noisy()), 415),
    "a path": ("/denoise?name=../../../etc/passwd.xml", b"", 415),
    "an object in numpy's clothes": ("/denoise?name=a.npy", b"\x93NUMPY\x01\x00garbage", 422),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_requests_are_told_in_one_line(name, server):
    path, body, wanted = BAD[name]
    status, data, _ = ask(server[1], "POST", path, body)
    assert status == wanted
    text = json.loads(data)["error"]
    assert "\n" not in text
    assert "/tmp" not in text
    assert "Traceback" not in text


def test_a_name_is_never_opened(server, tmp_path):
    """Of a name only the ending counts, whatever lies there."""
    secret = tmp_path / "secret.png"
    secret.write_bytes(png(noisy(seed=7)))
    pixels = noisy(seed=3)
    status, data, _ = ask(server[1], "POST", f"/denoise?sigma=0.08&name={secret}", png(pixels))
    assert status == 200
    found = np.asarray(Image.open(io.BytesIO(data)))
    assert np.array_equal(found, pellucid.denoise(pixels, "nlm", sigma=0.08))


def test_a_form_is_told_what_to_send(server):
    """What a browser or `curl -F` sends holds more than the file."""
    form = {"Content-Type": "multipart/form-data; boundary=x"}
    status, data, _ = ask(server[1], "POST", "/denoise", b"--x\r\n\r\n" + png(noisy()), form)
    assert status == 415
    assert "--data-binary" in json.loads(data)["error"]


def test_other_ways_and_places(server):
    for path, wanted in {"/denoise": 405, "/../etc/passwd": 404, "/": 404}.items():
        status, data, _ = ask(server[1], "GET", path)
        assert status == wanted
        assert "POST a picture to /denoise" in json.loads(data)["error"]
    assert json.loads(ask(server[1], "GET", "/health")[1]) == {"status": "ok"}


def test_a_full_queue_says_come_again(server):
    """Twelve at once, of which one is worked on and two may wait."""
    answers = []
    body = png(noisy(shape=(100, 100)))

    def one():
        answers.append(ask(server[1], "POST", "/denoise?sigma=0.08", body))

    threads = [threading.Thread(target=one) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [status for status, _, _ in answers]
    assert set(found) <= {200, 503}
    assert found.count(200) >= 1
    assert all(headers["retry-after"] == "5" for status, _, headers in answers if status == 503)


def test_counts_and_the_end(server):
    """Last, as it ends the service: what was asked is counted, SIGTERM ends it with code 0 and no words."""
    process, port = server
    text = ask(port, "GET", "/metrics")[1].decode()
    assert 'pellucid_answers_total{status="200"}' in text
    assert 'status="500"' not in text
    assert "pellucid_waiting 0" in text
    os.kill(process.pid, signal.SIGTERM)
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
