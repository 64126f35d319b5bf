"""The routes of the page, without a browser: sessions, limits, bad files, results."""

import asyncio
import base64
import io
import json
import time
from urllib.parse import quote

import httpx
import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms
from skimage import data

pytest.importorskip("starlette")

import pellucid
from pellucid import files
from pellucid.web import work
from pellucid.web.app import application
from pellucid.web.sessions import Limits, Refused, Sessions, plain_name

HOST = "http://127.0.0.1"


def noisy(height=90, width=120, seed=0):
    clean = data.chelsea()[100 : 100 + height, 120 : 120 + width]
    noise = np.random.default_rng(seed).normal(0, 20, clean.shape)
    return np.clip(np.rint(clean + noise), 0, 255).astype(np.uint8)


def png(array, **more):
    buffer = io.BytesIO()
    Pillow.fromarray(array).save(buffer, "PNG", **more)
    return buffer.getvalue()


class Page:
    """A page that talks to the application as a browser would, in this process."""

    def __init__(self, client):
        self.client, self.headers = client, {}

    async def begin(self):
        self.headers = {"x-session": (await self.client.post("/api/session")).json()["session"]}
        return self

    async def get(self, path):
        return await self.client.get(f"/api/{path}", headers=self.headers)

    async def post(self, path, given):
        return await self.client.post(f"/api/{path}", json=given, headers=self.headers)

    async def add(self, content, name="cat.png"):
        headers = self.headers | {"x-name": quote(name)}
        return await self.client.post("/api/pictures", content=content, headers=headers)

    async def done(self, job):
        ends = time.monotonic() + 300
        while time.monotonic() < ends:
            told = (await self.get(f"jobs/{job}")).json()
            if told["state"] not in ("waiting", "working"):
                return told
            await asyncio.sleep(0.1)
        raise AssertionError("the job did not end")


def served(act, limits=None, **more):
    """Run a test with an application and a client for it."""

    async def run():
        app = application(limits)
        async with app.router.lifespan_context(app):
            transport = httpx.ASGITransport(app=app)
            async with httpx.AsyncClient(transport=transport, base_url=more.get("host", HOST)) as client:
                return await act(client, app)

    return asyncio.run(run())


def test_a_picture_from_upload_to_file():
    given = noisy()
    exif, profile = Pillow.Exif(), ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif[0x0112], exif[0x010F] = 6, "Camera"  # orientation, maker
    sent = png(given, dpi=(300, 300), exif=exif, icc_profile=profile)

    async def act(client, app):
        page = await Page(client).begin()
        told = (await page.add(sent)).json()
        assert (told["width"], told["height"], told["channels"]) == (120, 90, 3)
        key = told["picture"]
        view = await page.get(f"pictures/{key}/overview")
        assert Pillow.open(io.BytesIO(view.content)).size == (120, 90)
        words = (await page.get(f"pictures/{key}/diagnosis")).json()
        assert words["level"] == pytest.approx(20, rel=0.3)
        box = {"top": 10, "left": 20, "height": 64, "width": 64}
        part = (await page.post(f"pictures/{key}/preview", box)).json()
        assert part["before"] != part["after"] != part["detailed"]
        assert (await page.get(f"pictures/{key}/result")).status_code == 409
        job = (await page.post(f"pictures/{key}/run", {"verb": "denoise", "method": "nlm"})).json()["job"]
        assert (await page.done(job))["method"] == "nlm"
        whole = await page.get(f"pictures/{key}/result")
        half = await page.get(f"pictures/{key}/result?strength=0.5&detail=0.25")
        assert "cat-clean.png" in whole.headers["content-disposition"]
        return whole.content, half.content

    whole, half = served(act)
    with Pillow.open(io.BytesIO(whole)) as file:
        assert file.info["dpi"] == pytest.approx((300, 300), rel=0.01)
        assert file.info["icc_profile"] == profile
        assert dict(file.getexif()) == dict(exif)
        assert np.array_equal(np.asarray(file), pellucid.denoise(given, "nlm", channel_axis=-1))
    with Pillow.open(io.BytesIO(half)) as file:
        asked = {"strength": 0.5, "detail": 0.25, "channel_axis": -1}
        assert np.array_equal(np.asarray(file), pellucid.denoise(given, "nlm", **asked))


