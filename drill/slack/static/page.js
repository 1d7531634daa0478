// The page: polls the feed of whoever you are, and sends what you do as orders.

import { entered, renderBlocks } from "./blocks.js";
import { confirmed, showErrors, showModal } from "./dialogs.js";
import { el, link } from "./dom.js";
import { mrkdwn } from "./mrkdwn.js";

const POLL_MS = 700;
const TOAST_MS = 6000;
const byId = (id) => document.getElementById(id);

const page = { user: localStorage.getItem("user") ?? "", channel: "", thread: null, generation: 0 };
let seen = fresh();

function fresh() {
  return { version: 0, feed: null, messages: new Map(), ephemerals: new Map() };
}

const names = {
  user: (id) => seen.feed.people.find((person) => person.id === id)?.real_name ?? id,
  channel: (id) => seen.feed.channels.find((channel) => channel.id === id)?.name ?? id,
  group: (id) => seen.feed.usergroups[id] ?? id,
  people: () => seen.feed.people.filter((person) => !person.is_bot && !person.deleted),
};

// Orders

function toast(words) {
  const box = byId("toast");
  box.textContent = words;
  box.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { box.hidden = true; }, TOAST_MS);
}

async function order(path, body) {
  const response = await fetch(`/_drill/${path}`, { method: "POST", body: JSON.stringify(body) });
  const answer = await response.json();
  await poll();
  return { ok: response.ok, ...answer };
}

async function say(text, threadTs) {
  const where = { user: page.user, channel: page.channel };
  if (!text.startsWith("/")) {
    return order("post", { ...where, text, thread_ts: threadTs });
  }
  if (threadTs) return { ok: false, error: "Slash commands do not work in threads." };
  const [, command, rest] = text.match(/^(\S+)\s*([\s\S]*)$/);
  return order("command", { ...where, command, text: rest });
}

async function act(message, root, block, element, value) {
  if (element.url) window.open(element.url, "_blank", "noopener");
  if (element.confirm && !(await confirmed(element.confirm, names))) return;
  const answer = await order("click", {
    user: page.user, channel: message.channel, ts: message.ts, action_id: element.action_id,
    block_id: block.block_id, value, state: entered(root), confirmed: true,
  });
  if (!answer.ok) toast(answer.error);
}

async function submit(view, values) {
  const answer = await order("submit", { user: page.user, view_id: view.id, values });
  if (!answer.ok) answer.errors ? showErrors(answer.errors, "") : toast(answer.error);
}

const close = (view) => order("close", { user: page.user, view_id: view.id });

// Messages

function time(ts) {
  return new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}

function renderMessage(message) {
  const isPrivate = message.type === "ephemeral";
  const author = isPrivate ? (message.error ? "Slack" : seen.feed.app.name) : names.user(message.user);
  const root = el("article", { className: `message ${isPrivate ? "private" : ""}`, data: { ts: message.ts } });
  const isApp = isPrivate || message.bot_id;
  const body = message.blocks?.length
    ? renderBlocks(message.blocks, { names, act: (block, item, value) => act(message, root, block, item, value) })
    : el("div", { className: "text" }, mrkdwn(message.text, names));
  root.append(
    el("div", { className: `avatar ${isApp ? "app" : ""}` }, author.slice(0, 1)),
    el("div", { className: "body" },
      isPrivate ? el("div", { className: "only-you" }, "👁 Only visible to you") : null,
      el("div", { className: "byline" }, el("b", {}, author), isApp ? el("span", { className: "tag" }, "APP") : null,
        el("time", {}, time(message.ts)), message.edited ? el("small", {}, "(edited)") : null),
      body, (message.files ?? []).map((file) => el("div", { className: "file" }, link(file.url_private, `📄 ${file.title}`)))));
  return root;
}

function inChannel(threadTs) {
  const all = [...seen.messages.values(), ...seen.ephemerals.values()];
  return all
    .filter((message) => message.channel === page.channel)
    .filter((message) => threadTs
      ? message.ts === threadTs || message.thread_ts === threadTs
      : !message.thread_ts || message.thread_ts === message.ts)
    .sort((one, other) => Number(one.ts) - Number(other.ts));
}

function threadLink(message) {
  const replies = [...seen.messages.values()].filter((other) =>
    other.channel === message.channel && other.thread_ts === message.ts && other.ts !== message.ts);
  const label = replies.length ? `${replies.length} ${replies.length === 1 ? "reply" : "replies"}` : "Reply in thread";
  const onclick = () => { page.thread = message.ts; render(); };
  return el("button", { type: "button", className: `thread-link ${replies.length ? "" : "quiet"}`, onclick }, label);
}

function fill(list, messages, withThreads) {
  const atBottom = list.scrollHeight - list.scrollTop - list.clientHeight < 60;
  const top = list.scrollTop;
  list.replaceChildren(...messages.map((message) => {
    const shown = renderMessage(message);
    if (withThreads && message.type !== "ephemeral") shown.querySelector(".body").append(threadLink(message));
    return shown;
  }));
  list.scrollTop = atBottom ? list.scrollHeight : top;
}

// Reading

const readKey = (channel) => `read ${page.user} ${channel}`;

