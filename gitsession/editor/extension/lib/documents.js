"use strict";
// Files of snapshots as a read-only file system, so that text, notebooks and images open like any other.

const vscode = require("vscode");
const address = require("./address");

const KEPT = 40;

class Documents {
  constructor(client) {
    this.client = client;
    this.kept = new Map(); // what a snapshot holds never changes
    this.changed = new vscode.EventEmitter();
    this.onDidChangeFile = this.changed.event;
  }

  watch() {
    return new vscode.Disposable(() => {});
  }

  async stat(uri) {
    const content = await this.readFile(uri);
    const permissions = vscode.FilePermission.Readonly;
    return { type: vscode.FileType.File, ctime: 0, mtime: 0, size: content.length, permissions };
  }

  async readFile(uri) {
    const { path, snapshot } = address.parse(uri);
    if (snapshot === null) return Buffer.alloc(0);
    const key = `${snapshot} ${path}`;
    if (!this.kept.has(key)) this.keep(key, this.fetch(path, snapshot));
    return this.kept.get(key);
  }

  keep(key, content) {
    this.kept.set(key, content);
    content.catch(() => this.kept.delete(key));
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
  }

  async fetch(path, snapshot) {
    const { content } = await this.client.ask("show", { path, snapshot }, 60_000);
    return content === null ? Buffer.alloc(0) : Buffer.from(content, "base64");
  }

  /** After a fork or a rebuild, numbers may name other snapshots. */
  forget() {
    this.kept.clear();
  }

  readDirectory() {
    return [];
  }

  createDirectory() {
    throw readOnly();
  }

  writeFile() {
    throw readOnly();
  }

  delete() {
    throw readOnly();
  }

  rename() {
    throw readOnly();
  }
}

function readOnly() {
  return vscode.FileSystemError.NoPermissions("A snapshot cannot be changed.");
}

/** The URI of a file in a snapshot, or of nothing. */
function uriOf(path, snapshot) {
  return vscode.Uri.from(address.compose(path, snapshot));
}

module.exports = { Documents, uriOf };
