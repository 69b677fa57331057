"use strict";
// Tells the agent what is open and unsaved, and brings back what another machine's editor had.

const vscode = require("vscode");
const buffers = require("./buffers");
const { uriOfPath } = require("./places");

const PAUSE = 700;

class Reporter {
  constructor(session, root, log) {
    this.session = session;
    this.root = root;
    this.log = log;
    this.timer = null;
    this.told = "";
    this.ready = false;
  }

  /** Bring back first, report from then on. */
  async start(subscriptions) {
    this.session.onAnswer((turned) => turned && this.turned());
    const soon = () => this.soon();
    subscriptions.push(
      vscode.workspace.onDidChangeTextDocument(soon),
      vscode.workspace.onDidChangeNotebookDocument(soon),
      vscode.workspace.onDidCloseTextDocument(soon),
      vscode.workspace.onDidSaveNotebookDocument(soon),
      vscode.workspace.onDidSaveTextDocument((document) => this.saved(document)),
      vscode.window.tabGroups.onDidChangeTabs(soon),
      new vscode.Disposable(() => clearTimeout(this.timer)),
    );
    await this.turned();
  }

  /** The agent has come or gone: what it is told then is told anew. */
  async turned() {
    this.told = "";
    if (!this.session.status) return;
    if (!this.ready) await this.bringBack();
    this.soon();
  }

  async bringBack() {
    try {
      const { earlier } = await this.session.client.ask("opened");
      if (earlier) await recover(this.root, earlier);
      this.ready = true;
    } catch (error) {
      this.log(`What was open before is not back: ${error.message}`);
    }
  }

  saved(document) {
    const path = document.uri.scheme === "file" ? buffers.relative(this.root, document.uri.fsPath) : null;
    if (path !== null) this.session.client.ask("changed", { paths: [path] }).then(() => this.session.refresh(), () => {});
    this.soon();
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), PAUSE);
  }

  async tell() {
    if (!this.ready || !this.session.status) return;
    const found = buffers.report(tabs(this.root), await unsaved(this.root));
    const told = JSON.stringify(found);
    if (told === this.told) return;
    try {
      await this.session.client.ask("buffers", found);
      this.told = told;
      await this.session.refresh();
    } catch (error) {
      this.log(`What is unsaved could not be reported: ${error.message}`);
    }
  }
}

function tabs(root) {
  const inputs = vscode.window.tabGroups.all.flatMap((group) => group.tabs).map((tab) => tab.input);
  const uris = inputs.map((input) => input && input.uri).filter((uri) => uri && uri.scheme === "file");
  return uris.map((uri) => buffers.relative(root, uri.fsPath)).filter((path) => path !== null);
}

async function unsaved(root) {
  const notebooks = vscode.workspace.notebookDocuments.filter((document) => document.isDirty);
  const texts = vscode.workspace.textDocuments.filter((document) => document.isDirty && isOfAFile(document));
  const named = (document) => nameOf(root, document.uri);
  const found = await Promise.all([
    ...texts.filter(named).map(async (document) => ({
      path: named(document),
      content: document.getText(),
      base: await digestOf(document.uri),
      language: document.languageId,
    })),
    ...notebooks.filter(named).map((document) => ({ path: named(document), content: null, base: null, language: null })),
  ]);
  return found;
}

/** Cells are text documents too; their notebook counts for them. */
function isOfAFile(document) {
  return ["file", "untitled"].includes(document.uri.scheme);
}

function nameOf(root, uri) {
  return uri.scheme === "untitled" ? `untitled:${uri.path}` : buffers.relative(root, uri.fsPath);
}

async function digestOf(uri) {
  const content = uri.scheme === "file" ? await bytesOf(uri) : null;
  return content && buffers.digest(content);
}

async function bytesOf(uri) {
  try {
    return Buffer.from(await vscode.workspace.fs.readFile(uri));
  } catch {
    return null; // not on disk yet, or no longer
  }
}

/** Open what was open, unless somebody has opened something already, and put back what was unsaved. */
async function recover(root, earlier) {
  const open = vscode.window.tabGroups.all.some((group) => group.tabs.length);
  const wanted = open ? [] : (earlier.tabs || []).filter(buffers.isInside);
  for (const path of wanted) {
    const uri = uriOfPath(root, path);
    if (await bytesOf(uri)) await vscode.commands.executeCommand("vscode.open", uri, { preview: false, preserveFocus: true });
  }
  for (const buffer of earlier.unsaved || []) await putBack(root, buffer);
}

async function putBack(root, buffer) {
  const uri = buffers.isInside(buffer.path) ? uriOfPath(root, buffer.path) : null;
  const present = uri && (await bytesOf(uri));
  const action = buffers.recovery(buffer, present);
  if (action === "edit") await edit(uri, buffer.content);
  if (action === "beside") {
    const document = await vscode.workspace.openTextDocument({ content: buffer.content, language: buffer.language || undefined });
    await vscode.window.showTextDocument(document, { preview: false });
  }
}

async function edit(uri, content) {
  const document = await vscode.workspace.openTextDocument(uri);
  if (document.isDirty) return;
  const change = new vscode.WorkspaceEdit();
  const everything = new vscode.Range(0, 0, document.lineCount, 0);
  change.replace(uri, document.validateRange(everything), content);
  await vscode.workspace.applyEdit(change);
  await vscode.window.showTextDocument(document, { preview: false });
}

module.exports = { Reporter };
