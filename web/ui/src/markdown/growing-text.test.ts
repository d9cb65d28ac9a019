import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals'
import type * as Growing from './growing-text.ts'
import { installPageDom } from './page-dom.test.support.ts'

describe('a growing text', () => {
  let GrowingText: typeof Growing.GrowingText
  let closeDom: () => void
  let container: HTMLElement
  let growing: Growing.GrowingText

  beforeAll(async () => {
    closeDom = installPageDom()
    ;({ GrowingText } = await import('./growing-text.ts'))
  })

  afterAll(() => closeDom())

  beforeEach(() => {
    jest.spyOn(performance, 'now').mockReturnValue(0)
    container = document.createElement('div')
    growing = new GrowingText(container)
  })

  afterEach(() => {
    growing.close()
    jest.restoreAllMocks()
  })

  it('makes each block once, so that its cost follows the length', () => {
    const made = countAdded()
    const block = 'A **paragraph**.\n\n'
    for (let count = 1; count <= 60; count += 1) {
      growing.grow(block.repeat(count).trimEnd())
      growing.grow(block.repeat(count))
    }
    growing.finish(block.repeat(60))
    expect(container.querySelectorAll('strong')).toHaveLength(60)
    expect(made('P')).toBe(60)
    expect(made('STRONG')).toBe(60)
  })

  it('keeps a block of code, its button and what is selected in it, while it grows', () => {
    growing.grow('```sh\necho o')
    const nodes = [...container.querySelectorAll('pre, code, button')]
    const [button, , code] = nodes as [Element, Element, Element]
    const text = code.firstChild as Text
    const selection = document.createRange()
    selection.setStart(text, 1)
    selection.setEnd(text, 6)
    button.textContent = 'Copied'
    growing.grow('```sh\necho one\necho two\n```\n\nDone: ')
    growing.finish('```sh\necho one\necho two\n```\n\nDone: **well**')
    expect([...container.querySelectorAll('pre, code, button')].every(isOneOf(nodes))).toBe(true)
    expect(code.textContent).toBe('echo one\necho two\n')
    expect(selection.toString()).toBe('cho o')
    expect(button.textContent).toBe('Copied')
  })

  it('keeps a paragraph above a list while the first dash of the list could be a heading', () => {
    growing.grow('Before:')
    const paragraph = container.firstChild
    for (const end of ['\n-', '\n--', '\n- ', '\n- one']) growing.grow(`Before:${end}`)
    expect(container.firstChild).toBe(paragraph)
    expect(paragraph?.textContent).toBe('Before:')
  })

  it('takes a later number into the list above, across a blank line', () => {
    for (const text of ['1. one\n\n', '1. one\n\n2', '1. one\n\n2.', '1. one\n\n2. two']) {
      growing.grow(text)
    }
    growing.grow('1. one\n\n2. two\n\nEnd. ')
    expect(Array.from(container.children, ({ tagName }) => tagName)).toEqual(['OL', 'P'])
    expect(container.querySelectorAll('li')).toHaveLength(2)
  })

  it('links to an address that comes later, within the same paragraph', () => {
    growing.grow('See [terms].\n\nMore.\n\nStill more.\n\n')
    const [paragraph] = container.children
    growing.finish('See [terms].\n\nMore.\n\nStill more.\n\n[terms]: https://shop.example/t')
    expect(container.firstChild).toBe(paragraph)
    expect(paragraph?.querySelector('a')?.href).toBe('https://shop.example/t')
  })

  it('shows no comment while it is written, and one without end at the end', () => {
    for (const text of ['One.\n\n<!-- a\n\nb', 'One.\n\n<!-- a\n\nb -->\n\nTwo.']) {
      growing.grow(text)
      expect(container.textContent).not.toMatch(/[ab]/)
    }
    growing.finish('One.\n\n<!-- a')
    expect(container.textContent).toContain('<!-- a')
  })

  it('settles blocks of a text whose lines end as on Windows', () => {
    const made = countAdded()
    for (let count = 1; count <= 10; count += 1) growing.grow('A line.\r\n\r\n'.repeat(count))
    expect(made('P')).toBe(10)
    expect(container.children).toHaveLength(10)
  })

  it('starts again if another attempt replaces the text', () => {
    growing.grow('# First\n\nattempt\n\nof\n\nmany')
    growing.grow('## Second\n\ntry')
    expect(container.textContent.trim().split(/\s+/)).toEqual(['Second', 'try'])
    expect(container.firstElementChild?.tagName).toBe('H2')
  })

  it('renders at most a fifth of the time, and the last text after that', () => {
    jest.useFakeTimers()
    const now = jest.spyOn(performance, 'now')
    now.mockReturnValueOnce(0).mockReturnValueOnce(0).mockReturnValue(50)
    growing.grow('one')
    growing.grow('one two')
    growing.grow('one two three')
    expect(container.textContent.trim()).toBe('one')
    jest.advanceTimersByTime(200)
    expect(container.textContent.trim()).toBe('one two three')
    jest.useRealTimers()
  })

  /** Counts nodes that are added to the container from now on. */
  function countAdded(): (tagName: string) => number {
    const tags: string[] = []
    const add = (records: MutationRecord[]): void => {
      for (const { addedNodes } of records) {
        for (const node of addedNodes) {
          if (!(node instanceof Element)) continue
          tags.push(node.tagName, ...Array.from(node.querySelectorAll('*'), (one) => one.tagName))
        }
      }
    }
    const observer = new MutationObserver(add)
    observer.observe(container, { childList: true, subtree: true })
    return (tagName) => {
      add(observer.takeRecords())
      return tags.filter((tag) => tag === tagName).length
    }
  }
})

function isOneOf<T>(list: readonly T[]): (one: T) => boolean {
  return (one) => list.includes(one)
}
