import { z } from 'zod'
import { toHiddenText } from '../meaning/hidden-text.ts'
import type { Meaning, MeaningReader } from '../meaning/meaning.ts'
import { parseEvent } from '../transport/provider-error.ts'

/** A part of a text in the form of a list, as Mistral sends it beside its reasoning. */
const textPartSchema = z.object({ type: z.literal(['text', 'output_text']), text: z.string() })
const partSchema = z.union([
  textPartSchema,
  z.looseObject({ type: z.string().refine((type) => type !== 'text' && type !== 'output_text') }),
])
type Part = z.infer<typeof partSchema>

const contentSchema = z.union([z.string(), partSchema, z.array(partSchema)]).nullish()

/** Only what holds text is checked. */
const messageSchema = z
  .looseObject({ content: contentSchema, refusal: z.string().nullish() })
  .nullish()
type Message = z.infer<typeof messageSchema>

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        index: z.unknown().optional(),
        delta: messageSchema,
        /** The whole message, where a server does not stream. */
        message: messageSchema,
        finish_reason: z.unknown().optional(),
      }),
    )
    .nullish(),
  object: z.unknown().optional(),
  usage: z.unknown().optional(),
})

/** Reads the chunks of Chat Completions. */
export function createOpenAiReader(): MeaningReader {
  return {
    read: (json) => {
      const { choices, object, usage } = parseEvent(chunkSchema, json)
      if (!choices && !usage && object !== 'chat.completion.chunk') return [{ type: 'unknown' }]
      // Other choices are other replies. A server that offers one may leave its index out.
      const choice = choices?.find(({ index }) => index === 0 || typeof index !== 'number')
      return [
        ...readUsage(usage),
        ...readMessage(choice?.delta ?? choice?.message),
        ...readReason(choice?.finish_reason),
      ]
    },
  }
}

function readUsage(usage: unknown): Meaning[] {
  if (typeof usage !== 'object' || usage === null) return []
  const { prompt_tokens: prompt, completion_tokens: completion } = usage as Record<string, unknown>
  return [{ type: 'usage', prompt, completion }]
}

/** Some servers send an empty reason with each chunk. */
function readReason(reason: unknown): Meaning[] {
  return reason === undefined || reason === null || reason === ''
    ? []
    : [{ type: 'ending', reason }]
}

/** The names under which servers send reasoning beside the text. */
const REASONING = ['reasoning_content', 'reasoning', 'reasoning_details', 'thinking', 'tool_calls']

/** Reads a delta or a message, which may bring reasoning and text. Any field may be empty. */
function readMessage(message: Message): Meaning[] {
  if (!message) return []
  const text = toText(message.content) || message.refusal
  // Some servers send the same reasoning under several names.
  const reasoning = REASONING.map((name) => message[name]).find(Boolean)
  const hidden = reasoning ?? toHiddenParts(message.content)
  return [
    ...(hidden ? [{ type: 'thinking' as const, text: toHiddenText(hidden) }] : []),
    ...(text ? [{ type: 'text' as const, text }] : []),
  ]
}

/** Returns the parts that are no text, as Mistral sends its reasoning. */
function toHiddenParts(content: z.infer<typeof contentSchema>): Part[] | undefined {
  if (typeof content !== 'object' || content === null) return undefined
  const parts = [content].flat().filter((part) => !isText(part))
  return parts.length > 0 ? parts : undefined
}

function toText(content: z.infer<typeof contentSchema>): string {
  if (typeof content === 'string') return content
  const parts = Array.isArray(content) ? content : content ? [content] : []
  return parts.map((part) => (isText(part) ? part.text : '')).join('')
}

function isText(part: Part): part is z.infer<typeof textPartSchema> {
  return part.type === 'text' || part.type === 'output_text'
}
