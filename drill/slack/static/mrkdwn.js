// Slack's mrkdwn, as far as the drill uses it.

import { el, link } from "./dom.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", lock: "🔒",
  key: "🔑", hourglass: "⌛", hourglass_flowing_sand: "⏳", bell: "🔔", tada: "🎉", no_entry: "⛔",
  arrows_counterclockwise: "🔄", repeat: "🔁", eyes: "👀", wave: "👋", question: "❓", exclamation: "❗",
  information_source: "ℹ️", memo: "📝", email: "✉️", shield: "🛡️", clock3: "🕒", fast_forward: "⏩",
  black_square_button: "🔲", white_large_square: "⬜", large_green_circle: "🟢", large_yellow_circle: "🟡",
  red_circle: "🔴", white_circle: "⚪", large_blue_circle: "🔵", point_right: "👉", broom: "🧹", ticket: "🎫",
  heavy_minus_sign: "➖", no_entry_sign: "🚫", octagonal_sign: "🛑", link: "🔗", wastebasket: "🗑️",
};

const TOKEN = new RegExp([
  "```\\n?([\\s\\S]+?)```",
  "`([^`\\n]+)`",
  "<([^<>\\n]+)>",
  "(?<!\\w)\\*(?!\\s)([^*\\n]+?)(?<!\\s)\\*(?!\\w)",
  "(?<!\\w)_(?!\\s)([^_\\n]+?)(?<!\\s)_(?!\\w)",
  "(?<!\\w)~(?!\\s)([^~\\n]+?)(?<!\\s)~(?!\\w)",
  ":([a-z0-9_+-]+):",
].join("|"), "g");

export function emoji(name) {
  return EMOJI[name] ?? `:${name}:`;
}

export function plainText(text) {
  const named = text.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name));
  return document.createTextNode(named);
}

function unescape(text) {
  return text.replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&");
}

export function mention(text) {
  return el("span", { className: "mention" }, text);
}

function reference(inside, names) {
  const [target, label] = inside.split(/\|(.*)/s);
  if (target.startsWith("@")) return mention(`@${names.user(target.slice(1))}`);
  if (target.startsWith("#")) return mention(`#${names.channel(target.slice(1))}`);
  if (target.startsWith("!subteam^")) return mention(`@${names.group(target.slice(9))}`);
  if (target.startsWith("!date^")) return document.createTextNode(unescape(label ?? target));
  if (target.startsWith("!")) return mention(`@${target.slice(1)}`);
  const url = unescape(target);
  return link(url, unescape(label ?? url));
}

export function mrkdwn(text, names) {
  const shown = document.createDocumentFragment();
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    shown.append(unescape(text.slice(end, match.index)));
    end = match.index + match[0].length;
    const [, block, code, inside, bold, italic, strike, name] = match;
    if (block !== undefined) shown.append(el("pre", {}, unescape(block)));
    else if (code !== undefined) shown.append(el("code", {}, unescape(code)));
    else if (inside !== undefined) shown.append(reference(inside, names));
    else if (bold !== undefined) shown.append(el("strong", {}, mrkdwn(bold, names)));
    else if (italic !== undefined) shown.append(el("em", {}, mrkdwn(italic, names)));
    else if (strike !== undefined) shown.append(el("del", {}, mrkdwn(strike, names)));
    else shown.append(emoji(name));
  }
  shown.append(unescape(text.slice(end)));
  return shown;
}
