"use strict";
// The durability meter in the status bar.

const vscode = require("vscode");
const { meter } = require("./meter");

const BACKGROUND = { warning: "statusBarItem.warningBackground", error: "statusBarItem.errorBackground" };

/** Show the meter and keep it true: with each answer, and as time passes. */
function show(session) {
  const item = vscode.window.createStatusBarItem("gitsession.meter", vscode.StatusBarAlignment.Left, 1000);
  item.name = "gitsession";
  item.command = "gitsession.focus";
  session.onAnswer(() => draw(item, meter(session.status, session.clock(), session.riskSince)));
  item.show();
  return item;
}

function draw(item, shown) {
  item.text = shown.text;
  item.tooltip = shown.tooltip;
  item.accessibilityInformation = { label: shown.label, role: "button" };
  item.backgroundColor = BACKGROUND[shown.colour] && new vscode.ThemeColor(BACKGROUND[shown.colour]);
}

module.exports = { show };
