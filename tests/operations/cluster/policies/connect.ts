import { kubectl } from '../kube/run.ts'

/** An address that a pod may or may not reach. */
export interface Target {
  name: string
  host: string
  port: number
  protocol: 'tcp' | 'udp'
}

/** `open`, or what the attempt failed with. */
type Outcome = string

/** By the target's name. */
export type Outcomes = Record<string, Outcome>

/**
 * Runs in the product's own image, which has Node and nothing else. A name server is asked a question,
 * since UDP knows no connection; what is refused by a policy answers at once with an error.
 */
const SCRIPT = `
const net = require('node:net'), dgram = require('node:dgram')
const QUESTION = Buffer.from('0001010000010000000000000a6b756265726e657465730764656661756c7403737663' +
  '07636c7573746572056c6f63616c0000010001', 'hex')
const tcp = ({ host, port }) => new Promise((settle) => {
  const socket = net.connect({ host, port, timeout: 1500 })
  const end = (outcome) => { socket.destroy(); settle(outcome) }
  socket.once('connect', () => end('open')).once('timeout', () => end('timeout'))
  socket.once('error', (error) => end(error.code))
})
const udp = ({ host, port }) => new Promise((settle) => {
  const socket = dgram.createSocket('udp4')
  const end = (outcome) => { clearTimeout(timer); socket.close(); settle(outcome) }
  const timer = setTimeout(() => end('timeout'), 1500)
  socket.once('error', (error) => end(error.code)).once('message', () => end('open'))
  socket.connect(port, host, () => socket.send(QUESTION))
})
const targets = JSON.parse(process.argv[1])
Promise.all(targets.map(async (target) => [target.name, await (target.protocol === 'udp' ? udp : tcp)(target)]))
  .then((outcomes) => console.log(JSON.stringify(Object.fromEntries(outcomes))))
`
const NODE = '/usr/local/bin/node'
const TIMEOUT_MS = 20_000

/** What a container runs to try all of them at once; prints the outcomes as JSON. */
function toConnectCommand(targets: readonly Target[]): string[] {
  return [NODE, '-e', SCRIPT, JSON.stringify(targets)]
}

/** Runs until its pod is deleted, so that `connectFrom` can be run in it. */
export const IDLE_COMMAND = [
  ...[NODE, '-e'],
  // The first process of a container ends from a signal only where it says so.
  "process.on('SIGTERM', () => process.exit(0)); setInterval(() => undefined, 1e9)",
]

/** Tries all targets from a pod that has Node. */
export async function connectFrom(
  pod: { namespace: string; name: string; container?: string },
  targets: readonly Target[],
): Promise<Outcomes> {
  const place = pod.container === undefined ? [] : ['--container', pod.container]
  const command = ['exec', '--namespace', pod.namespace, pod.name, ...place, '--']
  const text = await kubectl([...command, ...toConnectCommand(targets)], { timeoutMs: TIMEOUT_MS })
  // Printed by the script above.
  return JSON.parse(text) as Outcomes
}
