import { parseArgs } from 'node:util'
import { openAuditLog } from '@chatbox/adapters'
import { AppError, verifyAudit, type AuditHead, type AuditLog } from '@chatbox/core'
import { prepareDataDir, StartError, toBackendOptions, type CommandContext } from '@chatbox/kit'

const PART = 5000
const USAGE = 'audit takes verify and, if a head is known from elsewhere, --head SEQ.HASH'

/** Checks the whole chain, and prints what is wrong with it. Exits with 1 for a chain with a fault. */
export async function runAudit(
  { settings: given, logger, signal }: CommandContext,
  args: readonly string[],
): Promise<void> {
  const known = readHead(args)
  const { settings } = prepareDataDir(given)
  const hooks = {
    onError: (part: string, error: unknown) => logger.warn({ part, err: error }, 'store'),
    onPayloadRefused: () => undefined,
  }
  const store = await openAuditLog(toBackendOptions(settings), { hooks, signal }).catch(
    (error: unknown) => {
      throw error instanceof AppError ? new StartError(error.message, { cause: error }) : error
    },
  )
  try {
    if (!(await printReport(store.audit, known, signal))) process.exitCode = 1
  } finally {
    await store.close()
  }
}

/** Returns whether the chain is whole. */
async function printReport(
  audit: AuditLog,
  known: AuditHead | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  let after: number | undefined = 0
  let checked = 0
  let count = 0
  let head: AuditHead | undefined
  while (after !== undefined && !signal.aborted) {
    const part = await verifyAudit(audit, { after, limit: PART, known })
    for (const { seq, fault } of part.faults) print(`entry ${seq}: ${fault}`)
    checked += part.checked
    count += part.faults.length
    head = part.head ?? head
    after = part.next
  }
  print(`${checked} entries, ${count === 0 ? 'whole' : 'NOT whole'}`)
  if (head) print(`head ${head.seq}.${head.hash}`)
  return count === 0
}

function print(line: string): void {
  process.stdout.write(`${line}\n`)
}

function readHead(args: readonly string[]): AuditHead | undefined {
  const head = parseOrRefuse(args)
  if (head === undefined) return undefined
  const [, seq, hash] = /^(\d{1,15})\.([\w-]{43})$/.exec(head) ?? []
  if (seq === undefined || hash === undefined) throw new StartError(USAGE)
  return { seq: Number(seq), hash }
}

function parseOrRefuse(args: readonly string[]): string | undefined {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { head: { type: 'string' } },
      allowPositionals: true,
    })
    if (positionals.join() === 'verify') return values.head
  } catch (cause) {
    throw new StartError(USAGE, { cause })
  }
  throw new StartError(USAGE)
}
