import type {
  ActiveReply,
  ClientData,
  Message,
  Sender,
  Session,
  SessionEvent,
} from '@chatbox/contract'
import type { LogEvent } from './session-log.ts'

/** For tests: what a server would hold and send for one session, without a server. */
export class FakeServer {
  readonly sessionId: string
  readonly messages: Message[] = []
  readonly events: LogEvent[] = []
  reply: ActiveReply | null = null
  readonly #waiting: string[] = []
  readonly #texts = new Map<string, string>()
  #replies = 0

  constructor(sessionId = 's') {
    this.sessionId = sessionId
  }

  act(action: string): void {
    const { reply } = this
    if (action === 'ask') this.#ask()
    else if (action === 'start') this.#start(reply)
    else if (!reply || reply.attempt === 0) return
    else if (action === 'write') this.#write(reply)
    else if (action === 'end-attempt') this.#startAttempt({ ...reply, attempt: reply.attempt + 1 })
    else if (action === 'finish') this.#finish(reply)
  }

  open(afterSeq: number, limit: number): ClientData<'session:open'> {
    const rest = this.messages.slice(afterSeq)
    const session = { ...createSession(this.sessionId), lastSeq: this.messages.length }
    const messages = rest.slice(0, limit)
    return { session, messages, hasMore: rest.length > limit, reply: this.reply }
  }

  /** Everything that an attempt ever wrote. */
  textOf(replyId: string, attempt: number): string {
    return this.#texts.get(`${replyId}/${attempt}`) ?? ''
  }

  #next(): number {
    return this.messages.length + 1
  }

  #ask(): void {
    const { sessionId } = this
    this.#append(createMessage(this.#next(), { sessionId, id: `q${this.#next()}` }))
  }

  #append(message: Message): void {
    this.messages.push(message)
    this.events.push({ type: 'message', message })
    if (message.sender.type === 'user') this.#waiting.push(message.id)
  }

  #start(reply: ActiveReply | null): void {
    const replyTo = this.#waiting[0]
    if (reply || replyTo === undefined) return
    this.#replies += 1
    this.#startAttempt({ ...createReply(), replyId: `r${this.#replies}`, replyTo, attempt: 1 })
  }

  #startAttempt({ replyId, replyTo, modelId, attempt }: ActiveReply): void {
    this.reply = { replyId, replyTo, modelId, attempt, index: 0, text: '' }
    const start = { sessionId: this.sessionId, replyId, replyTo, modelId, attempt }
    this.events.push({ type: 'start', start })
  }

  #write(reply: ActiveReply): void {
    const { replyId, attempt, index } = reply
    const text = `${attempt}.${index} `
    this.reply = { ...reply, index: index + 1, text: reply.text + text }
    this.#texts.set(`${replyId}/${attempt}`, this.reply.text)
    const { sessionId } = this
    this.events.push({ type: 'delta', delta: { sessionId, replyId, attempt, index, text } })
  }

  #finish({ replyId, replyTo, text }: ActiveReply): void {
    this.reply = null
    this.#waiting.shift()
    const more = { sessionId: this.sessionId, id: replyId, replyTo, sender: 'ai' } as const
    const final = createMessage(this.#next(), more)
    this.#append({ ...final, content: text })
  }
}

export function createSession(id = 's'): Session {
  return {
    id,
    userId: 'u',
    userName: '',
    name: '',
    status: 'active',
    modelId: 'm',
    startedAt: '2026-01-01T00:00:00.000Z',
    lastActivityAt: '2026-01-01T00:00:00.000Z',
    endedAt: null,
    lastSeq: 0,
    messageCount: 0,
    help: null,
    assistedBy: null,
    adminAssisted: false,
    usage: { promptTokens: 0, completionTokens: 0, totalTokens: 0 },
    responseTimeMs: { avg: 0, max: 0 },
    shared: false,
  }
}

export function createReply(): ActiveReply {
  return { replyId: 'r', replyTo: 'q', modelId: 'm', attempt: 0, index: 0, text: '' }
}

export function createMessage(
  seq: number,
  more: { id?: string; sessionId?: string; replyTo?: string; sender?: Sender['type'] } = {},
): Message {
  const { id = `m${seq}`, sessionId = 's', replyTo, sender = 'user' } = more
  return {
    id,
    sessionId,
    seq,
    kind: 'text',
    sender: { type: sender, id: sender === 'user' ? 'u' : sender, name: '' },
    content: `entry ${seq}`,
    attachments: [],
    status: 'complete',
    createdAt: '2026-01-01T00:00:00.000Z',
    ...(replyTo === undefined ? {} : { replyTo }),
  }
}

export function createEvent(seq: number, event: SessionEvent): Message {
  return { ...createMessage(seq, { sender: 'system' }), kind: 'event', content: '', event }
}
