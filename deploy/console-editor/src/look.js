// How the editors look: colors of at least 4.5 to 1 on every background that they meet; none says anything alone.
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { EditorView } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const colors = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "#5a2d91", fontWeight: "700" },
  { tag: [tags.bool, tags.null, tags.number], color: "#8b3a00" },
  { tag: [tags.string, tags.special(tags.string)], color: "#9b1c1c" },
  { tag: tags.standard(tags.function(tags.variableName)), color: "#00527a", fontWeight: "700" },
  { tag: tags.function(tags.variableName), color: "#00527a" },
  { tag: tags.special(tags.variableName), color: "#0b5c3b", fontWeight: "700" },
  { tag: tags.propertyName, color: "#0b4f6c" },
  { tag: [tags.lineComment, tags.comment], color: "#4d5560", fontStyle: "italic" },
  { tag: tags.docComment, color: "#1c4a1c" },
  { tag: tags.annotation, color: "#1c4a1c", fontWeight: "700" },
]);

const frame = EditorView.theme({
  "&": { border: "1px solid #565c65", backgroundColor: "#fff", fontSize: "0.9rem" },
  "&.cm-focused": { outline: "0.25rem solid #2491ff" },
  ".cm-scroller": { fontFamily: '"Roboto Mono Web", ui-monospace, monospace', lineHeight: "1.5" },
  ".cm-content": { caretColor: "#1b1b1b", minHeight: "8rem" },
  ".cm-gutters": { backgroundColor: "#f0f0f0", color: "#454c54", borderRight: "1px solid #c6cace" },
  ".cm-activeLine": { backgroundColor: "#f2f7fb" },
  ".cm-activeLineGutter": { backgroundColor: "#d9e8f6" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "#d9e8f6", outline: "1px solid #005ea2" },
  ".cm-nonmatchingBracket, &.cm-focused .cm-nonmatchingBracket": { backgroundColor: "#fbe9e9", outline: "1px dashed #b50909" },
  ".cm-diagnostic p": { margin: "0 0 0.25rem" },
  ".cm-diagnosticText": { whiteSpace: "normal" },
  ".cm-tooltip": { maxWidth: "32rem" },
  ".cm-panels": { backgroundColor: "#f0f0f0", color: "#1b1b1b" },
  ".cm-panel input, .cm-panel button, .cm-panel label": { fontSize: "0.9rem" },
  ".cm-panel.cm-panel-lint ul [aria-selected]": { backgroundColor: "#d9e8f6" },
  ".cm-changedText": { background: "#fff0b3 !important", textDecoration: "underline" },
  ".cm-deletedChunk": { backgroundColor: "#fbe9e9" },
  ".cm-collapsedLines": { background: "#e7f2f5", color: "#1b1b1b" },
});

export const look = [syntaxHighlighting(colors), frame];
