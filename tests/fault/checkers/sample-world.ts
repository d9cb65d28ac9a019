import type { FinalMessage, FinalRead, FinalReply, HistoryEvent } from '../history.ts'
import { textOf } from './run-index.ts'

/** For tests: a session of a system without faults, unless a test adds one. */
export interface SampleSession {
  id: string
  rows: FinalMessage[]
  replies: Map<string, FinalReply>
  viewers: SampleViewer[]
  nextSeq: number
  /** Whether a person has taken over. */
  isAssisted: boolean
}

export interface SampleViewer {
  name: string
  shown: FinalMessage[]
  isAway: boolean
}

export interface PendingSend {
  id: number
  session: SampleSession
  sender: string
  clientMessageId: string
  value: string
  resend: number
}

type Ending = 'complete' | 'stopped' | 'incomplete' | 'failed'

export interface AnswerPlan {
  /** The tokens of each earlier attempt, left behind by a dying worker. */
  cut: number[]
  tokens: number
  sent: number
  ending: Ending
  /** The first token of the last attempt that the second viewer sees. */
  joinsAt: number
}

type Unstamped<E> = E extends { at: number } ? Omit<E, 'at'> : never

const VIEWERS = ['one', 'two']

/** A tiny model of the whole product. It records what a run of the real one would. */
export class SampleWorld {
  readonly history: HistoryEvent[] = []
  readonly sessions: SampleSession[]
  readonly pending: PendingSend[] = []
  /** Every message as it was first sent. */
  readonly sent: PendingSend[] = []
  #clock = 0
  #lastId = 0

  constructor(sessions: number) {
    this.sessions = Array.from({ length: sessions }, (_, index) => ({
      id: `s${index}`,
      rows: [],
      replies: new Map(),
      viewers: VIEWERS.map((name) => ({ name: `${name}-s${index}`, shown: [], isAway: false })),
      nextSeq: 1,
      isAssisted: false,
    }))
    this.record({ op: 'life', phase: 'started', process: 'gateway-1', pid: 1 })
  }

  nextId(): number {
    return ++this.#lastId
  }

