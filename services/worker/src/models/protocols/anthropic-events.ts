import { z } from 'zod'
import { toHiddenText } from '../meaning/hidden-text.ts'
import { toCount, type Meaning, type MeaningReader } from '../meaning/meaning.ts'
import { parseEvent } from '../transport/provider-error.ts'

/** Only what holds text is checked. */
const blockSchema = z.looseObject({ type: z.string(), text: z.string().nullish() })
const partSchema = z.object({ index: z.unknown().optional(), content_block: blockSchema })
const deltaSchema = z.object({ index: z.unknown().optional(), delta: blockSchema })
const wholeSchema = z.object({ content: z.array(blockSchema).default([]) })

/** Known events that say nothing of the reply. */
const SILENT: ReadonlySet<string> = new Set(['content_block_stop', 'ping'])

/**
 * Reads the events of the Messages API. Others are possible: the API may add kinds without a new
 * version.
 */
export function createAnthropicReader(): MeaningReader {
  const text = new TextBlocks()

  function readEvent(type: string, json: object): Meaning[] {
    switch (type) {
      case 'message_start':
        return [readPrompt(field(field(json, 'message'), 'usage'))]
      case 'content_block_start': {
        const { index, content_block: block } = parseEvent(partSchema, json)
        return text.read(block, index)
      }
      case 'content_block_delta': {
        const { index, delta } = parseEvent(deltaSchema, json)
        return text.read(delta, index)
      }
      case 'message_delta':
        return [
          ...readUsage(field(json, 'usage')),
          ...readReason(field(field(json, 'delta'), 'stop_reason')),
        ]
      case 'message_stop':
        return [{ type: 'done' }]
      default:
        return SILENT.has(type) ? [] : [{ type: 'unknown' }]
    }
  }

  return {
    read: (json, name) => {
      const type = field(json, 'type')
      return readEvent(typeof type === 'string' ? type : name, json)
    },
    readWhole: (json) => {
      const { content } = parseEvent(wholeSchema, json)
      return [
        ...content.flatMap((block, index) => text.read(block, index)),
        ...readUsage(field(json, 'usage')),
        ...readReason(field(json, 'stop_reason')),
      ]
    },
  }
}

type Block = z.infer<typeof blockSchema>

/**
 * The blocks of text of one reply. Two of them are two paragraphs, unless the provider has split a
 * sentence to quote its sources.
 */
class TextBlocks {
  #last: { index: unknown; text: string } | undefined
  #isCited = false

  read(block: Block, index: unknown): Meaning[] {
    this.#isCited ||= block.type === 'citations_delta' || Array.isArray(block.citations)
    if (block.type !== 'text' && block.type !== 'text_delta') {
      return [{ type: 'thinking', text: toHiddenText(block) }]
    }
    if (!block.text) return []
    const text = this.#toGap(block.text, index) + block.text
    this.#last = { index, text }
    return [{ type: 'text', text }]
  }

  #toGap(text: string, index: unknown): string {
    if (!this.#last || this.#last.index === index || this.#isCited) return ''
    return /\s$/u.test(this.#last.text) || /^\s/u.test(text) ? '' : '\n\n'
  }
}

/** Returns what the prompt cost. Some servers send zero at the beginning and count at the end. */
function readPrompt(usage: unknown): Meaning {
  const input = toCount(field(usage, 'input_tokens'))
  const cached = ['cache_creation_input_tokens', 'cache_read_input_tokens']
    .map((name) => toCount(field(usage, name)) ?? 0)
    .reduce((sum, count) => sum + count)
  const prompt = input === undefined ? undefined : input + cached || undefined
  return { type: 'usage', prompt }
}

function readUsage(usage: unknown): Meaning[] {
  return [readPrompt(usage), { type: 'usage', completion: field(usage, 'output_tokens') }]
}

function readReason(reason: unknown): Meaning[] {
  return reason === undefined || reason === null ? [] : [{ type: 'ending', reason }]
}

function field(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return (value as Record<string, unknown>)[name]
}
