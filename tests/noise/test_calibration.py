"""A camera that is made up, with known gain, read noise, pattern and hot pixels, is found again."""

import json
from dataclasses import replace

import numpy as np
import pytest

import pellucid
from pellucid import cli, files
from pellucid.noise import calibration
from pellucid.request import Train
from pellucid.training import settle

GAIN, READ, OFFSET, SIZE = 2.5, 6.0, 200.0, (72, 96)
HOT = [(5, 7), (40, 60), (41, 60)]


class MadeUp:
    """Photons, gain, read noise, a fixed pattern and a response; 12 bits in 16."""

    def __init__(self, seed=0):
        self.rng = np.random.default_rng(seed)
        self.pattern = self.rng.normal(0, 8, SIZE) * (np.arange(SIZE[1]) % 4 == 0)
        self.response = self.rng.normal(1, 0.03, SIZE) * np.linspace(0.9, 1.1, SIZE[1])

    def frame(self, electrons):
        light = self.rng.poisson(np.broadcast_to(electrons, SIZE) * self.response)
        values = OFFSET + self.pattern + GAIN * light + self.rng.normal(0, READ, SIZE)
        for row, column in HOT:
            values[row, column] += 1500
        return files.from_array(np.clip(np.rint(values), 0, 4095).astype(np.uint16), data_range=4095)


@pytest.fixture(scope="module")
def made_up():
    return MadeUp()


@pytest.fixture(scope="module")
def camera(made_up):
    darks = [made_up.frame(0) for _ in range(16)]
    flats = [made_up.frame(level) for level in (150, 400, 800) for _ in range(8)]
    return calibration.measure(darks, flats)


def test_what_was_put_in_is_found(camera, made_up):
    assert camera.gain[0] == pytest.approx(GAIN, rel=0.03)
    assert camera.read[0] == pytest.approx(READ, rel=0.03)
    assert sorted(map(tuple, np.argwhere(camera.hot))) == HOT
    sound = ~camera.hot
    assert np.std((camera.dark[0] - OFFSET - made_up.pattern)[sound]) < 1.2 * READ / 4
    shape = made_up.response / made_up.response.mean()
    assert np.std((camera.response[0] / shape)[sound]) < 0.02
    assert camera.text().startswith("poisson-gaussian:")
    peak, sigma = (float(v) for v in camera.text().split(":")[1].split(","))
    assert peak == pytest.approx(4095 / GAIN, rel=0.03)
    assert sigma == pytest.approx(255 * READ / 4095, rel=0.03)


def test_pattern_response_and_hot_pixels_come_off_and_the_noise_is_told(camera, made_up):
    scene = 300 + 150 * np.sin(np.arange(SIZE[0]) / 9)[:, None] * np.ones(SIZE)
    clean = OFFSET + GAIN * scene * made_up.response.mean()
    frame = made_up.frame(scene)
    corrected = camera.applied(frame)
    stored = corrected.pixels[0, 0] * corrected.scale
    wanted = np.sqrt(GAIN * (clean - OFFSET) + READ**2)
    told = camera.levels(corrected.pixels[0], corrected)[0] * corrected.scale
    assert np.median(told / wanted) == pytest.approx(1.0, abs=0.03)
    assert np.std((stored - clean) / told) == pytest.approx(1.0, abs=0.05)
    plain = pellucid.denoise(frame, "nlm", return_result=True)
    better = pellucid.denoise(frame, "nlm", calibration=camera, return_result=True)

    def error(result):
        return np.sqrt(np.mean((result.estimate[0, 0] * frame.scale - clean) ** 2))

    assert error(better) < 0.7 * error(plain)
    for row, column in HOT:
        assert abs(better.estimate[0, 0, row, column] * frame.scale - clean[row, column]) < 4 * wanted.max()


def test_a_file_comes_back_and_a_strangers_is_refused(camera, tmp_path):
    path = tmp_path / "camera.npz"
    calibration.write(path, camera)
    again = calibration.read(path)
    assert again.gain == camera.gain
    assert np.array_equal(again.hot, camera.hot)
    with pytest.raises(FileExistsError):
        calibration.write(path, camera)
    for data in (b"no archive", path.read_bytes()[:200]):
        (tmp_path / "bad.npz").write_bytes(data)
        with pytest.raises(ValueError, match=r"calibration 'bad\.npz' is damaged") as caught:
            calibration.read(tmp_path / "bad.npz")
        assert "\n" not in str(caught.value)
    np.savez(tmp_path / "code.npz", rest=np.array([print], dtype=object))
    with pytest.raises(ValueError, match="damaged"):
        calibration.read(tmp_path / "code.npz")
    calibration.write(tmp_path / "zero.npz", replace(camera, response=0 * camera.response))
    with pytest.raises(ValueError, match="those of no camera"):
        calibration.read(tmp_path / "zero.npz")


def test_frames_that_will_not_do(made_up):
    darks, flats = [made_up.frame(0) for _ in range(2)], [made_up.frame(300) for _ in range(2)]
    with pytest.raises(ValueError, match="dark frames must be two or more, got 1"):
        calibration.measure(darks[:1], flats)
    with pytest.raises(ValueError, match="brighter than dark"):
        calibration.measure(flats, darks)
    with pytest.raises(ValueError, match="must not be clipped"):
        calibration.measure(darks, [made_up.frame(5000) for _ in range(2)])
    still = files.from_array(np.full(SIZE, 900, np.uint16), data_range=4095)
    with pytest.raises(ValueError, match="noisier than dark ones"):
        calibration.measure(darks, [still, still])
    with pytest.raises(ValueError, match="the calibration is of 72 x 96 pixels"):
        calibration.measure(darks, flats).applied(files.from_array(np.zeros((8, 8), np.uint8)))


def test_the_program_measures_denoises_and_trains(made_up, tmp_path, capsys):
    for name, level, count in (("darks", 0, 3), ("flats", 400, 3), ("seen", 300, 1)):
        (tmp_path / name).mkdir()
        for number in range(count):
            files.write(made_up.frame(level), tmp_path / name / f"{number}.tif")
    camera = tmp_path / "camera.npz"
    with pytest.raises(SystemExit) as ended:
        cli.main(["calibrate", str(tmp_path / "darks"), str(tmp_path / "flats"), "-o", str(camera), "--json"])
    assert ended.value.code == 0
    told = json.loads(capsys.readouterr().out)
    assert told["gain"][0] == pytest.approx(GAIN, rel=0.1)
    words = ["denoise", str(tmp_path / "seen" / "0.tif"), "-o", str(tmp_path / "o.tif"), "--method", "nlm"]
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, "--calibration", str(camera)])
    assert ended.value.code == 0
    assert files.read(tmp_path / "o.tif").dtype == "uint16"
    asked = Train(
        method="n2n",
        data=tmp_path / "seen",
        out=tmp_path / "m.safetensors",
        noise=str(camera),
        network="swift",
    )
    assert settle(asked).options.noise == told["noise"]
    with pytest.raises(ValueError, match="all say which level to take"):
        pellucid.denoise(np.zeros(SIZE, np.uint16), calibration=str(camera), sigma=0.1)
