// What the server says of the texts as they are typed: a mark beside each line, and every finding in the list below.
import { setDiagnostics } from "@codemirror/lint";

const PAUSE = 500; // without a key for so long, the texts are sent

function paragraphs(texts) {
  const box = document.createElement("div");
  for (const text of texts.filter(Boolean)) {
    const paragraph = document.createElement("p");
    paragraph.textContent = text;
    box.append(paragraph);
  }
  return box;
}

// A mark over the words of one line; what is about a whole file stands at its beginning.
export function mark(view, line, source, ...texts) {
  const at = view.state.doc.line(Math.min(Math.max(line ?? 1, 1), view.state.doc.lines));
  const from = at.from + (/^\s*/.exec(at.text)?.[0].length ?? 0);
  return {
    from: Math.min(from, at.to), to: at.to, severity: "error", source,
    message: texts.filter(Boolean).join(" "),
    renderMessage: () => paragraphs(texts),
  };
}

export function show(editor) {
  editor.view.dispatch(setDiagnostics(editor.view.state, [...editor.findings, ...editor.failures]));
}

export class Findings {
  #form;
  #editors;
  #list;
  #state;
  #waiting = 0;
  #asked = null;

  constructor(form, editors) {
    this.#form = form;
    this.#editors = editors;
    this.#list = document.getElementById("findings");
    this.#state = document.getElementById("findings-state");
  }

  soon(pause = PAUSE) {
    clearTimeout(this.#waiting);
    this.#asked?.abort();
    this.#asked = null;
    this.#waiting = setTimeout(() => this.#ask(), pause);
  }

  async #ask() {
    const asked = new AbortController();
    this.#asked = asked;
    try {
      const answer = await fetch(this.#form.dataset.diagnostics, {
        method: "POST",
        body: new URLSearchParams(new FormData(this.#form)),
        signal: asked.signal,
        redirect: "error",
      });
      if (!answer.ok) throw new Error(String(answer.status));
      const { findings, told, again } = await answer.json();
      if (this.#asked !== asked) return; // something was typed meanwhile
      if (again) this.soon(again); // the server was busy with another's
      else this.#tell(findings, told);
    } catch {
      // Nothing that was said before is true any more; what is typed is still there.
      if (this.#asked === asked) this.#tell([], this.#form.dataset.unchecked);
    }
  }

  #tell(findings, told) {
    this.#state.textContent = told;
    for (const editor of this.#editors) {
      editor.findings = findings
        .filter((one) => one.file === editor.path)
        .map((one) => mark(editor.view, one.line, "", one.message, one.cure));
      show(editor);
    }
    this.#list.replaceChildren(...findings.map((one) => this.#item(one)));
  }

  #item(one) {
    const item = document.createElement("li");
    const place = document.createElement(one.address ? "a" : "span");
    place.textContent = one.place;
    if (one.address) {
      place.href = one.address;
      place.dataset.path = one.file;
      place.dataset.line = String(one.line ?? 1);
    }
    const message = document.createElement("p");
    message.textContent = one.message;
    const cure = document.createElement("p");
    cure.className = "console-cure";
    cure.textContent = one.cure;
    item.append(place, message, cure);
    return item;
  }
}
