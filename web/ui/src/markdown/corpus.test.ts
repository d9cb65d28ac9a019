import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals'
import type * as Growing from './growing-text.ts'
import { installPageDom } from './page-dom.test.support.ts'
import type * as Rendering from './render-markdown.ts'
import { readCorpus } from './read-corpus.test.support.ts'

const EVERY_LINK = ' target="_blank" rel="noopener noreferrer nofollow"'
/** Blocks at the end that later text may change. */
const OPEN_BLOCKS = 2
const corpus = readCorpus()

describe('the corpus of answers', () => {
  let renderMarkdown: typeof Rendering.renderMarkdown
  let GrowingText: typeof Growing.GrowingText
  let container: HTMLElement
  let closeDom: () => void

  beforeAll(async () => {
    closeDom = installPageDom()
    ;({ renderMarkdown } = await import('./render-markdown.ts'))
    ;({ GrowingText } = await import('./growing-text.ts'))
    // Time stands still, so that each piece is rendered at once.
    jest.spyOn(performance, 'now').mockReturnValue(0)
  })

  afterAll(() => closeDom())

  beforeEach(() => {
    container = document.createElement('div')
  })

  it('has at least 60 answers in 8 languages', () => {
    expect(corpus.length).toBeGreaterThanOrEqual(60)
    expect(new Set(corpus.map(({ name }) => name.slice(0, 2))).size).toBeGreaterThanOrEqual(8)
    expect(new Set(corpus.map(({ name }) => name)).size).toBe(corpus.length)
  })

  it.each(corpus)('shows $name', ({ text, html }) => {
    container.append(renderMarkdown(text).nodes)
    expect(container.innerHTML.replaceAll(EVERY_LINK, '').trim()).toBe(html)
  })

  it.each(corpus.map((answer, index) => ({ ...answer, seed: index + 1 })))(
    'shows the same if written in pieces: $name',
    ({ text, seed }) => {
      const whole = document.createElement('div')
      whole.append(renderMarkdown(text).nodes)
      const growing = new GrowingText(container)
      const settled: Element[] = []
      for (const length of cut(text, seed)) {
        growing.grow(text.slice(0, length))
        expect(findOther(settled)).toBeUndefined()
        settled.push(...[...container.children].slice(settled.length, -OPEN_BLOCKS))
      }
      const shown = [...container.children]
      growing.finish(text)
      expect(findOther(shown)).toBeUndefined()
      expect(container.isEqualNode(whole) || container.innerHTML).toBe(true)
    },
  )

  /** Finds a block that is not at its place any more. */
  function findOther(blocks: Element[]): string | undefined {
    return blocks.find((block, index) => container.children[index] !== block)?.outerHTML
  }
})

/** Lengths of a text that is written in pieces of 1 to 12 characters. */
function cut(text: string, seed: number): number[] {
  const lengths: number[] = []
  let random = seed
  for (let length = 0; length < text.length;) {
    random = (random * 48271) % 2147483647
    length = Math.min(text.length, length + 1 + (random % 12))
    lengths.push(length)
  }
  return lengths
}
