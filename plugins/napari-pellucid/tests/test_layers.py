"""What of a layer is taken, and where the result lies; napari's layers and viewer model, no window."""

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Image

from napari_pellucid.layers import names_of, options, picture_of, placed


def test_a_picture_in_colour_keeps_its_place():
    layer = Image(np.zeros((20, 30, 3), np.uint8), rgb=True, scale=(0.5, 0.5), translate=(3, 4), name="a")
    picture = picture_of(layer)
    assert picture.channel_axis == -1
    assert options(picture) == {"channel_axis": -1}
    look = placed(layer, picture)
    assert np.allclose(look["scale"], (0.5, 0.5))
    assert np.allclose(look["translate"], (3, 4))
    assert look["rgb"]


def test_axes_are_named_by_the_layer_or_by_the_viewer():
    film = Image(np.zeros((5, 20, 30), np.uint16), axis_labels=("t", "y", "x"))
    assert options(picture_of(film)) == {"axes": "TYX"}
    viewer = ViewerModel()
    plain = viewer.add_image(np.zeros((4, 5, 20, 30), np.uint16))
    assert options(picture_of(plain, viewer.dims)) == {}
    viewer.dims.axis_labels = ("time", "z", "y", "x")
    assert names_of(plain, viewer.dims, 4)[0] == "time"
    assert options(picture_of(plain, viewer.dims)) == {"axes": "TZYX"}


def test_channels_are_an_axis_of_their_own():
    layer = Image(np.zeros((2, 5, 20, 30), np.uint16), axis_labels=("c", "z", "y", "x"))
    assert options(picture_of(layer)) == {"channel_axis": 0, "axes": "CZYX"}


def test_only_the_view_is_the_slice_and_part_that_is_shown():
    viewer = ViewerModel()
    data = np.arange(5 * 40 * 60, dtype=np.uint16).reshape(5, 40, 60)
    layer = viewer.add_image(data, scale=(2, 0.5, 0.5), translate=(10, 1, 1), axis_labels=("t", "y", "x"))
    viewer.dims.set_current_step(0, 3)
    layer.corner_pixels = np.array([[3, 10, 20], [3, 29, 50]])
    picture = picture_of(layer, viewer.dims, view=True)
    assert np.array_equal(picture.array, data[3, 10:29, 20:50])
    look = placed(layer, picture)
    assert np.allclose(look["scale"], (0.5, 0.5))
    assert np.allclose(look["translate"], (1 + 5, 1 + 10))
    assert look["axis_labels"] == ("y", "x")


def test_the_finest_level_is_taken():
    levels = [np.zeros((64, 64), np.uint8), np.zeros((32, 32), np.uint8)]
    assert picture_of(Image(levels, multiscale=True)).array.shape == (64, 64)


def test_a_line_of_numbers_is_refused():
    class Line:
        data, rgb, multiscale = np.zeros(5), False, False

    with pytest.raises(ValueError, match="must have rows and columns"):
        picture_of(Line())