  record(event: Unstamped<HistoryEvent>): void {
    this.#clock += 10
    this.history.push({ at: this.#clock, ...event })
  }

  begin(session: SampleSession, sender: string, again?: PendingSend): PendingSend {
    const id = this.nextId()
    const { clientMessageId = `c${id}`, value = `#v${id} tokens=5` } = again ?? {}
    const resend = again ? again.resend + 1 : 0
    const send = { id, session, sender, clientMessageId, value, resend }
    const cause = again ? { cause: 'failed' as const } : {}
    const { id: sessionId } = session
    const what = { sessionId, gateway: 0, clientMessageId, value, resend, ...cause }
    this.record({ op: 'send', phase: 'invoke', id, process: sender, ...what })
    this.pending.push(send)
    if (!again) this.sent.push(send)
    return send
  }

  /** Returns the row of a message, and adds it if there is none, as a store does. */
  store({ session, clientMessageId, value }: PendingSend): FinalMessage {
    const known = session.rows.find((row) => row.clientMessageId === clientMessageId)
    return known ?? this.addQuestion(session, value, clientMessageId)
  }

  /** Sends, stores and acknowledges a message. */
  sendWell(session: SampleSession, sender = 'sender'): FinalMessage {
    const send = this.begin(session, sender)
    const row = this.store(send)
    this.acknowledge(send, row)
    return row
  }

  addQuestion(session: SampleSession, content: string, clientMessageId: string): FinalMessage {
    const id = `m${this.nextId()}`
    const row = this.addRow(session, { id, content, clientMessageId, sender: 'user' })
    const reply = { questionId: id, replyId: `r${this.nextId()}`, state: 'pending', epoch: 0 }
    if (!session.isAssisted) session.replies.set(id, reply)
    return row
  }

  addRow(
    session: SampleSession,
    row: Pick<FinalMessage, 'id' | 'content' | 'sender'> & Partial<FinalMessage>,
  ): FinalMessage {
    const added = { kind: 'text', status: 'complete', ...row, seq: session.nextSeq++ }
    session.rows.push(added)
    return added
  }

  acknowledge(send: PendingSend, row: Pick<FinalMessage, 'id' | 'seq' | 'content'>): void {
    this.#settle(send)
    const { id: messageId, seq, content: value } = row
    const { id, sender: process } = send
    this.record({ op: 'send', phase: 'ok', id, process, messageId, seq, value })
  }

  fail(send: PendingSend, phase: 'fail' | 'unknown'): void {
    this.#settle(send)
    const code = phase === 'fail' ? 'TOO_MANY_REQUESTS' : 'TIMEOUT'
    this.record({ op: 'send', phase, id: send.id, process: send.sender, code })
  }

  /** The open questions of a session, in the order of their answers. */
  openReplies(session: SampleSession): FinalReply[] {
    return session.rows
      .map(({ id }) => session.replies.get(id))
      .filter((reply) => reply?.state === 'pending')
      .filter((reply) => reply !== undefined)
  }

  answer(session: SampleSession, plan: AnswerPlan): void {
    const [reply] = this.openReplies(session)
    const question = session.rows.find(({ id }) => id === reply?.questionId)
    if (!reply || !question) return
    for (const tokens of plan.cut) {
      const sent = Math.min(tokens, 5)
      const request = this.stream(question, { tokens: 5, sent, phase: 'fail' })
      reply.epoch += 1
      if (sent > 0) this.showDraft(session, reply, { request, from: 0, to: sent - 1 })
    }
    this.#finish(session, { reply, question, plan })
  }

  #finish(
    session: SampleSession,
    { reply, question, plan }: { reply: FinalReply; question: FinalMessage; plan: AnswerPlan },
  ): void {
    const { ending, tokens } = plan
    const sent = ending === 'complete' ? tokens : Math.min(plan.sent, tokens)
    const phase = ending === 'complete' ? 'ok' : 'fail'
    const request = this.stream(question, { tokens, sent, phase })
    reply.epoch += 1
    if (ending !== 'failed' && sent > 0) {
      const joinsAt = Math.min(plan.joinsAt, sent - 1)
      this.showDraft(session, reply, { request, from: 0, to: sent - 1, joinsAt })
    }
    const content = ending === 'failed' ? '' : textOf(request, sent)
    const { questionId: replyTo, replyId: id } = reply
    this.addRow(session, { id, content, replyTo, sender: 'ai', status: ending })
    reply.state = 'done'
  }

  stream(
    { content: value }: FinalMessage,
    { tokens, sent, phase }: { tokens: number; sent: number; phase: 'ok' | 'fail' },
  ): number {
    const id = this.nextId()
    this.record({ op: 'model', phase: 'invoke', id, process: 'model', value, tokens })
    this.record({ op: 'model', phase, id, process: 'model', sent })
    return id
  }

  /** Shows the attempt to both viewers. The second one may join in the middle. */
  showDraft(
    session: SampleSession,
    { replyId, epoch: attempt }: FinalReply,
    {
      request,
      from,
      to,
      joinsAt = 0,
    }: { request: number; from: number; to: number; joinsAt?: number },
  ): void {
    for (const [index, { name, isAway }] of session.viewers.entries()) {
      if (isAway) continue
      const joined = index > 0 && joinsAt > 0
      this.record({
        op: 'draft',
        process: name,
        sessionId: session.id,
        ...{ replyId, attempt, from: joined ? joinsAt : from, to, text: textOf(request, to + 1) },
        ...(joined ? { joined: true as const } : {}),
      })
    }
  }

