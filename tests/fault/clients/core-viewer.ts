import type { Message } from '@chatbox/contract'
import { ChatClient, createMemoryStorage } from '@chatbox/client'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FinalMessage, Recorder } from '../history.ts'
import { Sightings, toFinalMessage, type Viewer } from './viewer.ts'

export interface CoreViewerOptions {
  name: string
  /** The address of a gateway or of a balancer. */
  port: number
  /** As in the history; -1 for the balancer. */
  gateway: number
  token: string
  recorder: Recorder
}

/** Opening may happen during a fault. */
const OPEN_TIMEOUT_MS = 120_000
const POLL_MS = 20

/** A user with the product's own client core, like the chat page. */
export class CoreViewer implements Viewer {
  readonly name: string
  readonly #options: CoreViewerOptions
  readonly #client: ChatClient
  readonly #sightings: Sightings
  readonly #unsubscribe: () => void
  readonly #underway = new Map<string, number>()
  #known: readonly Message[] = []
  #log: ChatClient['state']['log'] = null
  #wasOnline = false
  #lostAt: number | undefined

  constructor(options: CoreViewerOptions) {
    this.#options = options
    this.name = options.name
    this.#sightings = new Sightings(options.recorder, options.name)
    this.#client = new ChatClient({
      baseUrl: `http://127.0.0.1:${options.port}/chatbox`,
      getToken: async () => options.token,
      storage: createMemoryStorage(),
    })
    this.#unsubscribe = this.#client.subscribe(() => this.#onChange())
  }

  /** Connects and waits until the user's session is shown. */
  async open(): Promise<void> {
    this.#client.connect()
    const deadline = performance.now() + OPEN_TIMEOUT_MS
    while (!this.#client.state.log) {
      if (performance.now() > deadline) throw new Error(`${this.name} has no session`)
      await sleep(POLL_MS)
    }
  }

  get sessionId(): string {
    return this.#client.state.log?.session.id ?? ''
  }

  isOnline(): boolean {
    return this.#client.state.connection.status === 'online'
  }

  isAtRest(): boolean {
    return this.isOnline() && this.#lostAt === undefined
  }

  lastSeq(): number {
    return this.#client.state.log?.lastSeq ?? 0
  }

  shown(): FinalMessage[] {
    return this.#client.state.log?.messages.map(toFinalMessage) ?? []
  }

  /** The number of messages that are not acknowledged. */
  unsent(): number {
    return this.#client.state.unsent.length
  }

  /** Puts a message into the outbox, which sends it as often as needed, unless it is full. */
  send(value: string): void {
    const before = new Set(this.#client.state.unsent.map((item) => item.clientMessageId))
    // The invocation comes first, because sending starts at once.
    const id = this.#options.recorder.nextId()
    if (!this.#client.send(value)) return
    const item = this.#client.state.unsent.find((one) => !before.has(one.clientMessageId))
    if (!item) throw new Error('the outbox took a message and has none')
    const { clientMessageId } = item
    this.#underway.set(clientMessageId, id)
    const { sessionId } = this
    const { recorder, gateway } = this.#options
    const what = { sessionId, gateway, clientMessageId, value, resend: 0 }
    recorder.record({ ...this.#step(id), phase: 'invoke', ...what })
  }

  close(): void {
    const { recorder } = this.#options
    this.#unsubscribe()
    for (const id of this.#underway.values()) {
      recorder.record({ ...this.#step(id), phase: 'unknown', code: 'UNSENT' })
    }
    for (const replyId of this.#sightings.shownDrafts()) this.#sightings.endDraft(replyId)
    this.#client.close()
  }

  #step(id: number): { op: 'send'; process: string; id: number } {
    return { op: 'send', process: this.name, id }
  }

  #onChange(): void {
    const { state } = this.#client
    this.#noteConnection()
    if (state.log && state.log !== this.#log) {
      this.#log = state.log
      this.#sightings.sessionId = state.log.session.id
      this.#noteEntries(state.log.messages)
      this.#noteDrafts()
      this.#noteCaughtUp()
    }
    this.#noteSent()
  }

  #noteConnection(): void {
    const isOnline = this.isOnline()
    if (isOnline === this.#wasOnline) return
    this.#wasOnline = isOnline
    // A draining gateway still works; the connection is lost when it closes.
    if (this.#client.state.connection.status === 'draining') this.#wasOnline = true
    else if (isOnline && this.#lostAt !== undefined) {
      this.#sightings.onConnection('ready', this.#options.gateway)
    } else if (!isOnline && this.#log) {
      this.#lostAt ??= this.lastSeq()
      this.#sightings.onConnection('lost', this.#options.gateway)
    }
  }

  #noteCaughtUp(): void {
    const log = this.#log
    if (this.#lostAt === undefined || !this.isOnline() || log?.headSeq !== log?.lastSeq) return
    this.#sightings.onConnection('caught-up', this.#options.gateway, this.lastSeq() - this.#lostAt)
    this.#lostAt = undefined
  }

  #noteEntries(messages: readonly Message[]): void {
    const known = this.#known
    if (messages === known) return
    this.#known = messages
    const last = known.at(-1)
    // A shared entry tells a log that continues from a new one.
    const goesOn = last === undefined || messages[known.length - 1]?.id === last.id
    this.#sightings.onEntries(goesOn ? messages.slice(known.length) : messages)
  }

  #noteDrafts(): void {
    const drafts = this.#log?.drafts ?? []
    const shown = new Set(drafts.map(({ replyId }) => replyId))
    for (const replyId of this.#sightings.shownDrafts()) {
      if (!shown.has(replyId)) this.#sightings.endDraft(replyId)
    }
    for (const draft of drafts) this.#sightings.onDraft(draft)
  }

  #noteSent(): void {
    const { recorder } = this.#options
    if (this.#underway.size === 0) return
    const unsent = new Map(this.#client.state.unsent.map((item) => [item.clientMessageId, item]))
    for (const [clientMessageId, id] of this.#underway) {
      const item = unsent.get(clientMessageId)
      if (item && !item.failure) continue
      this.#underway.delete(clientMessageId)
      if (item?.failure)
        recorder.record({ ...this.#step(id), phase: 'fail', code: item.failure.code })
      else this.#recordSent(id, clientMessageId)
    }
  }

  /**
   * An item leaves the outbox when its acknowledgement is in the log, or waits until a gap is
   * closed.
   */
  #recordSent(id: number, clientMessageId: string): void {
    const { recorder } = this.#options
    const isIt = (message: Message): boolean => message.clientMessageId === clientMessageId
    const message = this.#log?.messages.findLast(isIt) ?? this.#log?.ahead.find(isIt)
    if (!message) {
      recorder.record({ ...this.#step(id), phase: 'unknown', code: 'NOT_SHOWN' })
      return
    }
    const { seq, content: value } = message
    recorder.record({ ...this.#step(id), phase: 'ok', messageId: message.id, seq, value })
  }
}
