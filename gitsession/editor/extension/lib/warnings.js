"use strict";
// What to warn of, once each: the machine's end drawing near, a replica that refuses, a note of the agent's.

const { count, inert } = require("./words");
const { isElsewhere, placeName } = require("./meter");

const MINUTES = [15, 5, 1];
const OF_THE_DEADLINE = /expected to end in/;

/** The same for two notes that differ only in their numbers, such as a countdown. */
function gist(text) {
  return text.replace(/\d+/g, "#");
}

function risk(status) {
  if (isElsewhere(status)) return "Everything is saved elsewhere.";
  const files = status.at_risk.length;
  return files ? `${count(files, "file")} not saved elsewhere yet.` : "Not everything is saved elsewhere yet.";
}

class Warnings {
  /** @param {string[]} told what was said before, in an earlier life of the window */
  constructor(told = []) {
    this.told = new Set(told);
  }

  /** The messages that are due now and have not been given: `{key, text, urgent}`. */
  due(status, now) {
    const found = [...this.deadline(status, now), ...this.refusals(status), ...this.notes(status)];
    const fresh = found.filter(({ key }) => !this.told.has(key));
    fresh.forEach(({ key }) => this.told.add(key));
    return fresh;
  }

  deadline(status, now) {
    if (!status.deadline) return [];
    const left = (status.deadline.at - now) / 60;
    const reached = MINUTES.filter((minutes) => left <= minutes);
    if (!reached.length || left <= 0) return [];
    const key = `deadline ${Math.round(status.deadline.at / 60)} ${Math.min(...reached)}`;
    const word = status.deadline.estimate ? "is expected to end in about" : "ends in";
    return [{ key, text: `This machine ${word} ${Math.ceil(left)} min. ${risk(status)}`, urgent: true }];
  }

  refusals(status) {
    return status.replicas
      .filter((replica) => replica.error)
      .map((replica) => ({
        key: `replica ${replica.name} ${gist(replica.error)}`,
        text: `${placeName(status, replica)}: ${inert(replica.error)}`,
        urgent: false,
      }));
  }

  notes(status) {
    return (status.notes || [])
      .filter((note) => !OF_THE_DEADLINE.test(note))
      .map((note) => ({ key: `note ${gist(note)}`, text: inert(note), urgent: false }));
  }
}

module.exports = { MINUTES, Warnings, gist };
