import { UnusableStoreError } from '@chatbox/core'
import { z } from 'zod'
import { isError, toReason } from '../logging/error-fields.ts'
import type { Settings } from '../settings/settings.ts'

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
  if (error instanceof StartError || error instanceof UnusableStoreError) return error.message
  return explainSystemFault(error, settings)
}

function explainSystemFault(error: Error, settings: Settings): string | undefined {
  const reason = toReason(error)
  const { code, port, path } = toSystemFields(error)
  if (port !== undefined) {
    const name = port === settings.server.managementPort ? 'MANAGEMENT_PORT' : 'PORT'
    if (code === 'EADDRINUSE') return `${name} ${port} is taken by another process`
    return `${name} ${port} cannot be opened: ${reason}`
  }
  if (path !== undefined) return `${path} cannot be used: ${reason}`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `HOST ${reason}`
  return code === 'ERR_SQLITE_ERROR' ? `DATA_DIR: ${reason}` : undefined
}

const systemFieldsSchema = z.object({
  // Codes of our own errors, which wrap those of the system, begin with other letters.
  code: z.string().startsWith('E').optional().catch(undefined),
  port: z.number().optional(),
  path: z.string().optional(),
})

/** Of the error or of the nearest cause that the system, or the store's file, has named. */
function toSystemFields(error: Error): z.infer<typeof systemFieldsSchema> {
  const fields = systemFieldsSchema.safeParse(error).data ?? {}
  return fields.code === undefined && isError(error.cause) ? toSystemFields(error.cause) : fields
}
