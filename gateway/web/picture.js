// SPDX-License-Identifier: Apache-2.0
// A card as a PNG: its elements and style sheets are drawn as an image of SVG.

const SCALE = 2;
const XHTML = "http://www.w3.org/1999/xhtml";

const styles = () => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules]).map((rule) => rule.cssText).join("\n");

// A copy of a card in which charts are images, for a canvas is empty when it is copied.
function copy(card) {
  const twin = card.cloneNode(true);
  const charts = [...card.querySelectorAll("canvas")];
  [...twin.querySelectorAll("canvas")].forEach((canvas, i) => {
    const image = document.createElement("img");
    image.src = charts[i].toDataURL();
    image.style.cssText = canvas.style.cssText;
    image.width = charts[i].clientWidth;
    image.height = charts[i].clientHeight;
    canvas.replaceWith(image);
  });
  return twin;
}

// Returns a promise of a card as a PNG. It is rejected where the browser lets no such image be read again.
export async function pictureOf(card) {
  const { width, height } = card.getBoundingClientRect();
  const dark = getComputedStyle(document.documentElement).getPropertyValue("--page").trim() === "#0b1017";
  const twin = copy(card);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" data-theme="${dark ? "dark" : "light"}" width="${SCALE * width}" height="${SCALE * height}" viewBox="0 0 ${width} ${height}">`
    + `<foreignObject width="100%" height="100%"><div xmlns="${XHTML}" style="height:${height}px;display:grid"><style>${styles().replaceAll("&", "&amp;").replaceAll("<", "&lt;")}</style>`
    + `${new XMLSerializer().serializeToString(twin)}</div></foreignObject></svg>`;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * width;
  canvas.height = SCALE * height;
  canvas.getContext("2d").drawImage(image, 0, 0);
  return new Promise((done, failed) => { canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture"))), "image/png"); });
}

// Saves a card under a name.
export async function savePicture(card, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await pictureOf(card));
  link.download = `${name.replace(/[^\w.-]+/g, "_")}.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
