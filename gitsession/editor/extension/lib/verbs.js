"use strict";
// The verbs of the command line that the editor offers: what to run, and what its answer means.

/**
 * How this gitsession is started, as the editor was told; else by its name on the PATH.
 *
 * @param given `GITSESSION_PROGRAM`, a JSON list of arguments
 */
function program(given) {
  try {
    const words = JSON.parse(given);
    if (Array.isArray(words) && words.length && words.every((word) => typeof word === "string")) return words;
  } catch {
    // not given, or not ours
  }
  return ["gitsession"];
}

/** The last line of JSON that a verb printed; null where it printed none. */
function answer(stdout) {
  const lines = stdout.trim().split("\n").reverse();
  for (const line of lines) {
    try {
      const found = JSON.parse(line);
      if (found && typeof found === "object") return found;
    } catch {
      // a line for people
    }
  }
  return null;
}

/**
 * What to tell the person: `{ok, text, url}`; the URL is HTTPS or null.
 *
 * @param verb what was run
 * @param done `{code, stdout, stderr}`; a null code where it could not be started
 */
function outcome(verb, { code, stdout, stderr }) {
  const found = answer(stdout) || {};
  if (code === 0) return { ok: true, text: done(verb, found), url: link(found) };
  if (code === null) return { ok: false, text: `Run \`gitsession ${verb}\` in a terminal: it was not found from here.`, url: null };
  if (code === 2 && /no such command/i.test(stderr)) {
    return { ok: false, text: `This gitsession has no \`${verb}\`: upgrade it, or use git and your browser.`, url: null };
  }
  const error = found.error || {};
  const words = [error.what || stderr.trim().split("\n").at(-1) || `gitsession ${verb} failed.`, error.hint];
  return { ok: false, text: words.filter(Boolean).join(" "), url: null };
}

function done(verb, found) {
  if (verb === "finish") return "The session is finished and saved.";
  return link(found) ? "The pull request is ready to look at." : "The review is made.";
}

function link(found) {
  const url = found.url || (found.pull_request && found.pull_request.url);
  return typeof url === "string" && /^https:\/\/[^\s]+$/.test(url) ? url : null;
}

module.exports = { answer, outcome, program };
