"use strict";
const assert = require("node:assert");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const { test } = require("node:test");
const { Client } = require("../../../gitsession/editor/extension/lib/client");
const { Session } = require("../../../gitsession/editor/extension/lib/session");
const { status } = require("./statuses");

const folder = fs.mkdtempSync(path.join(os.tmpdir(), "gs-js-"));
process.on("exit", () => fs.rmSync(folder, { recursive: true, force: true }));
let count = 0;

/** A socket that answers each line by `reply(request)`: a string, or null to hang up. */
async function serve(reply, socket = path.join(folder, `${count++}.sock`)) {
  const server = net.createServer((connection) => {
    let text = "";
    connection.on("error", () => {});
    connection.on("data", (piece) => {
      text += piece;
      if (!text.endsWith("\n")) return;
      const said = reply(JSON.parse(text));
      if (said === null) connection.destroy();
      else if (said !== undefined) connection.write(said);
    });
  });
  await new Promise((resolve) => server.listen(socket, resolve));
  return { socket, close: () => new Promise((resolve) => server.close(resolve)) };
}

const line = (fields) => `${JSON.stringify(fields)}\n`;

test("a question and its answer, however it is cut into pieces", async () => {
  const server = await serve((request) => line({ ok: true, got: request.path, long: "é".repeat(200_000) }));
  const answer = await new Client(server.socket).ask("show", { path: "a\nb" });
  assert.equal(answer.got, "a\nb");
  assert.equal(answer.long.length, 200_000);
  await server.close();
});

test("a refusal carries the agent's words and its hint", async () => {
  const server = await serve(() => line({ ok: false, error: { what: "No.", hint: "Do this." } }));
  await assert.rejects(new Client(server.socket).ask("x"), { message: "No.", hint: "Do this.", away: false });
  await server.close();
});

test("nobody there, a hang-up, nonsense and silence each end in a refusal", async () => {
  await assert.rejects(new Client(path.join(folder, "none.sock")).ask("x"), { away: true });
  for (const [reply, timeout] of [[null, 1000], ["nonsense\n", 1000], [undefined, 50]]) {
    const server = await serve(() => reply);
    await assert.rejects(new Client(server.socket).ask("x", {}, timeout), { away: true });
    await server.close();
  }
});

test("an agent that goes and comes back is found again, and each turn is told", async () => {
  const here = await serve(() => line({ ok: true, status: status() }));
  const session = new Session(new Client(here.socket));
  const turns = [];
  session.onAnswer((turned) => turned && turns.push(session.status !== null));
  await session.start();
  await here.close();
  await session.refresh();
  assert.equal(session.status, null);
  const back = await serve(() => line({ ok: true, status: status({ at_risk: ["a"] }) }), here.socket);
  await session.refresh();
  assert.deepEqual(session.status.at_risk, ["a"]);
  assert.notEqual(session.riskSince, null);
  assert.deepEqual(turns, [true, false, true]);
  session.stop();
  await back.close();
});

test("questions at the same moment share one answer", async () => {
  let asked = 0;
  const server = await serve(() => {
    asked += 1;
    return line({ ok: true, status: status() });
  });
  const session = new Session(new Client(server.socket));
  await Promise.all([session.refresh(), session.refresh(), session.refresh()]);
  assert.equal(asked, 1);
  session.stop();
  await server.close();
});