def test_a_preview_looks_at_its_part_alone():
    given = noisy()
    rows, columns = slice(20, 60), slice(30, 80)
    near = (slice(20 - work.MARGIN, 60 + work.MARGIN), slice(30 - work.MARGIN, 80 + work.MARGIN))
    other = np.random.default_rng(1).integers(0, 256, given.shape).astype(np.uint8)
    other[near] = given[near]
    box = (rows.start, columns.start, 40, 50)
    one, two = (
        work.preview(files.from_array(whole, channel_axis=-1), box, {"method": "nlm"}, 0)
        for whole in (given, other)
    )
    for name in ("before", "after", "detailed"):
        assert one[name] == two[name]
    shown = Pillow.open(io.BytesIO(base64.b64decode(one["before"].split(",")[1])))
    assert np.array_equal(np.asarray(shown), given[rows, columns])


def test_sessions_are_apart_and_leave_nothing():
    async def act(client, app):
        one, two = await Page(client).begin(), await Page(client).begin()
        key = (await one.add(png(noisy()))).json()["picture"]
        assert (await two.get(f"pictures/{key}/overview")).status_code == 404
        assert (await one.get(f"pictures/{key}/overview")).status_code == 200
        assert (await client.get(f"/api/pictures/{key}/overview")).status_code == 401
        folder = app.state.sessions.of(one.headers["x-session"]).folder
        assert list(folder.iterdir())
        await client.post("/api/end", content=one.headers["x-session"])
        assert not folder.exists()
        assert (await one.get(f"pictures/{key}/overview")).status_code == 401
        return folder.parent

    assert not served(act).exists()


def test_what_cannot_be_read_is_told_in_a_sentence_and_not_kept():
    async def act(client, app):
        page = await Page(client).begin()
        folder = app.state.sessions.of(page.headers["x-session"]).folder
        for content, name in ((b"no picture", "a.png"), (b"", "b.png"), (png(noisy())[:200], "c.png")):
            answer = await page.add(content, name)
            assert answer.status_code == 422, name
            assert "pellucid-web" not in answer.json()["error"]
            assert not list(folder.iterdir())

    served(act)


def test_limits_hold():
    async def act(client, app):
        page = await Page(client).begin()
        large = await page.add(b"x" * 60_000)
        assert large.status_code == 413
        assert "larger than 0.05 MB" in large.json()["error"]
        many = await page.add(png(np.zeros((400, 300), np.uint8)))
        assert many.status_code == 413
        assert "megapixels" in many.json()["error"]
        small = png(np.zeros((20, 30), np.uint8))
        assert [(await page.add(small)).status_code for _ in range(3)] == [200, 200, 413]
        await Page(client).begin()
        assert (await client.post("/api/session")).status_code == 503

    served(act, Limits(megabytes=0.05, megapixels=0.1, pictures=2, sessions=2))


def test_pictures_are_bounded_together():
    async def act(client, app):
        page = await Page(client).begin()
        small = png(np.zeros((200, 400), np.uint8))
        told = [await page.add(small) for _ in range(3)]
        assert [one.status_code for one in told] == [200, 200, 413]
        assert "too large together" in told[2].json()["error"]
        path = f"/api/pictures/{told[0].json()['picture']}"
        assert (await client.delete(path, headers=page.headers)).status_code == 204
        assert (await page.add(small)).status_code == 200
        assert len(list(app.state.sessions.of(page.headers["x-session"]).folder.iterdir())) == 2

    served(act, Limits(megapixels=0.1))


def test_names_lead_nowhere():
    assert plain_name("../../../etc/passwd") == "passwd"
    assert plain_name("..\\..\\boot.ini") == "boot.ini"
    assert plain_name('a"\r\nX: y.png') == "aX y.png"
    assert plain_name("/") == "picture"

    async def act(client, app):
        page = await Page(client).begin()
        folder = app.state.sessions.of(page.headers["x-session"]).folder
        told = (await page.add(png(noisy()), "../../../../tmp/escaped.png")).json()
        assert told["name"] == "escaped.png"
        assert [path.parent for path in folder.iterdir()] == [folder]
        for path in (
            "/../pyproject.toml",
            "/static/app.js",
            "/%2e%2e/app.py",
            "/api/pictures/..%2f..%2fx/overview",
        ):
            assert (await client.get(path, headers=page.headers)).status_code in (401, 404)

    served(act)


