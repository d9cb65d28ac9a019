import { z } from 'zod'
import { isError, toReason } from './error-fields.ts'
import type { Settings } from './settings.ts'

/** Thrown at start for what an operator can mend: shown as one line, without a stack. */
export class StartError extends Error {
  override readonly name = 'StartError'
}

/**
 * The one line that says why a process cannot start, or undefined for an error that no setting and
 * no operator explains: that one is a fault of the program and deserves its stack.
 */
export function explainStartFault(error: unknown, settings: Settings): string | undefined {
  if (!isError(error)) return undefined
  if (error instanceof StartError) return error.message
  const { code, port, path } = toSystemFields(error)
  if (port !== undefined) {
    const name = port === settings.managementPort ? 'MANAGEMENT_PORT' : 'PORT'
    if (code === 'EADDRINUSE') return `${name} ${port} is taken by another process`
    return `${name} ${port} cannot be opened: ${toReason(error)}`
  }
  if (path !== undefined) return `${path} cannot be used: ${toReason(error)}`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `HOST ${toReason(error)}`
  return code === 'ERR_SQLITE_ERROR' ? `DATA_DIR cannot be used: ${toReason(error)}` : undefined
}

const systemFieldsSchema = z.object({
  code: z.string().optional(),
  port: z.number().optional(),
  path: z.string().optional(),
})

function toSystemFields(error: Error): z.infer<typeof systemFieldsSchema> {
  return systemFieldsSchema.safeParse(error).data ?? {}
}
