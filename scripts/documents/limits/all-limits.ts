import { layOut, type Documents } from '../documents.ts'
import { ALERTS } from './alerts.ts'
import { ANSWERED } from './answers.ts'
import { BACK_ENDS } from './back-ends.ts'
import { CALLS } from './calls.ts'
import { CONNECTIONS } from './connections.ts'
import { DESK } from './desk.ts'
import { INBOX_LIMITS } from './inbox.ts'
import type { LimitGroup } from './limit.ts'
import { PAGE } from './page.ts'
import { RESPONSES } from './responses.ts'
import { SIGN_INS } from './sign-in.ts'

/** Every limit of the product. */
export const LIMIT_GROUPS: readonly LimitGroup[] = [
  CONNECTIONS,
  SIGN_INS,
  CALLS,
  RESPONSES,
  ANSWERED,
  ALERTS,
  INBOX_LIMITS,
  DESK,
  BACK_ENDS,
  PAGE,
]

const INTRODUCTION = `# Limits

Every limit of the product: what is limited, for whom it is counted, how much there is, and what
happens beyond it. A name in capitals is a setting, followed by its default in parentheses;
[configuration.md](configuration.md) describes it. The other amounts are fixed.

Refusals by rate are counted in \`chatbox_rate_limited_total\`; [operations.md](operations.md) lists the
metrics. \`TOO_MANY_REQUESTS\` carries the time to wait. Limits "over all gateways" are counted in Redis.
If Redis is away, each process counts on its own.

Not limited by address are TCP connections that send nothing, and pages with their files;
[operations.md](operations.md#who-gets-a-connection) says where to limit them.

\`npm run docs\` writes this page from \`scripts/documents/limits\`, where each row also names the test that
goes beyond the limit.
`

/** Writes the page of all limits from the constants and settings that the code uses. */
export async function toLimitsPage(): Promise<Documents> {
  const tables = LIMIT_GROUPS.map(toTable)
  return { 'docs/limits.md': await layOut([INTRODUCTION, ...tables].join('\n'), 'markdown') }
}

function toTable({ title, limits }: LimitGroup): string {
  const rows = limits.map(
    ({ what, per, amount, then }) => `| ${what} | ${per} | ${amount} | ${then} |`,
  )
  return [
    `## ${title}\n`,
    '| What | Per | How much | Beyond it |',
    '|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}
