// Block Kit as HTML. `view` is {names, act(block, element, value)}; without `act`, nothing can be clicked.

import { el, link } from "./dom.js";
import { emoji, mention, mrkdwn, plainText } from "./mrkdwn.js";

export function textObject(object, names) {
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : plainText(object.text);
}

function styled(node, style = {}) {
  const tags = { code: "code", bold: "strong", italic: "em", strike: "del" };
  return Object.keys(tags).filter((name) => style[name]).reduce((inner, name) => el(tags[name], {}, inner), node);
}

function inline(piece, names) {
  switch (piece.type) {
    case "text": return styled(document.createTextNode(piece.text), piece.style);
    case "link": return styled(link(piece.url, piece.text ?? piece.url), piece.style);
    case "user": return mention(`@${names.user(piece.user_id)}`);
    case "usergroup": return mention(`@${names.group(piece.usergroup_id)}`);
    case "channel": return mention(`#${names.channel(piece.channel_id)}`);
    case "emoji": return document.createTextNode(emoji(piece.name));
    default: return mention(`@${piece.range}`);
  }
}

function richText(part, names) {
  const inside = () => part.elements.map((piece) => inline(piece, names));
  switch (part.type) {
    case "rich_text_preformatted": return el("pre", {}, inside());
    case "rich_text_quote": return el("blockquote", {}, inside());
    case "rich_text_list": {
      const items = part.elements.map((item) => el("li", {}, item.elements.map((piece) => inline(piece, names))));
      return el(part.style === "ordered" ? "ol" : "ul", {}, items);
    }
    default: return el("div", { className: "rich" }, inside());
  }
}

function optionsOf(element) {
  return [...(element.options ?? []), ...(element.option_groups ?? []).flatMap((group) => group.options)];
}

function chooser(element, block, view, data) {
  const initial = element.initial_option?.value ?? "";
  const choices = optionsOf(element).map((option) =>
    el("option", { value: option.value, selected: option.value === initial }, plainText(option.text.text)));
  const first = el("option", { value: "" }, element.placeholder?.text ?? (element.type === "overflow" ? "⋯" : "Choose"));
  const onchange = (event) => event.target.value && view.act?.(block, element, event.target.value);
  return el("select", { data, onchange }, first, choices);
}

function ticks(element, block, view, data) {
  const type = element.type === "checkboxes" ? "checkbox" : "radio";
  const initial = [...(element.initial_options ?? []), element.initial_option].filter(Boolean);
  return el("div", { className: "ticks", data }, element.options.map((option) => {
    const checked = initial.some((other) => other.value === option.value);
    const onchange = () => view.act?.(block, element, option.value);
    const name = `${block.block_id}/${element.action_id}`;
    return el("label", {}, el("input", { type, name, value: option.value, checked, onchange }),
      textObject(option.text, view.names));
  }));
}

function element(item, block, view) {
  const data = { block: block.block_id, action: item.action_id ?? "", kind: item.type };
  switch (item.type) {
    case "button": {
      const onclick = () => view.act?.(block, item, null);
      return el("button", { type: "button", className: `button ${item.style ?? ""}`, onclick, data },
        textObject(item.text, view.names));
    }
    case "static_select":
    case "overflow": return chooser(item, block, view, data);
    case "users_select": {
      const people = view.names.people().map((person) => el("option", { value: person.id }, person.real_name));
      const onchange = (event) => event.target.value && view.act?.(block, item, event.target.value);
      const first = el("option", { value: "" }, item.placeholder?.text ?? "Choose somebody");
      const select = el("select", { data, onchange }, first, people);
      select.value = item.initial_user ?? "";
      return select;
    }
    case "checkboxes":
    case "radio_buttons": return ticks(item, block, view, data);
    case "plain_text_input": {
      const rows = item.multiline ? 4 : 1;
      const maxLength = item.max_length ?? 3000;
      const placeholder = item.placeholder?.text ?? "";
      return el("textarea", { rows, maxLength, placeholder, data, value: item.initial_value ?? "" });
    }
    case "image": return el("img", { src: item.image_url, alt: item.alt_text });
    default: return el("span", {}, item.type);
  }
}

function renderBlock(block, view) {
  const { names } = view;
  switch (block.type) {
    case "header": return el("h3", {}, plainText(block.text.text));
    case "divider": return el("hr");
    case "section": {
      const fields = (block.fields ?? []).map((field) => el("div", { className: "text" }, textObject(field, names)));
      return el("div", { className: "section" },
        el("div", {}, block.text ? el("div", { className: "text" }, textObject(block.text, names)) : null,
          fields.length ? el("div", { className: "fields" }, fields) : null),
        block.accessory ? element(block.accessory, block, view) : null);
    }
    case "context":
      return el("div", { className: "context" }, block.elements.map((item) =>
        item.type === "image" ? element(item, block, view) : el("span", { className: "text" }, textObject(item, names))));
    case "actions":
      return el("div", { className: "actions" }, block.elements.map((item) => element(item, block, view)));
    case "rich_text": return el("div", {}, block.elements.map((part) => richText(part, names)));
    case "image": return el("img", { src: block.image_url, alt: block.alt_text });
    case "input":
      return el("label", { className: "input" },
        el("strong", {}, plainText(block.label.text), block.optional ? el("small", {}, " (optional)") : null),
        element(block.element, block, { names }),
        block.hint ? el("small", {}, plainText(block.hint.text)) : null,
        el("em", { className: "error", data: { errorOf: block.block_id } }));
    default: return el("div", { className: "context" }, `(${block.type})`);
  }
}

export function renderBlocks(blocks, view) {
  return el("div", { className: "blocks" }, blocks.map((block) => renderBlock(block, view)));
}

// What is entered in the inputs under `root`, as the orders take it: {block_id: {action_id: value}}.
export function entered(root) {
  const values = {};
  for (const input of root.querySelectorAll("[data-kind]")) {
    const { block, action, kind } = input.dataset;
    if (["button", "overflow", "image"].includes(kind)) continue;
    const boxes = [...input.querySelectorAll("input:checked")].map((box) => box.value);
    const value = kind === "checkboxes" ? boxes : kind === "radio_buttons" ? boxes[0] : input.value;
    // A text that was emptied is empty; a menu left alone is not answered.
    if (value === undefined || (value === "" && kind !== "plain_text_input")) continue;
    (values[block] ??= {})[action] = value;
  }
  return values;
}
