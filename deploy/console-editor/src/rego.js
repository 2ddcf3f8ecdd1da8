// Rego for the editor: keywords, builtins, strings, raw strings, comments, and METADATA comments as documentation.
//
// A stream of tokens is enough: what a rule means is said by the server, which asks the engine itself.
import { StreamLanguage } from "@codemirror/language";
import { tags } from "@lezer/highlight";

const KEYWORDS = new Set(
  "as contains default else every if import in not package some with".split(" "),
);
const CONSTANTS = new Set(["false", "null", "true"]);
const DOCUMENTS = new Set(["data", "input"]);
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;
const CALLED = /^(?:[A-Za-z_][A-Za-z0-9_]*\.)*[A-Za-z_][A-Za-z0-9_]*(?=\()/;
const NUMBER = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/;
const OPERATOR = /^(?::=|==|!=|<=|>=|[<>=+\-*/%&|])/;

function comment(stream, state) {
  if (/^# METADATA\s*$/.test(stream.string)) state.documents = true;
  if (!state.documents) {
    stream.skipToEnd();
    return "comment";
  }
  // Of `#   citation: "…"` the name of the field stands out; the rest is the law's own text.
  if (stream.column() === stream.indentation() && stream.match(/^#\s+(?:- )?[a-z_]+:(?=\s|$)/)) return "docKey";
  stream.skipToEnd();
  return "docComment";
}

function quoted(stream) {
  let escaped = false;
  for (let letter = stream.next(); letter !== undefined; letter = stream.next()) {
    if (letter === '"' && !escaped) break;
    escaped = !escaped && letter === "\\";
  }
  return "string";
}

function raw(stream, state) {
  state.raw = !stream.skipTo("`");
  if (state.raw) stream.skipToEnd();
  else stream.next();
  return "rawString";
}

function word(stream, builtins) {
  const start = stream.pos;
  if (stream.match(CALLED)) {
    const name = stream.string.slice(start, stream.pos);
    if (builtins.has(name)) return "builtin";
    if (!name.includes(".") && !KEYWORDS.has(name)) return "called";
    stream.pos = start; // `data.facts.words.said(`, or `not (`: its parts one by one
  }
  stream.match(NAME);
  const name = stream.string.slice(start, stream.pos);
  const member = start > 0 && stream.string[start - 1] === ".";
  if (member) return "property";
  if (KEYWORDS.has(name)) return "keyword";
  if (CONSTANTS.has(name)) return "constant";
  return DOCUMENTS.has(name) ? "document" : "variable";
}

// `builtins` are the functions that a rule of this law may call: the law's own closed list.
export function rego(builtins) {
  const known = new Set(builtins);
  return StreamLanguage.define({
    name: "rego",
    startState: () => ({ raw: false, documents: false, depth: 0 }),
    copyState: (state) => ({ ...state }),
    blankLine: (state) => {
      if (!state.raw) state.documents = false;
    },
    token(stream, state) {
      if (state.raw) return raw(stream, state);
      if (stream.sol() && stream.peek() !== "#") state.documents = false;
      if (stream.eatSpace()) return null;
      const letter = stream.peek();
      if (letter === "#" || state.documents) return comment(stream, state);
      if (letter === '"') {
        stream.next();
        return quoted(stream);
      }
      if (letter === "`") {
        stream.next();
        return raw(stream, state);
      }
      if (stream.match(NUMBER)) return "number";
      if (NAME.test(letter)) return word(stream, known);
      if (stream.match(OPERATOR)) return "operator";
      if ("([{".includes(letter)) state.depth += 1;
      if (")]}".includes(letter)) state.depth = Math.max(0, state.depth - 1);
      stream.next();
      return "([{}])".includes(letter) ? "bracket" : "punctuation";
    },
    indent(state, after, context) {
      if (state.raw) return null;
      const closes = /^\s*[)\]}]/.test(after) ? 1 : 0;
      return Math.max(0, state.depth - closes) * context.unit;
    },
    languageData: { commentTokens: { line: "#" }, indentOnInput: /^\s*[)\]}]$/ },
    tokenTable: {
      builtin: tags.standard(tags.function(tags.variableName)),
      called: tags.function(tags.variableName),
      comment: tags.lineComment,
      constant: tags.bool,
      docComment: tags.docComment,
      docKey: tags.annotation,
      document: tags.special(tags.variableName),
      property: tags.propertyName,
      rawString: tags.special(tags.string),
      variable: tags.variableName,
    },
  });
}
