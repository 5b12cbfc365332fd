// The depth map: resting size by time and price, drawn under a price chart. A cell is a byte: 0 nothing, 1..127 bids, 129..255 asks, the
// logarithm of the size in quarter powers of two from 1/128 contract.
import { color } from "./theme.js";

export const sizeOf = (code) => 2 ** ((code % 128 - 1) / 4) / 128;

function parse(depth) {
  const cells = new Uint8Array(depth.columns * depth.rows);
  for (let i = 0; i < cells.length; i++) cells[i] = parseInt(depth.cells.substr(2 * i, 2), 16);
  return cells;
}

function rgb(name) {
  return color(name).split(/[ ,]+/).map(Number);
}

export class DepthMap {
  constructor(depth) {
    this.depth = depth;
    this.cells = parse(depth);
    const codes = this.cells.filter((c) => c % 128 > 0).map((c) => c % 128).sort();
    this.low = codes.length ? codes[Math.floor(codes.length * 0.05)] : 1;
    this.high = codes.length ? codes[Math.floor(codes.length * 0.995)] : 127;
  }
  // The picture in the colours of the present theme, a pixel a cell.
  paint() {
    const { columns, rows } = this.depth, canvas = document.createElement("canvas");
    canvas.width = Math.max(1, columns);
    canvas.height = rows;
    const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, rows);
    const tones = [rgb("heat-bid"), rgb("heat-ask")], span = Math.max(1, this.high - this.low);
    for (let x = 0; x < columns; x++)
      for (let y = 0; y < rows; y++) {
        const code = this.cells[x * rows + y];
        if (code % 128 === 0) continue;
        const strength = Math.min(1, Math.max(0, (code % 128 - this.low) / span)), at = 4 * ((rows - 1 - y) * canvas.width + x);
        image.data.set(tones[code >> 7], at);
        image.data[at + 3] = 18 + 190 * strength ** 1.6;
      }
    context.putImageData(image, 0, 0);
    return canvas;
  }
  draw(u) {
    const { t0, dt, columns, rows, row_e4 } = this.depth, { ctx, bbox } = u;
    const half = row_e4 / 20000; // a row is centred on its price
    const left = u.valToPos(t0, "x", true), right = u.valToPos(t0 + columns * dt, "x", true);
    const bottom = u.valToPos(-half, "y", true), top = u.valToPos(rows * row_e4 / 10000 - half, "y", true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.imageSmoothingEnabled = false;
    ctx.drawImage(this.paint(), left, top, right - left, bottom - top);
    ctx.restore();
  }
  // Size at a time and price in contracts, with its side; null where nothing rests or nobody looked.
  at(t, price) {
    const { t0, dt, columns, rows, row_e4 } = this.depth;
    const x = Math.floor((t - t0) / dt), y = Math.round(price * 10000 / row_e4);
    if (x < 0 || x >= columns || y < 0 || y >= rows) return null;
    const code = this.cells[x * rows + y];
    return code % 128 ? { side: code >> 7 ? "asks" : "bids", size: sizeOf(code) } : null;
  }
}
