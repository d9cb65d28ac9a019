import { idSchema, type BusEvent, type ReplyDelta } from '@chatbox/contract'
import type { Draft, DraftPlace, EventBus, Unsubscribe } from '@chatbox/core'
import { Listeners } from '../../common/listeners.ts'
import { LATER_EVENT } from '../../common/live-events.ts'
import { gatherWrites } from '../client/connection.ts'
import type { RedisContext } from '../client/context.ts'
import { RedisDrafts } from './redis-drafts.ts'
import type { Republisher } from './republisher.ts'
import { SealedEvents } from './sealed-events.ts'
import { Subscriptions } from './subscriptions.ts'

const COMMAND_TIMEOUT_MS = 500
const GAP = 'gap'

/**
 * Uses one channel per session and one for stops. What is published and the drafts are sealed.
 */
export class RedisEventBus implements EventBus {
  readonly #redis: RedisContext
  readonly #republisher: Republisher
  readonly #sealed: SealedEvents
  readonly #drafts: RedisDrafts
  readonly #subscriptions: Subscriptions
  readonly #sessions: Listeners<BusEvent>
  readonly #stops: Listeners<string>
  readonly #gaps: Listeners<undefined>

  constructor(redis: RedisContext, republisher: Republisher) {
    this.#redis = redis
    this.#republisher = republisher
    this.#sealed = new SealedEvents(redis.cipher)
    this.#drafts = new RedisDrafts(redis, this.#sealed)
    this.#sessions = new Listeners(redis.hooks)
    this.#stops = new Listeners(redis.hooks)
    this.#gaps = new Listeners(redis.hooks)
    this.#subscriptions = new Subscriptions(redis.open('subscriptions'), () => this.tellOfGap())
    this.#subscriptions.client.on('message', (channel: string, text: string) =>
      this.#onMessage(channel, text),
    )
  }

  async publish(sessionId: string, event: BusEvent): Promise<void> {
    const channel = this.#redis.keys.sessionChannel(sessionId)
    const text = this.#sealed.sealEvent(sessionId, event)
    if (await this.#send(channel, text)) return
    this.#republisher.add(event.event, channel, text)
  }

  async publishDelta(delta: ReplyDelta, textSoFar: () => string): Promise<'published' | 'fenced'> {
    const { commands, hooks } = this.#redis
    gatherWrites(commands)
    try {
      const appended = await this.#ask(() => this.#drafts.append(delta))
      if (appended === 'fenced') return 'fenced'
      if (appended === 'unfit') await this.#ask(() => this.#drafts.fold(delta, textSoFar()))
    } catch {
      hooks.onPublishFailed()
    }
    return 'published'
  }

  async readDraft(sessionId: string, replyId: string): Promise<Draft | undefined> {
    return this.#orNone(() => this.#drafts.read(sessionId, replyId))
  }

  async #orNone(ask: () => Promise<Draft | undefined>): Promise<Draft | undefined> {
    try {
      return await this.#ask(ask)
    } catch (error) {
      this.#redis.hooks.onError('draft', error)
      return undefined
    }
  }

  async dropDraft(place: DraftPlace): Promise<void> {
    // A draft that is not removed expires.
    await this.#ask(() => this.#drafts.drop(place)).catch(() => undefined)
  }

  takeDraft(place: DraftPlace): Promise<Draft | undefined> {
    return this.#orNone(() => this.#drafts.take(place))
  }

  subscribe(sessionId: string, listener: (event: BusEvent) => void): Promise<Unsubscribe> {
    return this.#listen(this.#sessions, this.#redis.keys.sessionChannel(sessionId), listener)
  }

  async publishStop(replyId: string): Promise<void> {
    await this.#send(this.#redis.keys.stopChannel, this.#sealed.sealStop(replyId))
  }

  onStop(listener: (replyId: string) => void): Promise<Unsubscribe> {
    return this.#listen(this.#stops, this.#redis.keys.stopChannel, listener)
  }

  onGap(listener: () => void): void {
    this.#gaps.add(GAP, listener)
  }

  /** Also called for a gap in other event sources on Redis. */
  tellOfGap(): void {
    this.#redis.hooks.onGap()
    this.#gaps.tell(GAP, undefined)
  }

  close(): Promise<void> {
    return this.#subscriptions.close()
  }

  async #listen<T>(
    listeners: Listeners<T>,
    channel: string,
    listener: (value: T) => void,
  ): Promise<Unsubscribe> {
    const remove = listeners.add(channel, listener)
    await this.#subscriptions.add(channel)
    return async () => {
      remove()
      if (!listeners.has(channel)) await this.#subscriptions.remove(channel)
    }
  }

  #ask<T>(command: () => Promise<T>): Promise<T> {
    return this.#redis.guard(COMMAND_TIMEOUT_MS, command)
  }

  /** Returns whether it was certainly published. */
  async #send(channel: string, text: string): Promise<boolean> {
    try {
      await this.#ask(() => this.#redis.commands.publish(channel, text))
      return true
    } catch {
      this.#redis.hooks.onPublishFailed()
      return false
    }
  }

  #onMessage(channel: string, text: string): void {
    const { keys, hooks } = this.#redis
    if (channel === keys.stopChannel) {
      const replyId = idSchema.safeParse(this.#sealed.openStop(text))
      if (replyId.success) this.#stops.tell(channel, replyId.data)
      else hooks.onPayloadRefused('stop', {})
      return
    }
    const sessionId = keys.sessionOfChannel(channel)
    const event = this.#sealed.openEvent(sessionId, text)
    if (!event) hooks.onPayloadRefused('bus', { sessionId })
    else if (event !== LATER_EVENT) this.#sessions.tell(channel, event)
  }
}
