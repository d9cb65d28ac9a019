import { idSchema, type BusEvent, type ReplyDelta } from '@chatbox/contract'
import type { AdapterHooks, Draft, EventBus, Unsubscribe } from '@chatbox/core'
import { LATER_EVENT, parseBusEvent } from '../../common/live-events.ts'
import type { Cipher } from '../../sealed/key-ring.ts'
import { createListeners, tooManyListeners, type Listeners } from '../../common/listeners.ts'
import { closeClient, gatherWrites, type RedisClient } from '../client/connection.ts'
import type { Guard } from '../client/guard.ts'
import type { RedisKeys } from '../client/keys.ts'
import type { Republisher } from './republisher.ts'
import { createScratchpad, type Scratchpad } from './scratchpad.ts'
import { Subscriptions } from './subscriptions.ts'

const COMMAND_TIMEOUT_MS = 500
const MAX_LISTENERS = 50_000
const GAP = 'gap'

interface BusParts {
  commands: RedisClient
  /** This bus's own connection; it closes it. */
  subscriber: RedisClient
  guard: Guard
  republisher: Republisher
  keys: RedisKeys
  cipher: Cipher
  hooks: AdapterHooks
}

/** One channel a session and one for stops, published in the clear; drafts rest sealed. */
export class RedisEventBus implements EventBus {
  readonly #parts: BusParts
  readonly #pad: Scratchpad
  readonly #subscriptions: Subscriptions
  readonly #sessions: Listeners<BusEvent>
  readonly #stops: Listeners<string>
  readonly #gaps: Listeners<undefined>

  constructor(parts: BusParts) {
    const { commands, subscriber, keys, cipher, hooks } = parts
    this.#parts = parts
    this.#pad = createScratchpad(commands, keys, cipher)
    this.#sessions = createListeners(hooks, MAX_LISTENERS)
    this.#stops = createListeners(hooks, MAX_LISTENERS)
    this.#gaps = createListeners(hooks, MAX_LISTENERS)
    this.#subscriptions = new Subscriptions(subscriber, () => this.tellOfGap())
    subscriber.on('message', (channel: string, text: string) => this.#onMessage(channel, text))
  }

  async publish(sessionId: string, event: BusEvent): Promise<void> {
    const channel = this.#parts.keys.sessionChannel(sessionId)
    const text = JSON.stringify(event)
    if (await this.#send(channel, text)) return
    this.#parts.republisher.add(event.event, channel, text)
  }

  async publishDelta(delta: ReplyDelta, textSoFar: () => string): Promise<'published' | 'fenced'> {
    const { commands, guard, hooks, keys } = this.#parts
    gatherWrites(commands)
    const payload = JSON.stringify({ event: 'reply:delta', payload: delta } satisfies BusEvent)
    const channel = keys.sessionChannel(delta.sessionId)
    try {
      const appended = await guard(COMMAND_TIMEOUT_MS, () =>
        this.#pad.append(delta, channel, payload),
      )
      if (appended === 'fenced') return 'fenced'
      if (appended === 'unfit') {
        await guard(COMMAND_TIMEOUT_MS, () => this.#pad.fold(delta, textSoFar()))
      }
    } catch {
      hooks.onPublishFailed()
    }
    return 'published'
  }

  async readDraft(sessionId: string, replyId: string): Promise<Draft | undefined> {
    const { guard, hooks } = this.#parts
    try {
      return await guard(COMMAND_TIMEOUT_MS, () => this.#pad.read(sessionId, replyId))
    } catch (error) {
      hooks.onError('scratchpad', error)
      return undefined
    }
  }

  async dropDraft(_sessionId: string, replyId: string): Promise<void> {
    // A draft that stays behind expires.
    await this.#parts
      .guard(COMMAND_TIMEOUT_MS, () => this.#pad.drop(replyId))
      .catch(() => undefined)
  }

  subscribe(sessionId: string, listener: (event: BusEvent) => void): Promise<Unsubscribe> {
    return this.#listen(this.#sessions, this.#parts.keys.sessionChannel(sessionId), listener)
  }

  async publishStop(replyId: string): Promise<void> {
    await this.#send(this.#parts.keys.stopChannel, replyId)
  }

  onStop(listener: (replyId: string) => void): Promise<Unsubscribe> {
    return this.#listen(this.#stops, this.#parts.keys.stopChannel, listener)
  }

  onGap(listener: () => void): void {
    this.#gaps.add(GAP, listener)
  }

  /** Also for a gap in what else brings events from Redis. */
  tellOfGap(): void {
    this.#parts.hooks.onGap()
    this.#gaps.tell(GAP, undefined)
  }

  async ping(): Promise<void> {
    const { guard, commands } = this.#parts
    await guard(COMMAND_TIMEOUT_MS, () => commands.ping())
  }

  async close(): Promise<void> {
    this.#subscriptions.stop()
    await closeClient(this.#parts.subscriber)
  }

  async #listen<T>(
    listeners: Listeners<T>,
    channel: string,
    listener: (value: T) => void,
  ): Promise<Unsubscribe> {
    const remove = listeners.add(channel, listener)
    if (!remove) throw tooManyListeners()
    await this.#subscriptions.add(channel)
    return async () => {
      remove()
      if (!listeners.has(channel)) await this.#subscriptions.remove(channel)
    }
  }

  /** Whether it went out for sure. */
  async #send(channel: string, text: string): Promise<boolean> {
    const { guard, commands, hooks } = this.#parts
    try {
      await guard(COMMAND_TIMEOUT_MS, () => commands.publish(channel, text))
      return true
    } catch {
      hooks.onPublishFailed()
      return false
    }
  }

  #onMessage(channel: string, text: string): void {
    const { keys, hooks } = this.#parts
    if (channel === keys.stopChannel) {
      const replyId = idSchema.safeParse(text)
      if (replyId.success) this.#stops.tell(channel, replyId.data)
      else hooks.onPayloadRefused('stop', {})
      return
    }
    const sessionId = keys.sessionOfChannel(channel)
    const event = parseBusEvent(text, sessionId)
    if (!event) hooks.onPayloadRefused('bus', { sessionId })
    else if (event !== LATER_EVENT) this.#sessions.tell(channel, event)
  }
}
