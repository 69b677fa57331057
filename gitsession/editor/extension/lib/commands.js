"use strict";
// What the person can do from the command palette, the panel and the menus.

const vscode = require("vscode");
const { age, count, inert } = require("./words");
const { uriOf } = require("./documents");
const { pathOf, uriOfPath } = require("./places");

const FLUSH_SECONDS = 60;
const LONG = 310_000;

/** Say what went wrong, and what to do about it. */
async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    const hint = error.hint ? ` ${error.hint}` : "";
    vscode.window.showErrorMessage(inert(`${error.message}${hint}`));
    return undefined;
  }
}

function nothingOpen() {
  vscode.window.showInformationMessage("Open a file of the repository first.");
}

function inProgress(title, work) {
  return vscode.window.withProgress({ location: vscode.ProgressLocation.Notification, title }, work);
}

/** Open a file, at the line or the notebook's cell that a row names, if any. */
async function openAt(uri, { cell, line }) {
  if (cell) {
    const notebook = await vscode.workspace.openNotebookDocument(uri);
    return vscode.window.showNotebookDocument(notebook, { selections: [new vscode.NotebookRange(cell - 1, cell)] });
  }
  const at = line && new vscode.Range(line - 1, 0, line - 1, 0);
  return vscode.commands.executeCommand("vscode.open", uri, ...(at ? [{ selection: at }] : []));
}

class Commands {
  constructor(session, root, timeline, cli, log) {
    this.session = session;
    this.client = session.client;
    this.root = root;
    this.timeline = timeline;
    this.cli = cli;
    this.log = log;
    this.restores = [];
  }

  /** Each command by its name without the prefix. */
  table() {
    return {
      flush: () => this.flush(),
      name: () => this.name(),
      review: () => this.cli.review(),
      finish: () => this.cli.finish(),
      showLog: () => this.showLog(),
      copyLink: () => this.copyLink(),
      compare: (given) => this.compare(pathOf(this.root, given)),
      openFile: (row) => openAt(uriOfPath(this.root, row.path), row),
      openChange: (row) => this.open(row.path, row.snapshot),
      restoreFile: (given) => this.restoreFile(pathOf(this.root, given), given && given.snapshot),
      restoreTree: (row) => this.restoreTree(row && row.snapshot),
      undoRestore: () => this.undoRestore(),
      onlyThisFile: () => this.onlyThisFile(pathOf(this.root)),
      allFiles: () => this.filter(null),
      more: () => this.timeline.more(),
      tell: (said) => vscode.window.showInformationMessage(said),
      focus: () => vscode.commands.executeCommand("gitsession.places.focus"),
    };
  }

  async flush() {
    await vscode.workspace.saveAll(false);
    const timeout = (FLUSH_SECONDS + 10) * 1000;
    const ask = () => this.client.ask("flush", { seconds: FLUSH_SECONDS }, timeout);
    const { missing } = await inProgress("Saving everything", ask);
    await this.session.refresh();
    if (missing.length) vscode.window.showWarningMessage(`Not everywhere yet: ${inert(missing.join("; "))}`);
    else vscode.window.showInformationMessage("Everything is saved in every place that answers.");
  }

  async name() {
    const subject = await vscode.window.showInputBox({ prompt: "What shall the snapshot be called?" });
    if (!subject) return;
    await vscode.workspace.saveAll(false);
    await this.client.ask("save", { subject }, LONG);
    await this.session.refresh();
  }

  async showLog() {
    const { log } = await this.client.ask("opened");
    await vscode.commands.executeCommand("vscode.open", vscode.Uri.file(log));
  }

  async copyLink() {
    const { url } = await this.client.ask("ticket");
    if (!url) {
      vscode.window.showWarningMessage("There is no link to this editor: `gitsession status` says why.");
      return;
    }
    await vscode.env.clipboard.writeText(url);
    vscode.window.showInformationMessage("Copied. The link signs in once, within ten minutes.");
  }

  async compare(path) {
    if (path === null) return nothingOpen();
    const chosen = await this.choose(path);
    return chosen && this.open(path, chosen.number);
  }

