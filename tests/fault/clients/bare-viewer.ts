import { setTimeout as sleep } from 'node:timers/promises'
import type { FinalMessage, Recorder } from '../history.ts'
import type { Random } from '../random.ts'
import { BareLog, type RawPage, type RawReply } from './bare-log.ts'
import { BareWire, type Answer } from './bare-wire.ts'
import { Sightings, type Viewer } from './viewer.ts'

export interface BareViewerOptions {
  name: string
  ports: readonly number[]
  gateway: number
  token: string
  recorder: Recorder
  random: Random
}

export interface BareSend {
  clientMessageId: string
  value: string
  /** 0 is the first try. */
  resend: number
  cause?: 'dropped' | 'failed'
}

/** Opening may happen during a fault. */
const OPEN_TIMEOUT_MS = 120_000
const POLL_MS = 20
const RESYNC_DELAY_MS = 250
const REFUSED_DELAY_MS = 700
const PAGE = 200
/** The limit of pages in a row, for a server that always reports more. */
const MAX_PAGES = 200

/** A viewer on a raw websocket with its own log. */
export class BareViewer implements Viewer {
  readonly name: string
  readonly #options: BareViewerOptions
  readonly #wire: BareWire
  readonly #log = new BareLog()
  readonly #sightings: Sightings
  #sessionId = ''
  #isSyncing = false
  #isClosed = false
  #lostAt: number | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: BareViewerOptions) {
    this.#options = options
    this.name = options.name
    this.#sightings = new Sightings(options.recorder, options.name)
    this.#wire = new BareWire({
      ...options,
      onReady: () => this.#onReady(),
      onLost: () => this.#onLost(),
      onEvent: (name, payload) => this.#onEvent(name, payload),
    })
  }

  /** Connects and waits until the user's session is shown. */
  async open(): Promise<void> {
    this.#wire.connect()
    const deadline = performance.now() + OPEN_TIMEOUT_MS
    while (this.#sessionId === '') {
      if (performance.now() > deadline) throw new Error(`${this.name} has no session`)
      await sleep(POLL_MS)
    }
  }

  get sessionId(): string {
    return this.#sessionId
  }

  get gateway(): number {
    return this.#wire.gateway
  }

  isOnline(): boolean {
    return this.#wire.isOpen
  }

  isAtRest(): boolean {
    return this.isOnline() && this.#lostAt === undefined
  }

  lastSeq(): number {
    return this.#log.lastSeq
  }

  drafts(): string[] {
    return [...this.#log.drafts.keys()]
  }

  shown(): FinalMessage[] {
    return this.#log.entries
  }

  /** Tries to send once. The caller decides about another try. */
  async send(message: BareSend): Promise<Answer> {
    const { recorder } = this.#options
    const { clientMessageId, value } = message
    const base = { op: 'send', process: this.name, id: recorder.nextId() } as const
    const { sessionId, gateway } = this
    recorder.record({ ...base, phase: 'invoke', sessionId, gateway, ...message })
    const answer = await this.#wire.request('message:send', {
      sessionId,
      clientMessageId,
      content: value,
    })
    if (answer.phase === 'ok') {
      const { message: stored } = answer.data as { message: FinalMessage }
      const { id: messageId, seq, content } = stored
      recorder.record({ ...base, phase: 'ok', messageId, seq, value: content })
    } else {
      recorder.record({ ...base, phase: answer.phase, code: answer.code })
    }
    return answer
  }

  /** Sends `reply:stop` for a reply or `reply:retry` for a message. */
  async steer(op: 'stop' | 'retry', target: string): Promise<Answer> {
    const { recorder } = this.#options
    const { sessionId } = this
    const base = { op, process: this.name, id: recorder.nextId() } as const
    recorder.record({ ...base, phase: 'invoke', sessionId, target })
    const payload = op === 'stop' ? { replyId: target } : { messageId: target }
    const answer = await this.#wire.request(`reply:${op}`, { sessionId, ...payload })
    if (answer.phase !== 'ok') {
      recorder.record({ ...base, phase: answer.phase, code: answer.code })
      return answer
    }
    const { stopped = false, replyId = '' } = answer.data as {
      stopped?: boolean
      replyId?: string
    }
    const end = { process: this.name, id: base.id, phase: 'ok' } as const
    recorder.record(op === 'stop' ? { ...end, op, stopped } : { ...end, op, replyId })
    return answer
  }

  stopReading(): void {
    this.#wire.stopReading()
  }

  goOnReading(): void {
    this.#wire.goOnReading()
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
    for (const replyId of this.#sightings.shownDrafts()) this.#sightings.endDraft(replyId)
    this.#wire.close()
  }

  #onReady(): void {
    if (this.#lostAt !== undefined) this.#sightings.onConnection('ready', this.gateway)
    void this.#sync()
  }

  #onLost(): void {
    if (this.#isClosed) return
    this.#lostAt ??= this.lastSeq()
    this.#sightings.onConnection('lost', this.gateway)
  }

  #onEvent(name: string, payload: unknown): void {
    if (this.#sessionId === '') return
    switch (name) {
      case 'message:new':
        this.#take((payload as { message: RawPage['messages'][number] }).message)
        break
      case 'reply:start':
        this.#show(this.#log.startReply(payload as RawReply))
        break
      case 'reply:delta':
        this.#show(this.#log.addDelta(payload as RawReply))
        break
      case 'session:head':
        this.#log.raiseHead((payload as { lastSeq: number }).lastSeq)
        break
      case 'session:updated':
        this.#log.raiseHead((payload as RawPage).session.lastSeq)
        break
    }
    if (this.#log.isBehind()) this.#plan(RESYNC_DELAY_MS)
  }

  #take(message: RawPage['messages'][number]): void {
    this.#sightings.onEntries(this.#log.addMessage(message))
    this.#sightings.endDraft(message.id)
  }

  #show(draft: RawReply | undefined): void {
    if (draft) this.#sightings.onDraft(draft)
  }

  #plan(delayMs: number): void {
    if (this.#isClosed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      void this.#sync()
    }, delayMs)
  }

  /** Joins the session and reads what is missing. Retries later if that is refused. */
  async #sync(): Promise<void> {
    if (this.#isSyncing || this.#isClosed) return
    this.#isSyncing = true
    const answer = await this.#readPages()
    this.#isSyncing = false
    if (answer.phase !== 'ok' && answer.code !== 'OFFLINE') {
      this.#plan(Math.max(REFUSED_DELAY_MS, answer.retryAfterMs ?? 0))
    }
    // The viewer has reconnected in the meantime, and the new connection has not joined yet.
    if (answer.phase !== 'ok' && this.isOnline()) this.#plan(RESYNC_DELAY_MS)
    if (answer.phase === 'ok' && this.#lostAt !== undefined) {
      this.#sightings.onConnection('caught-up', this.gateway, this.lastSeq() - this.#lostAt)
      this.#lostAt = undefined
    }
  }

  async #readPages(): Promise<Answer> {
    for (let pages = 1; ; pages += 1) {
      const range = { afterSeq: this.lastSeq(), limit: PAGE }
      const known = this.#sessionId === '' ? {} : { sessionId: this.#sessionId }
      const before = new Set(this.#log.drafts.keys())
      const answer = await this.#wire.request('session:open', { ...known, ...range })
      if (answer.phase !== 'ok') return answer
      const page = answer.data as RawPage
      this.#sessionId = this.#sightings.sessionId = page.session.id
      const { placed, draft } = this.#log.addPage(page, before)
      this.#sightings.onEntries(placed)
      for (const replyId of before) {
        if (!this.#log.drafts.has(replyId)) this.#sightings.endDraft(replyId)
      }
      this.#show(draft)
      if (!page.hasMore || pages === MAX_PAGES) return answer
    }
  }
}
