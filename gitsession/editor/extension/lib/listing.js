"use strict";
// The panel's trees as plain values: `{id, label, description, tooltip, icon, open?, children?, …}`.

const { age, clipped, inert, size } = require("./words");
const { remarks } = require("./remarks");
const { LEVELS, isWhole, placeName, timeLeft } = require("./meter");

const MOST = 200;
const KINDS = { added: "added", removed: "removed", changed: "changed" };

/** Where everything is: this machine, each replica, and how long the machine lasts. */
function places(status, now) {
  if (!status) return [];
  const newest = status.snapshot ? status.snapshot.number : 0;
  const here = {
    id: "here",
    label: "This machine",
    description: newest ? `snapshot ${newest}` : "nothing yet",
    tooltip: inert(status.worktree),
    icon: "device-desktop",
  };
  const left = timeLeft(status, now);
  const end = { id: "end", label: "Time left", description: left, tooltip: left, icon: "watch" };
  const rows = [here, ...status.replicas.map((replica) => place(status, replica)), ...(left ? [end] : [])];
  return status.branch ? [...rows, branch(status)] : rows;
}

function place(status, replica) {
  const has = replica.acknowledged ? `snapshot ${replica.acknowledged} · ${LEVELS[replica.level]}` : "nothing yet";
  const waiting = replica.pending ? ` · ${replica.pending} waiting` : "";
  const icon = replica.error ? "warning" : isWhole(replica) ? "pass" : "sync";
  return {
    id: `place ${replica.name}`,
    label: placeName(status, replica),
    description: has + waiting + (replica.error ? ` · ${inert(replica.error)}` : ""),
    tooltip: replica.error ? inert(replica.error) : has + waiting,
    icon,
  };
}

function branch(status) {
  const name = inert(status.branch);
  return { id: "branch", label: "Session branch", description: name, tooltip: name, icon: "git-branch" };
}

/** What is at risk, unsaved, held or skipped, each with its reason; empty groups are left out. */
function files(status) {
  if (!status) return [];
  const unsaved = new Set(status.unsaved || []);
  const risk = status.at_risk.filter((path) => !unsaved.has(path));
  return [
    group("At risk", "cloud-upload", risk.map((path) => [path, "only on this machine so far"])),
    group("Unsaved in the editor", "edit", [...unsaved].map((path) => [path, "typed, in no file yet"])),
    group("Held back", "lock", status.held.map((file) => [file.path, held(file)])),
    group("Left out", "circle-slash", status.skipped.map((file) => [file.path, inert(file.reason)])),
    group("Reviewers say", "comment-discussion", remarks(status).map((each) => [each.path, said(each), each])),
  ].filter((found) => found.children.length);
}

function said({ cell, line, author, text }) {
  const place = [cell && `cell ${cell}`, line && `line ${line}`].filter(Boolean).join(" ");
  return [place, `${inert(author)}: ${inert(text.split("\n", 1)[0])}`].filter(Boolean).join(" · ");
}

function held(file) {
  const where = { stored: "kept in the vault", safe: "kept in the vault" }[file.level] || LEVELS[file.level];
  return `${inert(file.reason)} · ${size(file.size)} · ${where}`;
}

/** A row for a file: its name first, so that a narrow panel cuts the folder before what is said of it. */
function named(path, said) {
  const start = path.lastIndexOf("/", path.length - 2) + 1;
  const description = [said, inert(path.slice(0, start))].filter(Boolean).join(" · ");
  return { label: clipped(inert(path.slice(start))), description, path };
}

function group(label, icon, rows) {
  const children = rows.slice(0, MOST).map(([path, reason, place], at) => ({
    id: place ? `${label} ${at} ${path}` : `${label} ${path}`,
    ...named(path, reason),
    tooltip: `${inert(path)}: ${reason}`,
    icon: place ? "comment" : "file",
    ...(place && { cell: place.cell, line: place.line }),
  }));
  const more = rows.length - children.length;
  if (more > 0) children.push({ id: `${label} more`, label: `${more} more`, description: "", tooltip: "", icon: "ellipsis" });
  return { id: label, label, description: String(rows.length), tooltip: label, icon, open: true, children };
}

/** One row of the timeline; `only` is the path it is filtered by, if any. */
function snapshot(entry, now, only = null) {
  const subject = inert(entry.subject.replace(/^wip: /, ""));
  return {
    id: `snapshot ${entry.number}`,
    label: clipped(subject) || "no subject",
    description: `${entry.number} · ${age(now - entry.at)}`,
    tooltip: `Snapshot ${entry.number}, ${new Date(entry.at * 1000).toLocaleString()}\n${subject}`,
    icon: "git-commit",
    snapshot: entry.number,
    path: only,
    kind: only === null ? "snapshot" : "version",
  };
}

/** The files that a snapshot changed. */
function changes(number, answer) {
  const rows = answer.changes.map((change) => ({
    id: `snapshot ${number} ${change.path}`,
    ...named(change.path, KINDS[change.kind]),
    tooltip: `${inert(change.path)}: compare as of snapshot ${number} with the present`,
    icon: "diff",
    snapshot: number,
    kind: "change",
  }));
  const rest = { id: `snapshot ${number} more`, label: `${answer.more} more`, description: "", tooltip: "", icon: "ellipsis" };
  return answer.more ? [...rows, rest] : rows;
}

module.exports = { changes, files, places, snapshot };