  /** Let the person pick a snapshot, of those that changed the path where one is given. */
  async choose(path = null) {
    const asked = path === null ? {} : { path };
    const { snapshots } = await this.client.ask("timeline", { ...asked, limit: 1000 }, LONG);
    const now = this.session.clock();
    const picks = snapshots.map((entry) => ({
      label: inert(entry.subject.replace(/^wip: /, "")),
      description: `snapshot ${entry.number} · ${age(now - entry.at)}`,
      number: entry.number,
    }));
    const placeHolder = path === null ? "A snapshot" : `A snapshot of ${inert(path)}`;
    return vscode.window.showQuickPick(picks, { placeHolder, matchOnDescription: true });
  }

  /** A snapshot's file beside the present one. */
  async open(path, snapshot) {
    const present = uriOfPath(this.root, path);
    const exists = await vscode.workspace.fs.stat(present).then(() => true, () => false);
    const right = exists ? present : uriOf(path, null);
    const title = `${path.split("/").pop()} (snapshot ${snapshot} ↔ ${exists ? "now" : "gone"})`;
    await vscode.commands.executeCommand("vscode.diff", uriOf(path, snapshot), right, inert(title));
  }

  async restoreFile(path, snapshot) {
    if (path === null) return nothingOpen();
    const number = snapshot ?? (await this.choose(path))?.number;
    const question = `Bring back ${inert(path)} as it was in snapshot ${number}?`;
    return number !== undefined && (await this.consent(question)) && this.restore(path, number);
  }

  async restoreTree(snapshot) {
    const number = snapshot ?? (await this.choose())?.number;
    const question = `Bring back every file as it was in snapshot ${number}?`;
    if (number !== undefined && (await this.consent(question))) await this.restore(null, number);
  }

  async consent(question) {
    const detail = "What is there now is saved as a snapshot first, so this can be undone.";
    return (await vscode.window.showWarningMessage(question, { modal: true, detail }, "Restore")) === "Restore";
  }

  async restore(path, at) {
    const done = await this.bringBack(path, at);
    if (!done.changed.length) {
      vscode.window.showInformationMessage("Nothing to restore: it is as it was then.");
      return;
    }
    this.remember([...this.restores, { path, before: done.before }]);
    const left = done.skipped.length ? ` Left alone: ${inert(done.skipped.join("; "))}` : "";
    const said = `${count(done.changed.length, "file")} restored from snapshot ${at}.${left}`;
    // not awaited: the message stays while the command is over
    vscode.window.showInformationMessage(said, "Undo").then((choice) => {
      if (choice === "Undo") attempt(() => this.undoRestore());
    });
  }

  async undoRestore() {
    const last = this.restores.at(-1);
    if (!last) {
      vscode.window.showInformationMessage("There is no restore to undo in this window; any snapshot can be restored.");
      return;
    }
    const done = await this.bringBack(last.path, last.before);
    this.remember(this.restores.slice(0, -1));
    vscode.window.showInformationMessage(`The restore is undone: ${count(done.changed.length, "file")} as before.`);
  }

  async bringBack(path, at) {
    await vscode.workspace.saveAll(false);
    const done = await inProgress("Restoring", () => this.client.ask("restore", { path, at }, LONG));
    this.log(`restored ${done.changed.length} files from snapshot ${at}; before it: snapshot ${done.before}`);
    await this.session.refresh();
    return done;
  }

  remember(restores) {
    this.restores = restores;
    vscode.commands.executeCommand("setContext", "gitsession.canUndo", restores.length > 0);
  }

  onlyThisFile(path) {
    return path === null ? nothingOpen() : this.filter(path);
  }

  filter(path) {
    vscode.commands.executeCommand("setContext", "gitsession.filtered", path !== null);
    this.timeline.filter(path);
  }
}

/** Register each command with its errors said. */
function register(commands) {
  return Object.entries(commands.table()).map(([name, work]) =>
    vscode.commands.registerCommand(`gitsession.${name}`, (...given) => attempt(() => work(...given))),
  );
}

module.exports = { Commands, register };