function latest(channelId) {
  const foreign = (message) => message.channel === channelId && (message.type === "ephemeral" || message.user !== page.user);
  const all = [...seen.messages.values(), ...seen.ephemerals.values()].filter(foreign);
  return Math.max(0, ...all.map((message) => Number(message.ts)));
}

function channelItem(channel) {
  const isUnread = latest(channel.id) > Number(localStorage.getItem(readKey(channel.id)) ?? 0);
  const label = channel.is_im ? seen.feed.app.name : `# ${channel.name}`;
  const onclick = () => { page.channel = channel.id; page.thread = null; render(); scrollDown(); };
  const className = `${channel.id === page.channel ? "here" : ""} ${isUnread ? "unread" : ""}`;
  return el("li", {}, el("button", { type: "button", className, onclick }, label,
    channel.is_ext_shared ? el("small", {}, " shared") : null));
}

function scrollDown() {
  byId("messages").scrollTop = byId("messages").scrollHeight;
}

// Drawing

function render() {
  const { feed } = seen;
  if (!feed) return;
  const channels = feed.channels.filter((channel) => !channel.is_archived || channel.id === page.channel);
  if (!channels.some((channel) => channel.id === page.channel)) page.channel = channels[0]?.id ?? "";
  const here = channels.find((channel) => channel.id === page.channel);
  if (page.channel && !document.hidden) localStorage.setItem(readKey(page.channel), latest(page.channel));

  byId("team").textContent = feed.team;
  byId("app-state").textContent = feed.app_connections ? `${feed.app.name} is connected` : "The app is not connected";
  byId("app-state").className = feed.app_connections ? "on" : "off";
  byId("channels").replaceChildren(...channels.filter((channel) => !channel.is_im).map(channelItem));
  byId("directs").replaceChildren(...channels.filter((channel) => channel.is_im).map(channelItem));
  byId("title").textContent = here?.is_im ? feed.app.name : `# ${here?.name ?? ""}`;

  fill(byId("messages"), inChannel(null), true);
  byId("thread").hidden = !page.thread;
  if (page.thread) fill(byId("thread-messages"), inChannel(page.thread), false);
}

function renderPeople() {
  const people = names.people();
  const select = byId("who");
  const labels = people.map((person) => {
    const notes = [person.is_admin && "admin", person.is_guest && "guest", person.is_stranger && "other company"];
    const note = notes.filter(Boolean).join(", ");
    return el("option", { value: person.id }, note ? `${person.real_name} (${note})` : person.real_name);
  });
  select.replaceChildren(...labels);
  select.value = page.user;
}

// Polling

function keep(store, items) {
  for (const item of items) {
    const key = `${item.channel} ${item.ts}`;
    item.deleted ? store.delete(key) : store.set(key, item);
  }
}

let lastPoll = Promise.resolve();

// One poll at a time, so that an older answer never comes after a newer one.
function poll() {
  lastPoll = lastPoll.catch(() => undefined).then(pollOnce);
  return lastPoll;
}

async function pollOnce() {
  const generation = page.generation;
  const user = page.user || "UOLIVIA";
  const response = await fetch(`/_drill/feed?user=${encodeURIComponent(user)}&since=${seen.version}`);
  const feed = await response.json();
  if (generation !== page.generation) return;
  if (!response.ok) {
    localStorage.removeItem("user");
    page.user = "";
    return;
  }
  page.user = user;
  if (feed.version < seen.version) location.reload(); // Another server is answering at this address.
  if (!feed.changed) return;
  seen.version = feed.version;
  seen.feed = feed;
  keep(seen.messages, feed.messages);
  keep(seen.ephemerals, feed.ephemerals);
  renderPeople();
  render();
  showModal(feed.views[0], { names, submit, close });
}

async function keepPolling() {
  try {
    await poll();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    byId("app-state").textContent = "This server is not answering";
  } finally {
    setTimeout(keepPolling, POLL_MS);
  }
}

function become(user) {
  page.user = user;
  page.thread = null;
  page.generation += 1;
  localStorage.setItem("user", user);
  seen = fresh();
  showModal(null, {});
  poll();
}

function compose(form, threadTs) {
  const input = form.querySelector("textarea");
  const send = async () => {
    const text = input.value.trim();
    if (!text) return;
    input.value = "";
    const answer = await say(text, threadTs());
    if (!answer.ok) toast(answer.error);
    scrollDown();
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send(); }
  });
}

// A permalink leads here as #channel/ts.
async function follow() {
  const [channel, ts] = location.hash.slice(1).split("/");
  if (!channel) return;
  page.channel = channel;
  const message = seen.messages.get(`${channel} ${ts}`);
  page.thread = message?.thread_ts ?? null;
  render();
  document.querySelector(`[data-ts="${CSS.escape(ts ?? "")}"]`)?.scrollIntoView();
}

byId("who").addEventListener("change", (event) => become(event.target.value));
byId("close-thread").addEventListener("click", () => { page.thread = null; render(); });
compose(byId("composer"), () => undefined);
compose(byId("thread-composer"), () => page.thread);
window.addEventListener("hashchange", follow);
keepPolling().then(follow).then(scrollDown);
