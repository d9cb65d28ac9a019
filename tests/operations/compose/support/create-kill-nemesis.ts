import { waitUntil } from '../../../environment/wait-until.ts'
import type { Nemesis } from '../../../fault/nemeses/run-nemeses.ts'
import type { ComposeProject } from './compose-project.ts'

const BACK_TIMEOUT_MS = 60_000

/**
 * Kills the process of one of a service's containers and waits until it is healthy again. As a crash
 * would, from outside of the engine: one that the engine itself kills is meant to stay away.
 */
export function createKillNemesis(project: ComposeProject, service: string): Nemesis {
  return {
    kind: `${service}-kill`,
    plan(random) {
      let id = ''
      return {
        target: service,
        holds: [service],
        holdMs: 0,
        async begin() {
          id = random.pick(await project.ids(service))
          process.kill(Number(await project.inspect(id, '{{.State.Pid}}')), 'SIGKILL')
        },
        async end() {
          const state = '{{.RestartCount}} {{.State.Health.Status}}'
          await waitUntil(
            async () => /^[1-9]\d* healthy$/.test(await project.inspect(id, state)),
            BACK_TIMEOUT_MS,
          )
        },
      }
    },
  }
}
