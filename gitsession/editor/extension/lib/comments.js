"use strict";
// What reviewers said, shown at its line as the editor's own comments; of a notebook in the cell, once it is open.

const vscode = require("vscode");
const { threads } = require("./remarks");
const { inert } = require("./words");

class Comments {
  constructor(session, uriOf) {
    this.session = session;
    this.uriOf = uriOf;
    this.controller = vscode.comments.createCommentController("gitsession.review", "Review");
    this.drawn = [];
    this.shown = "";
    this.opened = vscode.workspace.onDidOpenNotebookDocument(() => this.draw());
    session.onAnswer(() => this.update());
  }

  update() {
    const shown = JSON.stringify(threads(this.session.status));
    if (shown !== this.shown) this.draw();
    this.shown = shown;
  }

  draw() {
    this.drawn.forEach((thread) => thread.dispose());
    this.drawn = threads(this.session.status).map((each) => this.thread(each)).filter(Boolean);
  }

  thread({ path, cell, line, said }) {
    const uri = cell ? this.cellUri(path, cell) : this.uriOf(path);
    if (!uri) return null;
    const thread = this.controller.createCommentThread(uri, new vscode.Range(line - 1, 0, line - 1, 0), said.map(comment));
    thread.canReply = false;
    thread.label = "Review";
    return thread;
  }

  cellUri(path, cell) {
    const { fsPath } = this.uriOf(path);
    const notebook = vscode.workspace.notebookDocuments.find(({ uri }) => uri.fsPath === fsPath);
    return notebook && cell <= notebook.cellCount ? notebook.cellAt(cell - 1).document.uri : null;
  }

  dispose() {
    this.opened.dispose();
    this.controller.dispose();
  }
}

/** A plain string is shown as it is, not read as Markdown. */
function comment({ author, text }) {
  const body = text.split("\n").map(inert).join("\n");
  return { body, mode: vscode.CommentMode.Preview, author: { name: inert(author) } };
}

module.exports = { Comments };
