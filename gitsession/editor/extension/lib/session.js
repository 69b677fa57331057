"use strict";
// The session as the editor sees it: its newest status, asked for again and again, and who wants to know.

const BUSY = 1000;
const CALM = 3000;

class Session {
  /**
   * @param client asks the agent
   * @param clock seconds since 1970
   */
  constructor(client, clock = () => Date.now() / 1000) {
    this.client = client;
    this.clock = clock;
    this.status = null;
    this.riskSince = null;
    this.listeners = [];
    this.timer = null;
    this.asking = null;
    this.stopped = false;
  }

  /** Call the listener after each answer, with whether the agent has just come or gone. */
  onAnswer(listener) {
    this.listeners.push(listener);
  }

  start() {
    this.stopped = false;
    return this.refresh();
  }

  stop() {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  /** Ask now; several at once share one question. */
  refresh() {
    this.asking ??= this.ask().finally(() => {
      this.asking = null;
      this.plan();
    });
    return this.asking;
  }

  async ask() {
    const before = this.status;
    try {
      this.status = (await this.client.ask("status")).status;
    } catch {
      this.status = null; // shown as "not saving": an agent that starts again is found by the next question
    }
    this.noteRisk();
    if (!this.stopped) this.listeners.forEach((listener) => listener((before === null) !== (this.status === null)));
  }

  noteRisk() {
    const atRisk = this.status !== null && this.status.at_risk.length > 0;
    this.riskSince = atRisk ? (this.riskSince ?? this.clock()) : null;
  }

  plan() {
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => this.refresh(), this.isBusy() ? BUSY : CALM);
  }

  isBusy() {
    const status = this.status;
    return !status || status.at_risk.length > 0 || status.state === "saving" || status.replicas.some((one) => one.pending);
  }
}

module.exports = { Session };
