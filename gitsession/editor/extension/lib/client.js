"use strict";
// The agent's socket: one line of JSON asks, one line answers. A connection for each question, so that a long
// one never keeps a short one waiting, and an agent that starts again is simply found again.

const net = require("net");

const TIMEOUT = 10_000;
const LONGEST_ANSWER = 16 * 1024 * 1024;

/** Why the agent did not do it. `hint` says what to do; `away` is true where nobody answered. */
class Refusal extends Error {
  constructor(what, { hint = "", away = false } = {}) {
    super(what);
    this.hint = hint;
    this.away = away;
  }
}

/** What an answer line says; throws a `Refusal` where it is none or the agent refuses. */
function parse(line) {
  let answer;
  try {
    answer = JSON.parse(line);
  } catch {
    throw new Refusal("The session's background process went away before it answered.", { away: true });
  }
  if (answer && answer.ok === true) return answer;
  const error = (answer && answer.error) || {};
  throw new Refusal(String(error.what || "The session's background process refused."), {
    hint: String(error.hint || ""),
  });
}

class Client {
  /** @param {string} path the agent's Unix socket */
  constructor(path) {
    this.path = path;
  }

  /** Ask for an operation; the answer's fields, or a `Refusal` within `timeout` milliseconds. */
  ask(op, fields = {}, timeout = TIMEOUT) {
    return this.line(`${JSON.stringify({ op, ...fields })}\n`, timeout).then(parse);
  }

  line(request, timeout) {
    return new Promise((resolve, reject) => {
      const connection = net.createConnection({ path: this.path });
      const pieces = [];
      let length = 0;
      const fail = (what) => {
        connection.destroy();
        reject(new Refusal(what, { away: true }));
      };
      const timer = setTimeout(() => fail("The session's background process did not answer in time."), timeout);
      connection.on("connect", () => connection.write(request));
      connection.on("data", (piece) => {
        pieces.push(piece);
        length += piece.length;
        if (length > LONGEST_ANSWER) fail("The session's background process said too much.");
        else if (piece.includes(10)) connection.end();
      });
      connection.on("error", () => fail("No background process of this session is running."));
      connection.on("close", () => {
        clearTimeout(timer);
        resolve(Buffer.concat(pieces).toString("utf8"));
      });
    });
  }
}

module.exports = { Client, Refusal, parse };
