// What was beside what is, as the reader's window has room: two panes, or one with what was taken out above.
import { goToNextChunk, goToPreviousChunk, MergeView, unifiedMergeView } from "@codemirror/merge";
import { EditorState } from "@codemirror/state";
import { EditorView, keymap, lineNumbers } from "@codemirror/view";
import { languageOf } from "./languages.js";
import { look } from "./look.js";

const WIDE = 800;
const COLLAPSED = { margin: 3, minSize: 6 };
const steps = keymap.of([
  { key: "F7", run: goToNextChunk },
  { key: "Shift-F7", run: goToPreviousChunk },
]);

function shown(place, label, nonce, phrases) {
  return [
    lineNumbers(),
    languageOf(place.dataset.language, []),
    look,
    steps,
    EditorView.lineWrapping,
    EditorView.cspNonce.of(nonce),
    EditorView.editable.of(false),
    EditorView.contentAttributes.of({ tabindex: "0", "aria-label": label, "aria-readonly": "true" }),
    EditorState.readOnly.of(true),
    EditorState.phrases.of(phrases),
  ];
}

function compared(place, was, is, nonce, phrases, whole) {
  const view = document.createElement("div");
  view.className = "console-merge";
  const collapseUnchanged = whole ? undefined : COLLAPSED;
  if (place.clientWidth >= WIDE) {
    new MergeView({
      a: { doc: was.value, extensions: shown(place, was.dataset.was, nonce, phrases) },
      b: { doc: is.value, extensions: shown(place, is.dataset.is, nonce, phrases) },
      collapseUnchanged,
      gutter: true,
      parent: view,
    });
  } else {
    const against = unifiedMergeView({ original: was.value, mergeControls: false, collapseUnchanged, gutter: true });
    new EditorView({ doc: is.value, extensions: [...shown(place, is.dataset.is, nonce, phrases), against], parent: view });
  }
  return view;
}

// `place` holds the two texts; what it shows without a script (the lines that differ) makes room. What is folded away
// opens by a click on it; the button opens all of it for whoever has keys alone.
export function merged(place, nonce, phrases) {
  const was = place.querySelector("[data-was]");
  const is = place.querySelector("[data-is]");
  const whole = place.querySelector("[data-whole]");
  let view = compared(place, was, is, nonce, phrases, false);
  place.querySelector("[data-unscripted]").replaceWith(view);
  whole.hidden = false;
  whole.addEventListener("click", () => {
    const all = whole.getAttribute("aria-pressed") !== "true";
    whole.setAttribute("aria-pressed", String(all));
    const next = compared(place, was, is, nonce, phrases, all);
    view.replaceWith(next);
    view = next;
  });
}

// In an editor: what was taken out stands above what is there now, until it is put away again.
export function against(original) {
  return [unifiedMergeView({ original, mergeControls: false, gutter: true }), steps];
}
