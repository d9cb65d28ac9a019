import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { OwnChannels } from './own-channels.ts'

const BASE = 'chatbox:io#/#'

/** As Redis matches the patterns that occur here. */
function matches(pattern: string, channel: string): boolean {
  const source = pattern.replaceAll(/\[\^(.)\]|\*|[^*[\]\w]/gu, (part, differing?: string) =>
    differing === undefined ? (part === '*' ? '.*' : `\\${part}`) : `[^${differing}]`,
  )
  return new RegExp(`^${source}$`, 's').test(channel)
}

const count = (listener: OwnChannels, channel: string): number =>
  listener.othersPatterns.filter((pattern) => matches(pattern, channel)).length

const name = fc.stringMatching(/^[0-9a-f]{8}$/u)
const room = fc.constantFrom('', 'session:a#', 'user:~x~#', 'user:a~b#', '0#')

describe('OwnChannels', () => {
  it('are heard once by every other publisher and not by their own', () => {
    fc.assert(
      fc.property(name, name, room, (here, there, suffix) => {
        fc.pre(here !== there)
        const [one, two] = [new OwnChannels(BASE, here), new OwnChannels(BASE, there)]
        const published = one.toPublished(`${BASE}${suffix}`)
        expect([count(one, published), count(two, published)]).toEqual([0, 1])
        expect(two.toHeard(published)).toBe(`${BASE}${suffix}`)
      }),
    )
  })

  it('also hear names that differ in the last place alone', () => {
    const published = new OwnChannels(BASE, '0000000a').toPublished(BASE)
    expect(count(new OwnChannels(BASE, '0000000b'), published)).toBe(1)
  })

  it('hear once what earlier versions publish, and leave its channel', () => {
    const own = new OwnChannels(BASE)
    for (const channel of [BASE, `${BASE}session:a#`, `${BASE}user:a~b#`]) {
      expect([count(own, channel), own.toHeard(channel)]).toEqual([1, channel])
    }
  })

  it('leave other channels alone', () => {
    const channel = 'chatbox:io-request#/#'
    expect(new OwnChannels(BASE).toPublished(channel)).toBe(channel)
  })
})
