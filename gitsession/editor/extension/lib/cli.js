"use strict";
// Runs a verb of the command line in the background and says what came of it.

const { execFile } = require("child_process");
const vscode = require("vscode");
const { inert } = require("./words");
const { outcome, program } = require("./verbs");

const LONGEST = 600_000;

class Cli {
  constructor(root, environment, log) {
    this.root = root;
    this.words = program(environment.GITSESSION_PROGRAM);
    this.log = log;
  }

  async review() {
    await vscode.workspace.saveAll(false);
    await this.tell("review", "Making the review");
  }

  async finish() {
    const detail = "Everything is saved and the session is marked finished. This editor ends with it; your files stay.";
    const choice = await vscode.window.showWarningMessage("Finish the session?", { modal: true, detail }, "Finish");
    if (choice !== "Finish") return;
    await vscode.workspace.saveAll(false);
    await this.tell("finish", "Finishing the session");
  }

  async tell(verb, title) {
    const location = vscode.ProgressLocation.Notification;
    const done = await vscode.window.withProgress({ location, title }, () => this.run(verb));
    this.log(`gitsession ${verb}: exit ${done.code}\n${done.stderr}`);
    const said = outcome(verb, done);
    if (!said.ok) {
      vscode.window.showErrorMessage(inert(said.text));
      return;
    }
    const choices = said.url ? ["Open"] : [];
    const choice = await vscode.window.showInformationMessage(inert(said.text), ...choices);
    if (choice === "Open") await vscode.env.openExternal(vscode.Uri.parse(said.url, true));
  }

  run(verb) {
    const [file, ...first] = this.words;
    const options = { cwd: this.root, timeout: LONGEST, maxBuffer: 16 * 1024 * 1024 };
    return new Promise((resolve) => {
      execFile(file, [...first, verb, "--json"], options, (error, stdout, stderr) => {
        const code = error ? (typeof error.code === "number" ? error.code : null) : 0;
        resolve({ code, stdout, stderr });
      });
    });
  }
}

module.exports = { Cli };
