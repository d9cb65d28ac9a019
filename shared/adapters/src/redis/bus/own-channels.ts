import { randomBytes } from 'node:crypto'

/** Begins the name of a publisher. No room begins with it. */
const MARK = '~'
/** 32 random bits. Two publishers of one name would not hear each other. */
const NAME_BYTES = 4

/**
 * The channels of broadcasts, without the own ones. Redis sends a publisher its own messages too, and
 * to receive one only to drop it costs a third of a control message. Each publisher therefore
 * publishes under its name, and listens to all other names: a pattern for each place in which a
 * name may first differ.
 *
 * | Channel of the adapter | Published as           |
 * | ---------------------- | ---------------------- |
 * | `BASE`                 | `BASE~NAME~`           |
 * | `BASEROOM#`            | `BASE~NAME~ROOM#`      |
 *
 * Earlier versions publish to the adapter's channels, which are heard as well.
 */
export class OwnChannels {
  /** Each message of others matches one of them, and none of the own. */
  readonly othersPatterns: readonly string[]
  readonly #base: string
  readonly #own: string

  /** `base` begins every channel of the adapter. */
  constructor(base: string, name = randomBytes(NAME_BYTES).toString('hex')) {
    this.#base = base
    this.#own = `${base}${MARK}${name}${MARK}`
    const differing = Array.from(
      name,
      (digit, at) => `${base}${MARK}${name.slice(0, at)}[^${digit}]*`,
    )
    this.othersPatterns = [base, `${base}[^${MARK}]*`, ...differing]
  }

  /** Returns the channel under which to publish. Other channels than broadcasts' stay as they are. */
  toPublished(channel: string): string {
    return channel.startsWith(this.#base)
      ? `${this.#own}${channel.slice(this.#base.length)}`
      : channel
  }

  /** Returns the adapter's channel of one that was heard. */
  toHeard(channel: string): string {
    const from = this.#base.length
    if (!channel.startsWith(MARK, from)) return channel
    const to = channel.indexOf(MARK, from + 1)
    return to === -1 ? channel : `${this.#base}${channel.slice(to + 1)}`
  }
}
