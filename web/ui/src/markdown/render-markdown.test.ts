import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { installPageDom } from './page-dom.test.support.ts'
import type * as Grammar from './grammar.ts'
import type * as Rendering from './render-markdown.ts'

type Exec = (this: RegExp, read: string) => RegExpExecArray | null
type Search = (this: string, pattern: RegExp) => number

let toPlainText: typeof Rendering.toPlainText
let parseMarkdown: typeof Grammar.parseMarkdown
let closeDom: () => void

beforeAll(async () => {
  closeDom = installPageDom()
  ;({ toPlainText } = await import('./render-markdown.ts'))
  ;({ parseMarkdown } = await import('./grammar.ts'))
})

afterAll(() => closeDom())

describe('a text that is read out', () => {
  it.each([
    ['[bank.example](https://evil.example/)', 'bank.example (evil.example)'],
    [
      '**[bank\u034F.example](https://evil.example/)** now',
      'bank\u034F.example (evil.example) now',
    ],
    ['[write](mailto:a@b.example?bcc=c@b.example)', 'write (a@b.example, c@b.example)'],
    ['[shop.example](https://shop.example/)', 'shop.example'],
    [
      '[two](data:x) and `[code](https://evil.example)`',
      'two (data:x) and [code](https://evil.example)',
    ],
  ])('says where its links lead: %s', (text, spoken) => {
    expect(toPlainText(text)).toBe(spoken)
  })
})

describe('the work on a text', () => {
  it.each([
    ['addresses without a space between', 'https://a.example、'],
    ['addresses after letters', '中www.a.example、'],
    ['no address after letters', '中www.中'],
    ['short parts and no address', 'a*b '],
    ['addresses with a space between', 'https://a.example/b_c '],
    ['mail addresses', 'a@b.example '],
    ['one long address', 'https://a.example/'.concat('x'.repeat(300))],
  ])('grows no faster than the text: %s', (_what, part) => {
    const [one, two] = [15_000, 30_000].map((length) => countWork(part, length))
    expect(one).toBeGreaterThan(0)
    expect(two).toBeLessThan(2.5 * (one ?? 0))
  })

  /** Counts the characters that were matched, and those that were searched, found or not. */
  function countWork(part: string, length: number): number {
    const text = part.repeat(Math.ceil(length / part.length))
    let work = 0
    const exec = Object.getOwnPropertyDescriptor(RegExp.prototype, 'exec')?.value as Exec
    const search = Object.getOwnPropertyDescriptor(String.prototype, 'search')?.value as Search
    try {
      RegExp.prototype.exec = function (read) {
        const match = exec.call(this, read)
        work += match?.[0].length ?? 0
        return match
      }
      String.prototype.search = function (this: string, pattern: RegExp) {
        work += this.length
        return search.call(this, pattern)
      }
      parseMarkdown(text)
    } finally {
      Object.assign(RegExp.prototype, { exec })
      Object.assign(String.prototype, { search })
    }
    return work
  }
})
