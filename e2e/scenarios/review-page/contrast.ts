// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: 2026 The Countersign Authors

/**
 * An expression for the browser: the texts on the screen whose contrast to what is behind them is less
 * than 4.5 to 1, each as `text: ratio`. Controls that are switched off do not count, as in WCAG 1.4.3.
 */
export const CONTRAST: string = `(() => {
  const parts = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const linear = (value) => {
    const part = value / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  };
  const luminance = ([red, green, blue]) =>
    0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  const behind = (element) => {
    for (let each = element; each !== null; each = each.parentElement) {
      const color = parts(getComputedStyle(each).backgroundColor);
      if (color.length === 3) return color;
    }
    return [255, 255, 255];
  };
  const ratio = (element) => {
    const style = getComputedStyle(element);
    const drawn = element instanceof SVGElement ? style.fill : style.color;
    const [dark, light] = [luminance(parts(drawn)), luminance(behind(element))].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  };
  const walker = document.createTreeWalker(document.getElementById('page'), NodeFilter.SHOW_TEXT);
  const faint = new Set();
  let texts = 0;
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (element.tagName === 'title' || element.matches(':disabled') || !element.checkVisibility()) continue;
    texts++;
    const found = ratio(element);
    if (!(found >= 4.5)) faint.add(walker.currentNode.textContent + ': ' + found.toFixed(2));
  }
  return texts === 0 ? ['nothing to read'] : [...faint];
})()`;
