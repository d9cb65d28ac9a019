import { randomBytes } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createKeyRing, SealError, toContext } from './key-ring.ts'

const newKey = (id: string) => ({ id, key: new Uint8Array(randomBytes(32)) })
const first = newKey('k1')
const second = newKey('k2')
const ring = createKeyRing([first, second])
const context = toContext('entry', 'session', 'message')
const anyText = fc.string({ unit: 'grapheme', maxLength: 200 })

describe('createKeyRing', () => {
  it('opens what it sealed', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(ring.open(ring.seal(text, context), context)).toBe(text)
      }),
    )
  })

  it('shows nothing of the text and never seals it twice alike', () => {
    const sealed = ring.seal('a marker that is easy to find', context)
    expect(sealed).not.toContain('marker')
    expect(Buffer.from(sealed.split('.')[2] ?? '', 'base64url').toString('latin1')).not.toContain(
      'marker',
    )
    expect(ring.seal('a marker that is easy to find', context)).not.toBe(sealed)
  })

  it('encrypts with the first key and opens under every key', () => {
    const old = createKeyRing([second]).seal('from before', context)
    expect(ring.open(old, context)).toBe('from before')
    expect(ring.seal('now', context)).toMatch(/^1\.k1\./)
  })

  it('says that a key is unknown', () => {
    const foreign = createKeyRing([newKey('k9')]).seal('text', context)
    expect(() => ring.open(foreign, context)).toThrow(
      expect.objectContaining({ reason: 'unknown-key' }),
    )
  })

  it('does not open under the same id with another key', () => {
    const foreign = createKeyRing([newKey('k1')]).seal('text', context)
    expect(() => ring.open(foreign, context)).toThrow(SealError)
  })

  it('does not open one value under the id of a second, equal key', () => {
    const twins = createKeyRing([first, { id: 'twin', key: first.key }])
    const sealed = twins.seal('text', context)
    expect(() => twins.open(sealed.replace('.k1.', '.twin.'), context)).toThrow(SealError)
  })

  it('refuses any flipped bit, wherever it is', () => {
    const sealed = Buffer.from(ring.seal('some text', context))
    fc.assert(
      fc.property(fc.nat(sealed.length * 8 - 1), (bit) => {
        const flipped = Buffer.from(sealed)
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(() => ring.open(flipped.toString('latin1'), context)).toThrow(SealError)
      }),
      { numRuns: sealed.length * 8 },
    )
  })

  it('refuses any truncation and any addition', () => {
    const sealed = ring.seal('some text', context)
    for (let length = 0; length < sealed.length; length++) {
      expect(() => ring.open(sealed.slice(0, length), context)).toThrow(SealError)
    }
    for (const more of ['A', '.', '=', '\n', '.AAAA']) {
      expect(() => ring.open(sealed + more, context)).toThrow(SealError)
    }
  })

  it('refuses a value in another place', () => {
    fc.assert(
      fc.property(anyText, fc.string(), fc.string(), (text, here, there) => {
        fc.pre(here !== there)
        expect(() => ring.open(ring.seal(text, here), there)).toThrow(SealError)
      }),
    )
  })

  it('refuses anything that it did not write, with its own error', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((s) => `1.k1.${s}`),
        ),
        (value) => {
          expect(() => ring.open(value, context)).toThrow(SealError)
        },
      ),
    )
  })

  it.each([
    ['no key', []],
    ['a doubled id', [first, first]],
    ['a short key', [{ id: 'k', key: new Uint8Array(16) }]],
    ['a malformed id', [newKey('k.1')]],
  ])('refuses a ring with %s', (_, keys) => {
    expect(() => createKeyRing(keys)).toThrow()
  })
})

describe('the frames of a key ring', () => {
  const opening = Buffer.from('in the clear ')
  const from = opening.length
  const frames = ring.frames(context)
  const reasonOf = (bytes: Buffer, inFrames = frames): unknown => {
    try {
      return inFrames.open(bytes, from)
    } catch (error) {
      return error instanceof SealError ? error.reason : error
    }
  }

  it('open what they sealed, behind an opening in the clear', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const sealed = frames.seal(text, opening)
        expect(sealed.subarray(0, from)).toEqual(opening)
        expect([frames.isFrame(sealed, from), frames.open(sealed, from)]).toEqual([true, text])
      }),
    )
  })

  it('show nothing of the text, and never seal it twice alike', () => {
    const sealed = frames.seal('a marker that is easy to find', opening)
    expect(sealed.toString('latin1')).not.toContain('marker')
    expect(frames.seal('a marker that is easy to find', opening)).not.toEqual(sealed)
  })

  it('open under every key of the ring, and say that another is unknown', () => {
    const old = createKeyRing([second]).frames(context).seal('from before', opening)
    expect(frames.open(old, from)).toBe('from before')
    const foreign = (id: string) =>
      createKeyRing([newKey(id)])
        .frames(context)
        .seal('x', opening)
    expect(reasonOf(foreign('k9'))).toBe('unknown-key')
    expect(reasonOf(foreign('k1'))).toBe('damaged')
    // An id that begins like another is another.
    expect(reasonOf(foreign('k11'))).toBe('unknown-key')
  })

  it('do not open under the id of a second, equal key', () => {
    const twins = createKeyRing([first, { id: 'k3', key: first.key }]).frames(context)
    const sealed = twins.seal('text', opening)
    const renamed = Buffer.from(sealed.toString('latin1').replace('k1', 'k3'), 'latin1')
    expect(reasonOf(sealed, twins)).toBe('text')
    expect(reasonOf(renamed, twins)).toBe('damaged')
  })

  it('refuse any flipped bit, any truncation and any addition', () => {
    const sealed = frames.seal('some text', opening)
    for (let bit = from * 8; bit < sealed.length * 8; bit++) {
      const flipped = Buffer.from(sealed)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(reasonOf(flipped)).toMatch(/^(damaged|unknown-key)$/u)
    }
    for (let length = 0; length < sealed.length; length++) {
      expect(reasonOf(sealed.subarray(0, length))).toMatch(/^(damaged|unknown-key)$/u)
    }
    expect(reasonOf(Buffer.concat([sealed, Buffer.from('A')]))).toBe('damaged')
  })

  it('refuse what was sealed in another context, or for a text', () => {
    expect(reasonOf(ring.frames('elsewhere').seal('text', opening))).toBe('damaged')
    const text = Buffer.concat([opening, Buffer.from(ring.seal('text', context))])
    expect([frames.isFrame(text, from), reasonOf(text)]).toEqual([false, 'damaged'])
    const bytes = frames.seal('text', Buffer.alloc(0))
    expect(() => ring.open(bytes.toString('latin1'), context)).toThrow(SealError)
    const reframed = `1.k1.${bytes.subarray(4).toString('base64url')}`
    expect(() => ring.open(reframed, context)).toThrow(SealError)
  })

  it('never use a nonce twice, together with the texts', () => {
    const nonces = Array.from({ length: 2000 }, (_, index) =>
      index % 2 === 0
        ? frames.seal('', Buffer.alloc(0)).toString('latin1', 4, 16)
        : Buffer.from(ring.seal('', context).slice(5), 'base64url').toString('latin1', 0, 12),
    )
    expect(new Set(nonces).size).toBe(2000)
  })
})
