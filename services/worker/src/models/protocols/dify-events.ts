import { z } from 'zod'
import type { Meaning, MeaningReader } from '../meaning/meaning.ts'
import { parseEvent } from '../transport/provider-error.ts'
import { readStatedError } from '../transport/stated-error.ts'

/** Ids are kept, and written into addresses. */
const idSchema = z
  .string()
  .regex(/^[^\s\p{C}]{1,128}$/u)
  .optional()
  .catch(undefined)

/** Only what holds text is checked. */
const eventSchema = z.object({
  event: z.string().nullish(),
  task_id: idSchema,
  conversation_id: idSchema,
  answer: z
    .string()
    .nullish()
    .transform((answer) => answer ?? ''),
  /** What an agent thought. */
  thought: z.string().catch(''),
  metadata: z.unknown().optional(),
  data: z.unknown().optional(),
})
type DifyEvent = z.infer<typeof eventSchema>

interface DifyReader extends MeaningReader {
  readTaskId: () => string | undefined
}

/** Reads the events of Dify's chat API. `toRef` returns what to keep of a conversation's id. */
export function createDifyReader(toRef: (conversationId: string) => string): DifyReader {
  let taskId: string | undefined
  let conversationId: string | undefined

  function parse(json: object): { event: DifyEvent; about: Meaning[] } {
    const event = parseEvent(eventSchema, json)
    taskId ??= event.task_id
    const isNew = event.conversation_id !== undefined && event.conversation_id !== conversationId
    conversationId = event.conversation_id ?? conversationId
    if (!isNew || conversationId === undefined) return { event, about: [] }
    return { event, about: [{ type: 'conversation', ref: toRef(conversationId) }] }
  }

  return {
    readTaskId: () => taskId,
    read: (json, name) => {
      const { event, about } = parse(json)
      return [...about, ...readEvent(event, event.event ?? name)]
    },
    readWhole: (json) => {
      const { event, about } = parse(json)
      if (event.event !== 'message' && event.event !== 'agent_message') return []
      return [...about, ...toText(event), ...toEnd(event)]
    },
  }
}

/** Known events that say nothing of the reply. Files and voice are not shown. */
const SILENT: ReadonlySet<string> = new Set([
  'message_file',
  'ping',
  'tts_message',
  'tts_message_end',
  'workflow_started',
])

/** Known events that show that the app works on the reply. */
const WORKING = /^(?:agent_thought|agent_log|(?:node|iteration|loop|parallel_branch)_\w+)$/u

function readEvent(event: DifyEvent, kind: string): Meaning[] {
  switch (kind) {
    case 'message':
    case 'agent_message':
      return toText(event)
    case 'message_replace':
      return [{ type: 'replacement', text: event.answer }]
    case 'message_end':
      return [...toEnd(event), { type: 'done' }]
    case 'workflow_finished':
      return readWorkflow(event)
    case 'workflow_paused':
      return [{ type: 'ending', reason: 'paused' }]
    default:
      if (WORKING.test(kind)) return [{ type: 'thinking', text: event.thought }]
      return SILENT.has(kind) ? [] : [{ type: 'unknown' }]
  }
}

function toText({ answer }: DifyEvent): Meaning[] {
  return answer ? [{ type: 'text', text: answer }] : []
}

const usageSchema = z.object({
  usage: z.object({
    prompt_tokens: z.unknown().optional(),
    completion_tokens: z.unknown().optional(),
  }),
})

/** Dify states no reason: this event itself is the good ending. */
function toEnd({ metadata }: DifyEvent): Meaning[] {
  const { data } = usageSchema.safeParse(metadata)
  const { prompt_tokens: prompt, completion_tokens: completion } = data?.usage ?? {}
  return [
    { type: 'usage', prompt, completion },
    { type: 'ending', reason: 'stop' },
  ]
}

const workflowSchema = z.object({ status: z.string(), error: z.unknown().optional() })

/** A workflow that stops or fails in the middle may be followed by an end like any other. */
function readWorkflow({ data }: DifyEvent): Meaning[] {
  const { data: workflow } = workflowSchema.safeParse(data)
  if (workflow?.status === 'failed') {
    return [{ type: 'error', error: { ...readStatedError(data), text: JSON.stringify(data) } }]
  }
  return workflow?.status === 'stopped' ? [{ type: 'ending', reason: 'stopped' }] : []
}
