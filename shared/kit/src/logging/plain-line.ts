import { z } from 'zod'

const lineSchema = z.looseObject({
  level: z.string(),
  time: z.string(),
  msg: z.string().default(''),
  err: z.looseObject({ message: z.string(), stack: z.string().default('') }).optional(),
})

/**
 * A JSON log line as a person reads it: time, level where it is not `info`, message, fields. Values
 * stay in JSON form, so that no text in them can pass for a line of its own. Only what ends the
 * process shows its stack, indented. `pino-pretty` keeps a line break that is in a message, and
 * writes every error over many lines.
 */
export function toPlainLine(line: string): string {
  const { level, time, msg, err, ...fields } = lineSchema.parse(JSON.parse(line))
  const parts = [
    time.slice(11, 19),
    ...(level === 'info' ? [] : [level.toUpperCase()]),
    JSON.stringify(msg).slice(1, -1),
    ...(err ? [`(${JSON.stringify(err.message).slice(1, -1)})`] : []),
    ...Object.entries(fields)
      .filter(([name]) => name !== 'service')
      .map(([name, value]) => `${name}=${JSON.stringify(value)}`),
  ]
  return `${parts.join(' ')}\n${level === 'fatal' && err ? toIndented(err.stack) : ''}`
}

function toIndented(stack: string): string {
  return stack
    .split(/\r?\n|\r/)
    .map((line) => `    ${line}\n`)
    .join('')
}
