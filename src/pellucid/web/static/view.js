// The part under view: three pictures of the same part, from which the sliders make a fourth.
// x' = y - S (r - D w r), and r = before - after, w r = detailed - after.

export const pixels = async (address) => {
  const image = new Image();
  image.src = address;
  await image.decode();
  const sheet = new OffscreenCanvas(image.width, image.height);
  const pen = sheet.getContext("2d", { willReadFrequently: true });
  pen.drawImage(image, 0, 0);
  return pen.getImageData(0, 0, image.width, image.height);
};

export class View {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.wish = { strength: 1, detail: 0, split: 0.5, show: "after" };
    this.part = null;
    this.mask = null;
  }

  async take(answer) {
    const [before, after, detailed] = await Promise.all(["before", "after", "detailed"].map((name) => pixels(answer[name])));
    this.part = { before, after, detailed, box: answer.box };
    this.draw();
  }

  // The result of the sliders, as numbers of 8 bits.
  mixed() {
    const { before, after, detailed } = this.part;
    const made = new ImageData(before.width, before.height);
    const { strength, detail, show } = this.wish;
    for (let i = 0; i < made.data.length; i += 1) {
      const y = before.data[i];
      const off = strength * (y - after.data[i] - detail * (detailed.data[i] - after.data[i]));
      made.data[i] = i % 4 === 3 ? 255 : show === "removed" ? 128 + 4 * off : y - off;
    }
    return made;
  }

  draw() {
    if (!this.part) return;
    const { before, box } = this.part;
    const { canvas, pen } = this;
    if (canvas.width !== before.width || canvas.height !== before.height) {
      canvas.width = before.width;
      canvas.height = before.height;
    }
    const border = Math.round(before.width * this.wish.split);
    pen.putImageData(this.mixed(), 0, 0);
    pen.putImageData(before, 0, 0, 0, 0, border, before.height);
    if (this.mask) {
      pen.globalAlpha = 0.55;
      pen.drawImage(this.mask, box[1], box[0], box[3], box[2], 0, 0, box[3], box[2]);
      pen.globalAlpha = 1;
    }
    if (border > 0 && border < before.width) {
      pen.fillStyle = "#fffc";
      pen.fillRect(border - 1, 0, 2, before.height);
      pen.beginPath();
      pen.arc(border, before.height / 2, 9, 0, 7);
      pen.fill();
      pen.strokeStyle = "#0006";
      pen.stroke();
    }
  }
}

// The whole picture, small, with the part under view.
export class Overview {
  constructor(canvas) {
    this.canvas = canvas;
    this.pen = canvas.getContext("2d");
    this.image = null;
  }

  take(image, width, height) {
    this.image = image;
    this.size = { width, height };
    this.canvas.width = image.width;
    this.canvas.height = image.height;
  }

  // A place of the mouse, in pixels of the picture.
  place(event) {
    const area = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - area.left) / area.width) * this.size.width,
      y: ((event.clientY - area.top) / area.height) * this.size.height,
    };
  }

  draw(box, mask) {
    if (!this.image) return;
    const { canvas, pen, size } = this;
    pen.drawImage(this.image, 0, 0);
    if (mask) {
      pen.globalAlpha = 0.6;
      pen.drawImage(mask, 0, 0, canvas.width, canvas.height);
      pen.globalAlpha = 1;
    }
    const scale = canvas.width / size.width;
    pen.lineWidth = Math.max(2, canvas.width / 200);
    pen.strokeStyle = "#000a";
    pen.strokeRect(box.left * scale, box.top * scale, box.width * scale, box.height * scale);
    pen.lineWidth /= 2;
    pen.strokeStyle = "#fff";
    pen.strokeRect(box.left * scale, box.top * scale, box.width * scale, box.height * scale);
  }
}
