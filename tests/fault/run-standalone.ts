import { createClientNemeses } from './nemeses/client-nemeses.ts'
import { createLinkNemeses } from './nemeses/link-nemeses.ts'
import { BLOCK_OPTION, createProcessNemeses } from './nemeses/process-nemeses.ts'
import { createStandaloneNemeses } from './nemeses/standalone-nemeses.ts'
import type { StandaloneProfile } from './profiles.ts'
import { endSystem, runOn, type RunOptions, type RunOutcome } from './run-on.ts'
import { startStandaloneUnderTest } from './standalone-under-test.ts'

/** A run of the one process on SQLite. */
export async function runStandalone(options: RunOptions<StandaloneProfile>): Promise<RunOutcome> {
  const { profile, recorder, random, without } = options
  if (without) throw new Error('only a cluster can be run without one of its safeties')
  const system = await startStandaloneUnderTest({
    ...profile,
    recorder,
    random: random.fork('standalone'),
    settings: { NODE_OPTIONS: BLOCK_OPTION, SESSION_IDLE_TIMEOUT: '1d', RECONNECT_TIMEOUT: '12h' },
  })
  try {
    return await runOn(
      system,
      (findBares) => [
        ...createProcessNemeses('standalone', system.processes),
        ...createStandaloneNemeses(system),
        ...createLinkNemeses(system.links),
        ...createClientNemeses(findBares),
      ],
      options,
    )
  } finally {
    await endSystem(system, options)
  }
}