  /** Retries the last answer of a session if it is not complete. */
  retry(session: SampleSession): void {
    const last = session.rows.findLast(({ sender }) => sender === 'ai')
    const reply = last?.replyTo === undefined ? undefined : session.replies.get(last.replyTo)
    if (!last || last.status === 'complete' || reply?.replyId !== last.id) return
    if (reply.state !== 'done') return
    const base = { op: 'retry', id: this.nextId(), process: 'sender' } as const
    this.record({ ...base, phase: 'invoke', sessionId: session.id, target: last.id })
    Object.assign(reply, { state: 'pending', replyId: `r${this.nextId()}`, epoch: reply.epoch + 1 })
    this.record({ ...base, phase: 'ok', replyId: reply.replyId })
  }

  /** Ends the session. Its open questions stay without an answer. */
  takeOver(session: SampleSession): void {
    if (session.isAssisted) return
    session.isAssisted = true
    for (const reply of this.openReplies(session)) reply.state = 'cancelled'
    this.#addEvent(session, 'takeover_started')
  }

  giveBack(session: SampleSession): void {
    if (!session.isAssisted) return
    session.isAssisted = false
    this.#addEvent(session, 'takeover_ended')
  }

  #addEvent(session: SampleSession, event: string): void {
    const row = {
      id: `e${this.nextId()}`,
      kind: 'event',
      event,
      sender: 'admin',
      content: '',
    } as const
    this.addRow(session, row)
  }

  /** Shows a viewer what it has missed. */
  sync(session: SampleSession, viewer: SampleViewer): void {
    const missing = session.rows.slice(viewer.shown.length)
    if (viewer.isAway || missing.length === 0) return
    viewer.shown.push(...missing)
    const entries = missing.map(({ seq, id }): [number, string] => [seq, id])
    this.record({ op: 'seen', process: viewer.name, sessionId: session.id, entries })
  }

  leave(viewer: SampleViewer): void {
    if (viewer.isAway) return
    viewer.isAway = true
    this.record({ op: 'viewer', phase: 'lost', process: viewer.name, gateway: 0 })
  }

  comeBack(session: SampleSession, viewer: SampleViewer): void {
    if (!viewer.isAway) return
    viewer.isAway = false
    this.record({ op: 'viewer', phase: 'ready', process: viewer.name, gateway: 1 })
    this.sync(session, viewer)
    this.record({ op: 'viewer', phase: 'caught-up', process: viewer.name, gateway: 1 })
  }

  /** Ends the run: answers every question and reconnects every viewer. */
  drain(): void {
    for (const send of [...this.pending]) this.fail(send, 'unknown')
    const plan = { cut: [], tokens: 5, sent: 5, ending: 'complete', joinsAt: 0 } as const
    for (const session of this.sessions) {
      this.giveBack(session)
      while (this.openReplies(session).length > 0) this.answer(session, { ...plan, cut: [] })
      for (const viewer of session.viewers) {
        this.comeBack(session, viewer)
        this.sync(session, viewer)
      }
    }
    this.record({
      op: 'life',
      phase: 'ended',
      process: 'gateway-1',
      pid: 1,
      expected: true,
      code: 0,
    })
  }

  reads(): FinalRead[] {
    return this.sessions.flatMap(({ id: sessionId, rows, replies, viewers }) => [
      {
        source: 'store',
        reader: 'store',
        sessionId,
        messages: copy(rows),
        replies: [...replies.values()],
      },
      { source: 'http', reader: 'http', sessionId, messages: copy(rows) },
      ...viewers.map(({ name, shown }): FinalRead => {
        return { source: 'shown', reader: name, sessionId, messages: copy(shown) }
      }),
    ])
  }

  #settle(send: PendingSend): void {
    const index = this.pending.indexOf(send)
    if (index >= 0) this.pending.splice(index, 1)
  }
}

function copy(rows: readonly FinalMessage[]): FinalMessage[] {
  return rows.map((row) => ({ ...row }))
}
