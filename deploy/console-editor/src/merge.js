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

// `place` holds the two texts; what it shows without a script (the lines that differ) makes room.
export function merged(place, nonce, phrases) {
  const was = place.querySelector("[data-was]");
  const is = place.querySelector("[data-is]");
  const view = document.createElement("div");
  view.className = "console-merge";
  if (place.clientWidth >= WIDE) {
    new MergeView({
      a: { doc: was.value, extensions: shown(place, was.dataset.was, nonce, phrases) },
      b: { doc: is.value, extensions: shown(place, is.dataset.is, nonce, phrases) },
      collapseUnchanged: COLLAPSED,
      gutter: true,
      parent: view,
    });
  } else {
    const against = unifiedMergeView({
      original: was.value, mergeControls: false, collapseUnchanged: COLLAPSED, gutter: true,
    });
    new EditorView({ doc: is.value, extensions: [...shown(place, is.dataset.is, nonce, phrases), against], parent: view });
  }
  place.querySelector("[data-unscripted]").replaceWith(view);
}

// In an editor: what was taken out stands above what is there now, until it is put away again.
export function against(original) {
  return [unifiedMergeView({ original, mergeControls: false, gutter: true }), steps];
}
