// The language of a file, by what the page says of it.
import { json } from "@codemirror/lang-json";
import { rego } from "./rego.js";

export function languageOf(name, builtins) {
  if (name === "rego") return rego(builtins);
  return name === "json" ? json() : [];
}
