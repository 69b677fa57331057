"use strict";
// The panel: plain values of `listing` shown as tree views. Labels and tooltips are plain strings, which the
// editor neither reads as Markdown nor follows as links.

const vscode = require("vscode");
const { ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } = vscode;
const listing = require("./listing");

const PAGE = 100;
const COLOURS = { warning: "list.warningForeground", pass: "testing.iconPassed" };

function itemOf(row) {
  const state = row.children || row.kind === "snapshot";
  const collapsed = row.open ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.Collapsed;
  const item = new TreeItem(row.label, state ? collapsed : TreeItemCollapsibleState.None);
  item.id = row.id;
  item.description = row.description;
  item.tooltip = row.tooltip;
  item.iconPath = new ThemeIcon(row.icon, COLOURS[row.icon] && new ThemeColor(COLOURS[row.icon]));
  item.contextValue = row.kind;
  item.accessibilityInformation = { label: [row.label, row.description].filter(Boolean).join(", ") };
  item.command = commandOf(row);
  return item;
}

function commandOf(row) {
  if (row.id === "more") return { command: "gitsession.more", title: "Show older snapshots" };
  if (typeof row.path !== "string") return row.tooltip && !row.children && !row.kind ? telling(row) : undefined;
  const command = row.snapshot === undefined ? "gitsession.openFile" : "gitsession.openChange";
  return { command, title: "Open", arguments: [row] };
}

/** The whole of a row that opens nothing: a narrow panel cuts it, and a finger has no tooltip. */
function telling(row) {
  return { command: "gitsession.tell", title: "Tell", arguments: [`${row.label}: ${row.tooltip}`] };
}

/** A view whose rows follow from the status alone. */
class StatusTree {
  constructor(session, rows) {
    this.session = session;
    this.rows = rows;
    this.shown = "";
    this.changed = new vscode.EventEmitter();
    this.onDidChangeTreeData = this.changed.event;
    session.onAnswer(() => this.update());
  }

  update() {
    const shown = JSON.stringify(this.top());
    if (shown !== this.shown) this.changed.fire();
    this.shown = shown;
  }

  top() {
    return this.rows(this.session.status, this.session.clock());
  }

  getChildren(row) {
    return row ? row.children || [] : this.top();
  }

  getTreeItem(row) {
    return itemOf(row);
  }
}

/** The snapshots, newest first, each with the files it changed; of one file where it is filtered. */
class Timeline {
  constructor(session) {
    this.session = session;
    this.limit = PAGE;
    this.only = null;
    this.newest = null;
    this.changed = new vscode.EventEmitter();
    this.onDidChangeTreeData = this.changed.event;
    session.onAnswer(() => this.update());
  }

  update() {
    const { status } = this.session;
    const newest = status && status.snapshot ? status.snapshot.commit : null;
    if (newest !== this.newest) this.changed.fire();
    this.newest = newest;
  }

  more() {
    this.limit += PAGE;
    this.changed.fire();
  }

  filter(path) {
    this.only = path;
    this.limit = PAGE;
    this.changed.fire();
  }

  async getChildren(row) {
    if (row) return listing.changes(row.snapshot, await this.session.client.ask("changes", { snapshot: row.snapshot }));
    if (!this.session.status) return [];
    const asked = this.only === null ? {} : { path: this.only };
    const { snapshots } = await this.session.client.ask("timeline", { ...asked, limit: this.limit }, 60_000);
    const rows = snapshots.map((entry) => listing.snapshot(entry, this.session.clock(), this.only));
    return snapshots.length < this.limit ? rows : [...rows, OLDER];
  }

  getTreeItem(row) {
    return itemOf(row);
  }
}

const OLDER = { id: "more", label: "Older snapshots…", description: "", tooltip: "", icon: "ellipsis" };

module.exports = { StatusTree, Timeline };
