// A browser that a test drives: one JSON command a line in, one JSON answer a line out, until the input ends.
//
// The driver is Playwright, the browser the system's own Chromium (its path is the first argument); nothing is
// downloaded. A command that fails answers {"error": …} and leaves the browser running.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];

const browser = await chromium.launch({ executablePath: process.argv[2], args: FLAGS });
const pages = new Map();

// What the browser itself complains of while a page is open: a policy that was broken, a script's error, a request
// that failed. The answer of the page itself is no such complaint: an error page has a status of 4xx.
function watch(page, complaints) {
  page.on("console", (said) => {
    // Nor is the icon that a browser looks for on its own account where a page, such as a letter, names none.
    const { url } = said.location();
    const own = said.text().startsWith("Failed to load resource") && (url === page.url() || url.endsWith("/favicon.ico"));
    if (["error", "warning"].includes(said.type()) && !own) complaints.push(`console: ${said.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`script: ${error.message}`));
  page.on("requestfailed", (sent) => {
    const left = sent.failure()?.errorText === "net::ERR_ABORTED"; // by who went on to another page
    if (!sent.isNavigationRequest() && !left) complaints.push(`request: ${sent.url()} ${sent.failure()?.errorText}`);
  });
  page.on("response", (got) => {
    const apart = got.request().isNavigationRequest() || got.url().endsWith("/favicon.ico");
    if (got.status() >= 400 && !apart) complaints.push(`request: ${got.url()} ${got.status()}`);
  });
}

// Run in the page: what a reader, a search for links and a screen reader would find there.
function facts(source) {
  // An editor in the place of a plain field, and what is told while somebody types, are the script's own.
  const text = (root) => {
    const copy = root.body.cloneNode(true);
    for (const own of copy.querySelectorAll(".cm-editor, .console-merge, [data-unscripted], [data-live]")) own.remove();
    return copy.textContent.replace(/\s+/g, " ").trim();
  };
  // What axe judges by: elements, their classes and kinds, whether each says anything; not what it says.
  const shape = (e) => {
    const own = [...e.attributes].map((a) => (["class", "role", "type"].includes(a.name) ? `${a.name}=${a.value}` : a.name));
    const says = [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) ? "+" : "";
    const inner = [...new Set([...e.children].map(shape))];
    return `<${e.tagName} ${own.sort().join(" ")}${says}>${inner.join("")}`;
  };
  const parsed = source === null ? null : new DOMParser().parseFromString(source, "text/html");
  return {
    lang: document.documentElement.lang,
    url: location.href,
    title: document.title,
    headings: [...document.querySelectorAll("h1")].map((h) => h.textContent.trim()),
    links: [...document.querySelectorAll("a[href]")].map((a) => a.href),
    ids: [...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, at, all) => all.indexOf(id) !== at),
    shape: shape(document.documentElement),
    // Nothing that a script adds, takes away or changes: the page says the same without one.
    unscripted: parsed === null || text(parsed) === text(document),
  };
}

// Run in the page: the elements that stick out to the right, if the page scrolls sideways with all unfolded.
function overflow() {
  const folded = [...document.querySelectorAll("details:not([open])")];
  const fold = (open) => folded.forEach((one) => { one.open = open; });
  fold(true);
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return fold(false) ?? [];
  const named = (e) => `${e.tagName.toLowerCase()}${e.id ? `#${e.id}` : ""}${[...e.classList].map((c) => `.${c}`).join("")}`;
  const found = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > wide + 0.5);
  fold(false);
  return found.length === 0 ? ["the page"] : found.slice(0, 5).map(named);
}

const exactly = (text) => new RegExp(`^${text.replace(/[^\p{L}\p{N} ]/gu, "\\$&")}$`, "u");

const commands = {
  async begin({ name, language = "en-US", width = 1200, height = 900, scripts = true }) {
    const context = await browser.newContext({ locale: language, viewport: { width, height }, javaScriptEnabled: scripts });
    const page = await context.newPage();
    const opened = { context, page, complaints: [], source: null };
    watch(page, opened.complaints);
    pages.set(name, opened);
    return {};
  },
  async end({ name }) {
    await pages.get(name).context.close();
    pages.delete(name);
    return {};
  },
  async open({ name, url }) {
    const opened = pages.get(name);
    opened.complaints.length = 0;
    let answer;
    try {
      answer = await opened.page.goto(url, { waitUntil: "load" });
    } catch (error) {
      // A file to take along: the browser stays where it was. An error would have been a page.
      if (error.message.includes("Download is starting")) return { status: 200, url, page: false };
      throw error;
    }
    opened.source = await answer.text();
    const type = answer.headers()["content-type"] ?? "";
    return { status: answer.status(), url: opened.page.url(), page: type.startsWith("text/html") };
  },
  async facts({ name }) {
    const { page, complaints, source } = pages.get(name);
    return { ...(await page.evaluate(facts, source)), complaints: [...complaints] };
  },
  async axe({ name }) {
    const { page } = pages.get(name);
    if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
    const found = await page.evaluate(
      (tags) => axe.run(document, { runOnly: { type: "tag", values: tags }, resultTypes: ["violations"] }), RULES);
    return { violations: found.violations.flatMap((v) => v.nodes.map((n) => `${v.id} at ${n.target.join(" ")}: ${n.html.slice(0, 160)}`)) };
  },
  async overflow({ name, width }) {
    const { page } = pages.get(name);
    const before = page.viewportSize();
    await page.setViewportSize({ width, height: before.height });
    const found = await page.evaluate(overflow);
    await page.setViewportSize(before);
    return { found };
  },
  async fill({ name, label, value }) {
    await pages.get(name).page.getByLabel(label, { exact: true }).fill(value, { timeout: 20000 });
    return {};
  },
  async value({ name, label }) {
    return { value: await pages.get(name).page.getByLabel(label, { exact: true }).inputValue({ timeout: 20000 }) };
  },
  async press({ name, button }) {
    const { page } = pages.get(name);
    // What it leads to may take its time: a draft of the law is examined whole first.
    await page.getByRole("button", { name: button, exact: true }).first().click({ timeout: 30000 });
    await page.waitForLoadState("load");
    return { url: page.url() };
  },
  // A link, by its name or by a part of its address.
  async follow({ name, link, to }) {
    const { page } = pages.get(name);
    const found = to === null ? page.getByRole("link", { name: link, exact: true }) : page.locator(`a[href*="${to}"]`);
    await found.first().click({ timeout: 20000 });
    await page.waitForLoadState("load");
    return { url: page.url() };
  },
  async choose({ name, label }) {
    await pages.get(name).page.locator("label", { hasText: label }).first().click({ timeout: 20000 });
    return {};
  },
  async unfold({ name, summary }) {
    const found = pages.get(name).page.locator("summary").filter({ hasText: exactly(summary) });
    if (!(await found.first().evaluate((e) => e.parentElement.open))) await found.first().click({ timeout: 20000 });
    return {};
  },
  async focus({ name, summary }) {
    await pages.get(name).page.locator("summary", { hasText: summary }).first().focus({ timeout: 20000 });
    return {};
  },
  // One key, or a text typed where the focus is; what has the focus then.
  async key({ name, key, text, leads }) {
    const { page } = pages.get(name);
    const pressed = () => (text === null ? page.keyboard.press(key) : page.keyboard.insertText(text));
    await Promise.all([leads ? page.waitForEvent("framenavigated", { timeout: 30000 }) : null, pressed()]);
    await page.waitForLoadState("load");
    return await page.evaluate(() => {
      const { href, id, textContent } = document.activeElement ?? {};
      return { focused: href ?? textContent?.trim() ?? "", id: id ?? "" };
    });
  },
  async text({ name }) {
    return { text: await pages.get(name).page.locator("main").innerText() };
  },
  async count({ name, selector }) {
    return { count: await pages.get(name).page.locator(selector).count() };
  },
  async picture({ name, file, width, media = "screen" }) {
    const { page } = pages.get(name);
    const before = page.viewportSize();
    await page.setViewportSize({ width, height: before.height });
    await page.emulateMedia({ media });
    await page.screenshot({ path: file, fullPage: true });
    await page.emulateMedia({ media: null });
    await page.setViewportSize(before);
    return {};
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: command, ...told } = JSON.parse(line);
  let answer;
  try {
    answer = await commands[command](told);
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
