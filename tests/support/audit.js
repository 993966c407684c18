// What axe would look for first: names, headers, landmarks, unique ids, contrast as it was computed.
// Tells the problems as a list of texts.
() => {
  const told = [];
  const tell = (what, element) => told.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  const isVisible = (element) => element.checkVisibility({ visibilityProperty: true });
  const shown = (element) => isVisible(element) && !element.closest(".unseen, .skip");
  const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
  for (const id of ids) if (ids.filter((other) => other === id).length > 1) told.push(`id twice: ${id}`);
  for (const [selector, count] of [["main", 1], ["h1", 1], ["header", 1], ["footer", 1], ["html[lang]", 1]])
    if (document.querySelectorAll(selector).length !== count) told.push(`not ${count} ${selector}`);
  const levels = [...document.querySelectorAll("main :is(h1,h2,h3)")].map((heading) => Number(heading.tagName[1]));
  levels.forEach((level, at) => { if (level > (levels[at - 1] ?? 0) + 1) told.push(`heading skips to ${level}`); });
  for (const field of document.querySelectorAll("input, select")) if (!field.labels?.length) tell("no label", field);
  for (const control of document.querySelectorAll("a, button"))
    if (!(control.getAttribute("aria-label") || control.textContent.trim())) tell("no name", control);
  for (const table of document.querySelectorAll("table"))
    if (!table.caption?.textContent.trim()) tell("no caption", table);
  for (const header of document.querySelectorAll("th")) if (!header.scope) tell("no scope", header);
  for (const reference of document.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(reference.getAttribute("aria-labelledby"))) tell("labelled by nothing", reference);
  for (const box of document.querySelectorAll(".scroll, pre"))
    if (box.tabIndex !== 0 || !box.getAttribute("aria-label")) tell("not to be scrolled by keyboard", box);

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
      if (color[3] !== 0) tell("half transparent ground", at);
    }
    return [255, 255, 255, 255];
  };
  const light = (color) => {
    const [r, g, b] = color.map((part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !shown(element)) continue;
    const [one, two] = [light(rgba(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
    if (contrast < 4.5) tell(`contrast ${contrast.toFixed(2)}`, element);
  }
  return told;
}
