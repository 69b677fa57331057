"use strict";
// The durability meter: what may be said of all work at once. No word is stronger than what was checked.

const { age, count, inert, span } = require("./words");

const RANK = { none: 0, local: 1, stored: 2, safe: 3 };
const LEVELS = { none: "nothing yet", local: "on this machine only", stored: "stored", safe: "safe" };
const NAMES = { vault: "Vault", remote: "Remote" };
const SIGN_IN = /\b(token|sign in|log ?in|authenticat|authoris|authoriz|credential|401)/i;
const CALM = 20; // seconds for which a change may be on its way before the meter turns yellow
const SOON = 15 * 60;

function rank(level) {
  return RANK[level] || 0;
}

/** A replica's name for people, as the agent tells it where it does. */
function placeName(status, replica) {
  const known = (status.places || {})[replica.name] || NAMES[replica.name] || replica.name;
  return inert(known);
}

/** Whether a replica has the newest snapshot, read back or stored. */
function isWhole(replica) {
  return !replica.pending && rank(replica.level) >= RANK.stored;
}

function verdict(status, now) {
  const unsure = status.replicas.find((replica) => replica.error);
  if (status.state === "saving") return { words: "saving…", severity: "busy" };
  if (status.at_risk.length) return { words: `${count(status.at_risk.length, "file")} at risk`, severity: "risk" };
  if (!status.snapshot) return { words: "nothing to save yet", severity: "busy" };
  const sound = status.replicas.filter((replica) => isWhole(replica) && !replica.error);
  if (unsure && sound.length && level(status) >= RANK.stored) return { words: only(status, sound, unsure), severity: "warn" };
  return settled(status, now);
}

/** `Drive only: sign in again`: one place has everything, another refuses. */
function only(status, sound, unsure) {
  const names = sound.map((replica) => placeName(status, replica)).join(" and ");
  const why = SIGN_IN.test(unsure.error) ? "sign in again" : `${placeName(status, unsure)} fails`;
  return `${names} only: ${why}`;
}

/** What holds for everything that is in the newest snapshot, and for the newest content of held files. */
function level(status) {
  const whole = status.replicas.filter(isWhole).map((replica) => rank(replica.level));
  return Math.min(Math.max(RANK.local, ...whole), ...(status.held || []).map((file) => rank(file.level)));
}

/** Whether nothing at all would be lost with this machine. */
function isElsewhere(status) {
  return status.state !== "saving" && !status.at_risk.length && Boolean(status.snapshot) && level(status) >= RANK.stored;
}

function settled(status, now) {
  const best = level(status);
  const when = age(now - status.snapshot.at);
  if (best >= RANK.safe) return { words: `all safe · ${when}`, severity: "good" };
  if (best >= RANK.stored) return { words: `all stored · ${when}`, severity: "good" };
  return { words: "on this machine only", severity: "risk" };
}

/** The time left as `about 2 h 3 min left`; empty where nothing is known. */
function timeLeft(status, now) {
  if (!status.deadline) return "";
  const left = status.deadline.at - now;
  if (left <= 0) return "past its expected end";
  return `${status.deadline.estimate ? "about " : ""}${span(left)} left`;
}

function replicaLine(status, replica) {
  const has = replica.acknowledged ? `snapshot ${replica.acknowledged}, ${LEVELS[replica.level]}` : "nothing yet";
  const waiting = replica.pending ? `, ${replica.pending} waiting` : "";
  return `${placeName(status, replica)}: ${has}${waiting}${replica.error ? `: ${inert(replica.error)}` : ""}`;
}

const ICONS = { good: "$(pass)", busy: "$(sync~spin)", warn: "$(warning)", risk: "$(cloud-upload)" };

/**
 * What the status bar shows.
 *
 * @param status the agent's status document, or null where it does not answer
 * @param now seconds since 1970
 * @param since from when on work has been at risk without a break, null where it is not
 * @returns `{text, tooltip, label, severity, colour}`; the colour is none, "warning" or "error"
 */
function meter(status, now, since = null) {
  if (!status) return away();
  const said = verdict(status, now);
  const left = timeLeft(status, now);
  const late = status.deadline && status.deadline.at - now <= SOON;
  const stuck = since !== null && now - since > CALM;
  const words = left ? `${said.words} · ${left}` : said.words;
  return {
    ...said,
    text: `${ICONS[said.severity]} ${words}`,
    tooltip: tooltip(status, said, left),
    label: `gitsession: ${words}. Activate to see where everything is.`,
    colour: colour(said, stuck, late),
  };
}

function colour(said, stuck, late) {
  if (said.severity === "risk" && stuck) return late ? "error" : "warning";
  return said.severity === "warn" || late ? "warning" : "none";
}

function away() {
  const words = "not saving";
  return {
    words,
    severity: "away",
    text: `$(debug-disconnect) ${words}`,
    tooltip: "gitsession does not answer. Your files are on this machine's disk only.\nRun `gitsession open` in a terminal.",
    label: "gitsession: not saving; the session's background process does not answer.",
    colour: "error",
  };
}

function tooltip(status, said, left) {
  const head = `${inert(status.repo)}, session ${inert(status.session)}: ${said.words}`;
  const newest = status.snapshot ? [`This machine: snapshot ${status.snapshot.number}`] : [];
  const replicas = status.replicas.map((replica) => replicaLine(status, replica));
  return [head, ...newest, ...replicas, ...(left ? [`Time: ${left}`] : [])].join("\n");
}

module.exports = { CALM, LEVELS, isElsewhere, isWhole, meter, placeName, rank, replicaLine, timeLeft };