def test_only_the_page_itself_may_ask():
    async def act(client, app):
        assert (
            await client.post("/api/session", headers={"origin": "http://elsewhere.example"})
        ).status_code == 403
        assert (await client.post("/api/session", headers={"origin": HOST})).status_code == 200
        page = await client.get("/")
        assert page.status_code == 200
        assert "default-src 'self'" in page.headers["content-security-policy"]

    served(act)

    async def by_name(client, app):
        assert (await client.get("/")).status_code == 400

    served(by_name, host="http://rebound.example")


def test_files_of_the_machine_cannot_be_named():
    async def act(client, app):
        page = await Page(client).begin()
        key = (await page.add(png(noisy()))).json()["picture"]
        given = {
            "verb": "inpaint",
            "mask": "/etc/hostname",
            "model": "/etc/hostname",
            "guide": "/etc/hostname",
        }
        answer = await page.post(f"pictures/{key}/run", given)
        assert answer.status_code == 422
        assert "mask" in answer.json()["error"]
        return (await page.post(f"pictures/{key}/run", {"verb": "train"})).json()["job"], await page.done(
            (await page.post(f"pictures/{key}/run", {"verb": "train"})).json()["job"]
        )

    _, told = served(act)
    assert told["state"] == "failed"
    assert "verb must be one of" in told["error"]


def test_a_painted_mask_is_filled():
    given = data.camera()[100:164, 200:280].copy()
    hole = np.zeros(given.shape, np.uint8)
    hole[20:24, 10:60] = 255
    import base64

    async def act(client, app):
        page = await Page(client).begin()
        key = (await page.add(png(np.where(hole > 0, 255, given).astype(np.uint8)))).json()["picture"]
        mask = "data:image/png;base64," + base64.b64encode(png(hole)).decode()
        job = (
            await page.post(f"pictures/{key}/run", {"verb": "inpaint", "mask": mask, "method": "biharmonic"})
        ).json()
        assert (await page.done(job["job"]))["state"] == "done"
        return (await page.get(f"pictures/{key}/result")).content

    with Pillow.open(io.BytesIO(served(act))) as file:
        made = np.asarray(file)
    assert np.array_equal(made[hole == 0], given[hole == 0])
    assert np.abs(made[hole > 0].astype(float) - given[hole > 0]).mean() < 25


def test_a_job_can_be_stopped():
    async def act(client, app):
        page = await Page(client).begin()
        key = (await page.add(png(noisy()))).json()["picture"]
        first = (await page.post(f"pictures/{key}/run", {"verb": "denoise", "method": "dip"})).json()["job"]
        second = (await page.post(f"pictures/{key}/run", {"verb": "denoise", "method": "nlm"})).json()["job"]
        await page.post(f"jobs/{second}/cancel", {})
        await page.post(f"jobs/{first}/cancel", {})
        return (await page.done(first))["state"], (await page.done(second))["state"]

    assert served(act) == ("cancelled", "cancelled")


def test_sessions_that_are_idle_make_room(monkeypatch):
    sessions = Sessions(Limits(sessions=1))
    first = sessions.begin()
    with pytest.raises(Refused, match="are here already"):
        sessions.begin()
    monkeypatch.setattr("pellucid.web.sessions.IDLE", 0.0)
    time.sleep(0.01)
    second = sessions.begin()
    assert not first.folder.exists()
    sessions.close()
    assert not second.folder.exists()


def test_nonsense_is_refused():
    async def act(client, app):
        page = await Page(client).begin()
        key = (await page.add(png(noisy()))).json()["picture"]
        for path, body in (
            (f"pictures/{key}/preview", b"no json"),
            (f"pictures/{key}/run", json.dumps([1]).encode()),
        ):
            answer = await client.post(f"/api/{path}", content=body, headers=page.headers)
            assert answer.status_code == 400
        assert (await page.get(f"pictures/{key}/overview?slice=5")).status_code == 422
        assert (await page.get("jobs/none")).status_code == 404

    served(act)
