"use strict";
// Between paths of the session and what the editor has open.

const path = require("path");
const vscode = require("vscode");
const { relative } = require("./buffers");

function uriOfPath(root, found) {
  return vscode.Uri.file(path.join(root, found));
}

/** The path of a tree's row, a URI, or the active editor; null where it is none of the session's. */
function pathOf(root, given) {
  if (given && typeof given.path === "string" && given.scheme === undefined) return given.path;
  const uri = given && given.scheme ? given : activeUri();
  return uri && uri.scheme === "file" ? relative(root, uri.fsPath) : null;
}

function activeUri() {
  const tab = vscode.window.tabGroups.activeTabGroup.activeTab;
  const input = tab && tab.input;
  return (input && (input.uri || input.modified)) || undefined;
}

module.exports = { pathOf, uriOfPath };
