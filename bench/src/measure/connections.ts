import { readFile } from 'node:fs/promises'

const LISTENING = '0A'
/** What no process holds any more has this in place of its file's number: Linux's `proc_net_tcp.rst`. */
const NO_FILE = '0'

/** How many connections to this port of 127.0.0.1 the process behind it holds, as the system has it. */
export async function countConnections(port: number): Promise<number> {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n').slice(1)
  return rows.filter((row) => {
    const [, address, , state, , , , , , file] = row.trim().split(/\s+/u)
    return address === local && state !== LISTENING && file !== NO_FILE
  }).length
}
