import { percentile } from './percentile.ts'
import type { Sample } from '../compare/comparison.ts'

/** What one viewer sees of one reply of numbered tokens. */
export class TokenStream {
  #text = ''
  #lastAt = 0
  frames = 0
  firstMs = Number.NaN
  readonly gapsMs: number[] = []

  add(text: string): void {
    const now = performance.now()
    if (this.#text === '') this.firstMs = toAgeMs(text)
    else this.gapsMs.push(now - this.#lastAt)
    this.#lastAt = now
    this.#text += text
    this.frames += 1
  }

  /** Tokens that are there and in their place. */
  countTokens(): { delivered: number; misordered: number } {
    const tokens = this.#text.split(' ').slice(0, -1)
    const misordered = tokens.filter((token, index) => index > 0 && token !== String(index)).length
    return { delivered: tokens.length, misordered }
  }
}

/** The first token of a reply is the monotonic time, one for all processes, at which it was written. */
function toAgeMs(text: string): number {
  const [, stamp] = /^sent@(\d+)/.exec(text) ?? []
  return stamp === undefined ? Number.NaN : Number(process.hrtime.bigint() - BigInt(stamp)) / 1e6
}

export function toStreamSample(streams: readonly TokenStream[], tokens: number): Sample {
  const counts = streams.map((stream) => stream.countTokens())
  const sum = (values: number[]): number => values.reduce((total, value) => total + value, 0)
  const delivered = sum(counts.map((count) => count.delivered))
  const sent = streams.length * tokens
  const first = streams.map((stream) => stream.firstMs)
  return {
    sent,
    delivered,
    lost: Math.max(0, sent - delivered),
    duplicates: Math.max(0, delivered - sent),
    misordered: sum(counts.map((count) => count.misordered)),
    'first token p50': percentile(first, 0.5),
    'first token p99': percentile(first, 0.99),
    'frame gap p99': percentile(
      streams.flatMap((stream) => stream.gapsMs),
      0.99,
    ),
    frames: sum(streams.map((stream) => stream.frames)) / streams.length,
  }
}
