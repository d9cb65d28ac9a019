import type { ComposeProject } from './compose-project.ts'

export interface Target {
  host: string
  port: number
}

const CONNECT_TIMEOUT_MS = 1500

/** Which of these can be connected to from a container, as `host:port`. */
export async function findOpenPorts(
  project: ComposeProject,
  id: string,
  targets: readonly Target[],
): Promise<string[]> {
  const script = `
    import { connect } from 'node:net'
    const targets = ${JSON.stringify(targets)}
    const tries = targets.map(({ host, port }) => new Promise((resolve) => {
      const socket = connect({ host, port, timeout: ${CONNECT_TIMEOUT_MS} })
      const settle = (isOpen) => { socket.destroy(); resolve(isOpen ? [host + ':' + port] : []) }
      socket.on('connect', () => settle(true))
      socket.on('error', () => settle(false))
      socket.on('timeout', () => settle(false))
    }))
    console.log(JSON.stringify((await Promise.all(tries)).flat()))`
  return JSON.parse(await project.runBeside(id, script)) as string[]
}
