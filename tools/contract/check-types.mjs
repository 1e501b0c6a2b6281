// Fails when the generated types hold any or unknown, but for values of "custom", whose shape is each account's own, and of
// "custom_schemas", where the account says which shape that is.
import { readFileSync } from "node:fs";
import ts from "typescript";

const file = "generated/api.ts";
const source = ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.Latest, true);
const wrong = [];

function isCustom(node) {
  for (let n = node; n; n = n.parent) {
    if (ts.isPropertySignature(n) && /^"?custom(_schemas)?"?$/.test(n.name.getText(source))) return true;
  }
  return false;
}

function visit(node) {
  const loose = node.kind === ts.SyntaxKind.AnyKeyword || node.kind === ts.SyntaxKind.UnknownKeyword;
  // Headers the document does not name may always come: openapi-typescript says so with [name: string]: unknown.
  if (loose && !isCustom(node) && !isHeaders(node)) {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    wrong.push(`${file}:${line + 1}: ${source.text.split("\n")[line].trim()}`);
  }
  ts.forEachChild(node, visit);
}

function isHeaders(node) {
  for (let n = node; n; n = n.parent) {
    if (ts.isPropertySignature(n)) return n.name.getText(source) === "headers";
  }
  return false;
}

visit(source);
if (wrong.length > 0) {
  console.error(`any or unknown outside custom:\n${wrong.join("\n")}`);
  process.exit(1);
}
console.log("no any or unknown outside custom");
