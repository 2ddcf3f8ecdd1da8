// The editors of the console's pages on policies. Each stands in the place of a plain text field, which keeps its
// name and its text: the page's forms send the same with and without this file.
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentOnInput, indentUnit } from "@codemirror/language";
import { lintGutter, lintKeymap } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorSelection, EditorState } from "@codemirror/state";
import {
  drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers,
} from "@codemirror/view";
import { Findings, mark, show } from "./findings.js";
import { languageOf } from "./languages.js";
import { look } from "./look.js";
import { against, merged } from "./merge.js";

// The page's own policy allows no style but those that carry its nonce, which a script may read and no other text.
const NONCE = document.currentScript.nonce;

// Over a selection a browser writes what is typed as it was dressed, with a style of its own, which the page's policy
// refuses and complains of. So that is not left to the browser.
const overSelection = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const plain = event.inputType === "insertText" && event.data !== null && !event.isComposing && !view.composing;
    if (!plain || view.state.readOnly || view.state.selection.ranges.every((range) => range.empty)) return false;
    view.dispatch(view.state.replaceSelection(event.data), { userEvent: "input.type", scrollIntoView: true });
    return true;
  },
});

function edited(field, settings, changed) {
  const compared = new Compartment();
  const editor = { path: field.dataset.path, view: null, findings: [], failures: [], comparing: false };
  const rego = field.dataset.language === "rego";
  const extensions = [
    lineNumbers(), lintGutter(), highlightActiveLineGutter(), highlightActiveLine(), drawSelection(), history(),
    bracketMatching(), indentOnInput(), search({ top: true }), highlightSelectionMatches(),
    indentUnit.of(rego ? "\t" : "  "), EditorState.tabSize.of(rego ? 4 : 2),
    languageOf(field.dataset.language, settings.builtins), look,
    keymap.of([...lintKeymap, ...searchKeymap, ...historyKeymap, indentWithTab, ...defaultKeymap]),
    EditorView.lineWrapping, overSelection,
    EditorView.cspNonce.of(NONCE),
    EditorState.phrases.of(settings.phrases),
    EditorState.readOnly.of(field.readOnly),
    EditorView.contentAttributes.of({
      "aria-labelledby": `${field.id}-label`, "aria-describedby": "editor-keys", id: `${field.id}-editor`, tabindex: "0",
    }),
    compared.of([]),
    EditorView.updateListener.of((update) => {
      if (!update.docChanged) return;
      field.value = update.state.doc.toString();
      editor.failures = []; // of a text that is there no more
      changed();
    }),
  ];
  editor.view = new EditorView({ doc: field.value, extensions });
  field.after(editor.view.dom);
  field.hidden = true;
  document.getElementById(`${field.id}-label`)?.addEventListener("click", () => editor.view.focus());
  const switched = document.querySelector(`[data-compare="${field.id}"]`);
  if (switched) {
    switched.hidden = false;
    switched.addEventListener("click", () => {
      editor.comparing = !editor.comparing;
      switched.setAttribute("aria-pressed", String(editor.comparing));
      const was = document.getElementById(`${field.id}-base`).value;
      editor.view.dispatch({ effects: compared.reconfigure(editor.comparing ? against(was) : []) });
    });
  }
  return editor;
}

function goTo(editor, line) {
  const at = editor.view.state.doc.line(Math.min(Math.max(line, 1), editor.view.state.doc.lines));
  editor.view.dispatch({ selection: EditorSelection.cursor(at.from), scrollIntoView: true });
  editor.view.focus();
}

// A test that failed is marked where it stands, as a finding is.
function failures(editors) {
  for (const editor of editors) {
    editor.failures = [...document.querySelectorAll("#outcome [data-failed]")]
      .filter((row) => row.dataset.path === editor.path)
      .map((row) => mark(editor.view, Number(row.dataset.line), row.dataset.failed, row.dataset.said, row.dataset.came));
    show(editor);
  }
}

function begin(form) {
  const settings = { builtins: JSON.parse(form.dataset.builtins), phrases: JSON.parse(form.dataset.phrases) };
  let unsaved = form.dataset.unsaved === "true";
  const editors = [];
  const findings = form.dataset.diagnostics ? new Findings(form, editors) : null;
  const changed = () => {
    unsaved = true;
    findings?.soon();
  };
  for (const field of form.querySelectorAll("textarea[data-language]")) editors.push(edited(field, settings, changed));
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-line]");
    const editor = link && editors.find((one) => one.path === link.dataset.path);
    if (!editor) return;
    event.preventDefault();
    goTo(editor, Number(link.dataset.line));
  });
  form.addEventListener("submit", () => { unsaved = false; });
  window.addEventListener("beforeunload", (event) => { if (unsaved) event.preventDefault(); });
  document.addEventListener("htmx:after:swap", () => failures(editors));
  failures(editors);
  const wanted = /^#line-(\d+)$/.exec(location.hash);
  if (wanted && editors.length > 0) goTo(editors[0], Number(wanted[1]));
  findings?.soon(0);
}

for (const form of document.querySelectorAll("form[data-editors]")) begin(form);
for (const place of document.querySelectorAll("[data-merge]")) {
  merged(place, NONCE, JSON.parse(place.dataset.phrases));
}
