"""The panel: which layer, what of it, how long; look, denoise, stop."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Image
from napari.utils.notifications import show_error
from napari.viewer import Viewer
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_pellucid.job import Job
from napari_pellucid.layers import Picture, options, picture_of, placed

WHAT = ("the whole layer", "only the view")
EVERY = 100
"""milliseconds between two looks at a job"""


class Panel(QWidget):
    """Denoise image layers with pellucid.

    Args:
        napari_viewer: the viewer, given by napari.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        super().__init__()
        self.viewer = napari_viewer
        self.job: Job | None = None
        self.after: Any = None
        self.layer, self.what, self.effort = QComboBox(), QComboBox(), QComboBox()
        self.what.addItems(WHAT)
        self.effort.addItems(("quick", "normal", "best"))
        self.effort.setCurrentText("normal")
        self.strength, self.detail = QDoubleSpinBox(), QDoubleSpinBox()
        for box, value in ((self.strength, 1.0), (self.detail, 0.0)):
            box.setRange(0.0, 1.0)
            box.setSingleStep(0.05)
            box.setValue(value)
        self.inspect, self.run, self.stop = (
            QPushButton("Inspect"),
            QPushButton("Denoise"),
            QPushButton("Stop"),
        )
        self.bar, self.words = QProgressBar(), QLabel()
        self.bar.hide()
        self.words.setWordWrap(True)
        self.stop.setEnabled(False)
        form, buttons, whole = QFormLayout(), QHBoxLayout(), QVBoxLayout(self)
        for name, widget in (
            ("layer", self.layer),
            ("take", self.what),
            ("effort", self.effort),
            ("strength", self.strength),
            ("detail", self.detail),
        ):
            form.addRow(name, widget)
        for button in (self.inspect, self.run, self.stop):
            buttons.addWidget(button)
        whole.addLayout(form)
        whole.addLayout(buttons)
        whole.addWidget(self.bar)
        whole.addWidget(self.words)
        whole.addStretch()
        self.timer = QTimer(self)
        self.timer.setInterval(EVERY)
        self.timer.timeout.connect(self.look)
        self.inspect.clicked.connect(self.inspected)
        self.run.clicked.connect(self.denoised)
        self.stop.clicked.connect(self.stopped)
        events = self.viewer.layers.events
        events.inserted.connect(self.listed)
        events.removed.connect(self.listed)
        self.viewer.layers.selection.events.active.connect(self.listed)
        self.listed()

    def listed(self, event: Any = None) -> None:
        """Fill the list of layers; the active one is chosen."""
        names = [layer.name for layer in self.viewer.layers if isinstance(layer, Image)]
        active = self.viewer.layers.selection.active
        chosen = active.name if isinstance(active, Image) else self.layer.currentText()
        self.layer.clear()
        self.layer.addItems(names)
        if chosen in names:
            self.layer.setCurrentText(chosen)
        idle = self.job is None
        self.run.setEnabled(bool(names) and idle)
        self.inspect.setEnabled(bool(names) and idle)

    def inspected(self) -> None:
        """Say what noise there is."""
        found = self._taken()
        if found is None:
            return
        _, picture = found

        def work(tell: Any) -> str:
            from pellucid.noise import analysis
            from pellucid.request import Inspect
            from pellucid.run.verbs import inspected

            state = inspected(as_image(picture), Inspect())
            return f"{analysis.words(state.noise)}\nIt would use {state.choice.method}: {state.choice.reason}"

        self._begin(work, self.words.setText)

    def denoised(self) -> None:
        """Denoise, and add what comes of it."""
        found = self._taken()
        if found is None:
            return
        layer, picture = found
        look = placed(layer, picture)
        asked = {
            "effort": self.effort.currentText(),
            "strength": self.strength.value(),
            "detail": self.detail.value(),
        }

        def work(tell: Any) -> Any:
            return made(picture, tell, **asked)

        def add(outcome: Any) -> None:
            array, result = outcome
            look["metadata"]["pellucid"] |= {"method": result.method, "reason": result.reason}
            self.viewer.add_image(array, **look)
            trust = "" if result.trust is None else f" Trust {result.trust.level}."
            self.words.setText(" ".join((f"{result.reason}.{trust}", *result.warnings)))

        self._begin(work, add)

    def stopped(self) -> None:
        """End the work at its next step."""
        if self.job is not None:
            self.job.stop()
            self.words.setText("stopping at the next step")

    def look(self) -> None:
        """Show how far the job is, and take what came of it."""
        job = self.job
        if job is None:
            return
        if job.state == "working":
            if job.share is not None:
                self.bar.setRange(0, 1000)
                self.bar.setValue(round(1000 * job.share))
            return
        self.timer.stop()
        self.bar.hide()
        self.stop.setEnabled(False)
        self.job, after = None, self.after
        self.listed()
        if job.state == "done":
            after(job.value)
        elif job.state == "failed":
            self.words.setText(job.words)
            show_error(job.words)
        else:
            self.words.setText("stopped")

    def closeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """The panel goes, and with it the work."""
        if self.job is not None:
            self.job.stop()
        self.timer.stop()
        events = self.viewer.layers.events
        for signal in (events.inserted, events.removed, self.viewer.layers.selection.events.active):
            signal.disconnect(self.listed)
        super().closeEvent(event)

    def _taken(self) -> tuple[Any, Picture] | None:
        """The layer and what of it is meant; None, and a word, where that cannot be."""
        name = self.layer.currentText()
        if not name or self.job is not None:
            return None
        layer = self.viewer.layers[name]
        try:
            return layer, picture_of(layer, self.viewer.dims, view=self.what.currentText() == WHAT[1])
        except ValueError as error:
            self.words.setText(str(error))
            return None

    def _begin(self, work: Any, after: Any) -> None:
        self.after, self.job = after, Job(work)
        self.bar.setRange(0, 0)
        self.bar.show()
        self.words.setText("")
        self.stop.setEnabled(True)
        self.run.setEnabled(False)
        self.inspect.setEnabled(False)
        self.timer.start()


def as_image(picture: Picture) -> Any:
    """The pixels as an Image of pellucid."""
    from pellucid import files

    array, told = _shaped(picture)
    return files.from_array(array, channel_axis=told.get("channel_axis"))


def made(picture: Picture, tell: Any, **asked: Any) -> tuple[Any, Any]:
    """The array after denoising, of the type and shape that it had, and the Result."""
    from pellucid import files
    from pellucid.request import Denoise
    from pellucid.run import State, run, settle

    array, told = _shaped(picture)
    axes = told.get("axes")
    if axes is not None and array.ndim != picture.array.ndim:
        axes += "C"
    request = Denoise(channel_axis=told.get("channel_axis"), axes=axes, **asked)
    state = run(State(settings=settle(request), given=(array,), progress=tell))
    return files.to_array(state.picture).reshape(picture.array.shape), state.result


def _shaped(picture: Picture) -> tuple[Any, dict[str, Any]]:
    """The array as pellucid takes it: one whose columns could be colours gets an axis for them."""
    told = options(picture)
    array = np.ascontiguousarray(picture.array)
    if picture.channel_axis is None and array.ndim > 2 and array.shape[-1] in (3, 4):
        return array[..., None], told | {"channel_axis": -1}
    return array, told
