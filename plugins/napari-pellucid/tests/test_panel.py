"""The panel on an offscreen Qt: inspect, denoise, stop, errors; and the manifest that napari reads."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from napari.components import ViewerModel
from npe2 import PluginManifest
from qtpy.QtWidgets import QApplication

import pellucid
from napari_pellucid import sample
from napari_pellucid.panel import Panel
from napari_pellucid.reader import reader

MANIFEST = Path(sample.__file__).parent / "napari.yaml"


@pytest.fixture(scope="module")
def app():
    return QApplication.instance() or QApplication([])


@pytest.fixture
def panel(app):
    made = Panel(ViewerModel())
    yield made
    made.close()
    made.deleteLater()  # here, and not by a garbage collection in the thread of a job
    app.processEvents()


def waited(panel, app, seconds=300):
    ends = time.monotonic() + seconds
    while panel.job is not None:
        app.processEvents()
        time.sleep(0.02)
        assert time.monotonic() < ends, "the job did not end"


def noisy(shape=(60, 80)):
    clean = np.add.outer(np.linspace(0, 100, shape[-2]), np.linspace(0, 100, shape[-1]))
    return np.clip(clean + np.random.default_rng(0).normal(0, 12, shape), 0, 255).astype(np.uint8)


def test_a_layer_becomes_a_clean_layer_beside_it(panel, app):
    layer = panel.viewer.add_image(
        noisy(), name="cells", scale=(0.2, 0.2), translate=(5, 6), colormap="magma"
    )
    assert panel.layer.currentText() == "cells"
    panel.effort.setCurrentText("quick")
    panel.run.click()
    assert panel.stop.isEnabled()
    assert not panel.run.isEnabled()
    waited(panel, app)
    made = panel.viewer.layers["cells (pellucid)"]
    assert np.array_equal(made.data, pellucid.denoise(layer.data, effort="quick"))
    assert np.allclose(made.scale, layer.scale)
    assert np.allclose(made.translate, layer.translate)
    assert made.colormap.name == "magma"
    assert np.array_equal(layer.data, noisy())
    assert made.metadata["pellucid"]["of"] == "cells"


def test_a_film_is_taken_together(panel, app):
    (truth, _, _), (film, told, _) = sample.film()
    layer = panel.viewer.add_image(film, **told)
    panel.run.click()
    waited(panel, app)
    made = panel.viewer.layers[f"{layer.name} (pellucid)"]
    assert made.axis_labels == ("t", "y", "x")
    assert made.data.shape == film.shape
    error = [np.square(d.astype(float) - truth).mean() for d in (film, made.data)]
    assert error[1] < 0.3 * error[0]


def test_inspect_says_what_noise_there_is(panel, app):
    """With PELLUCID_SCREENSHOTS naming a folder, the picture of the documentation is taken on the way."""
    panel.viewer.add_image(noisy(), name="cells")
    panel.inspect.click()
    waited(panel, app)
    assert "standard deviation" in panel.words.text()
    assert len(panel.viewer.layers) == 1
    if "PELLUCID_SCREENSHOTS" in os.environ:
        panel.resize(380, 330)
        panel.show()
        app.processEvents()
        panel.grab().save(str(Path(os.environ["PELLUCID_SCREENSHOTS"]) / "napari-panel.png"))


def test_what_runs_can_be_stopped(panel, app, monkeypatch):
    from napari_pellucid import panel as module

    def long(picture, tell, **asked):
        class Step:
            iteration, total, slice, slices = 1, 100, 1, 1

        while True:
            tell(Step())
            time.sleep(0.01)

    monkeypatch.setattr(module, "made", long)
    panel.viewer.add_image(noisy(), name="cells")
    panel.run.click()
    panel.stop.click()
    waited(panel, app)
    assert panel.words.text() == "stopped"
    assert len(panel.viewer.layers) == 1
    assert panel.run.isEnabled()


def test_an_error_is_told(panel, app, monkeypatch):
    from napari_pellucid import panel as module

    said = []
    monkeypatch.setattr(module, "show_error", said.append)
    panel.viewer.add_image(np.full((30, 30), np.nan, np.float32), name="nothing")
    panel.run.click()
    waited(panel, app)
    assert said
    assert panel.words.text() == said[0]


def test_the_manifest_names_what_exists():
    manifest = PluginManifest.from_file(MANIFEST)
    manifest.validate_imports()
    assert [w.display_name for w in manifest.contributions.widgets] == ["Denoise"]


def test_the_reader(tmp_path):
    stack = np.arange(3 * 8 * 9, dtype=np.uint16).reshape(3, 8, 9)
    path = tmp_path / "a.tif"
    pellucid.write(pellucid.files.from_array(stack), path)
    ((array, told, kind),) = reader(str(path))(str(path))
    assert np.array_equal(array, stack)
    assert (told["name"], kind) == ("a", "image")
    assert reader("a.docx") is None
