"use strict";
// gitsession in the editor. It finds the session's background process by `GITSESSION_AGENT_SOCKET`, which the
// editor was started with; without it there is nothing to show, and nothing runs.

const vscode = require("vscode");
const { SCHEME } = require("./lib/address");
const { Cli } = require("./lib/cli");
const { Client } = require("./lib/client");
const { Commands, register } = require("./lib/commands");
const { Comments } = require("./lib/comments");
const { Documents } = require("./lib/documents");
const listing = require("./lib/listing");
const { uriOfPath } = require("./lib/places");
const { Reporter } = require("./lib/reporter");
const { Session } = require("./lib/session");
const statusBar = require("./lib/status_bar");
const { StatusTree, Timeline } = require("./lib/trees");
const { Warnings } = require("./lib/warnings");
const { inert } = require("./lib/words");

const TOLD = "gitsession.told";
const MOST_TOLD = 200;

/** Start; the session's work tree is the folder that is open. */
async function activate(context) {
  const socket = process.env.GITSESSION_AGENT_SOCKET;
  const folder = (vscode.workspace.workspaceFolders || [])[0];
  if (!socket || !folder) return;
  const root = folder.uri.fsPath;
  const output = vscode.window.createOutputChannel("gitsession");
  const log = (line) => output.appendLine(`${new Date().toISOString()} ${line}`);
  const session = new Session(new Client(socket));
  const documents = new Documents(session.client);
  const timeline = new Timeline(session);
  const commands = new Commands(session, root, timeline, new Cli(root, process.env, log), log);
  context.subscriptions.push(
    output,
    statusBar.show(session),
    new Comments(session, (path) => uriOfPath(root, path)),
    vscode.workspace.registerFileSystemProvider(SCHEME, documents, { isReadonly: true }),
    vscode.window.registerTreeDataProvider("gitsession.places", new StatusTree(session, listing.places)),
    vscode.window.registerTreeDataProvider("gitsession.files", new StatusTree(session, listing.files)),
    vscode.window.registerTreeDataProvider("gitsession.timeline", timeline),
    ...register(commands),
    new vscode.Disposable(() => session.stop()),
  );
  follow(session, documents, log);
  warn(context, session);
  await session.start();
  await new Reporter(session, root, log).start(context.subscriptions);
}

/** What depends on whether the agent answers. */
function follow(session, documents, log) {
  session.onAnswer((turned) => {
    if (!turned) return;
    documents.forget();
    log(session.status ? `connected to session ${inert(session.status.session)}` : "the agent does not answer");
    vscode.commands.executeCommand("setContext", "gitsession.connected", session.status !== null);
  });
}

/** Each warning once, also when the window is loaded anew. */
function warn(context, session) {
  const warnings = new Warnings(context.workspaceState.get(TOLD, []));
  session.onAnswer(() => {
    const due = session.status ? warnings.due(session.status, session.clock()) : [];
    if (!due.length) return;
    context.workspaceState.update(TOLD, [...warnings.told].slice(-MOST_TOLD));
    due.forEach((warning) => give(warning));
  });
}

async function give({ text, urgent }) {
  if (!urgent) {
    vscode.window.showWarningMessage(text);
  } else if ((await vscode.window.showWarningMessage(text, "Save Everything Now")) !== undefined) {
    vscode.commands.executeCommand("gitsession.flush");
  }
}

function deactivate() {}

module.exports = { activate, deactivate };
