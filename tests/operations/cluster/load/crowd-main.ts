// People who have the page open and do nothing: started by crowd.ts, which tells it how many they are.
import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { endWithParent } from '../../../../scripts/end-with-parent.ts'
import type { CrowdOrder, CrowdReport } from './crowd.ts'

const REPORT_MS = 500
const SLICE_MS = 50
/** Whoever is sent away without a moment to come back at takes one within this. */
const RETURN_MS = 1000

const people: Socket[] = []
let order: CrowdOrder = { url: '', tokens: [], perSecond: 1 }
let lost = 0

function come(token: string): Socket {
  const { origin, pathname } = new URL(order.url)
  const socket = io(origin, {
    path: `${pathname}/socket.io`,
    transports: ['websocket'],
    forceNew: true,
    auth: { token },
  })
  let isMoving = false
  function move(afterMs: number): void {
    if (isMoving) return
    isMoving = true
    setTimeout(() => {
      isMoving = false
      if (people.includes(socket)) socket.disconnect().connect()
    }, afterMs)
  }
  socket.on('server:draining', ({ reconnectAfterMs }: { reconnectAfterMs: number }) => {
    move(reconnectAfterMs)
  })
  socket.on('disconnect', (reason) => {
    if (!people.includes(socket)) return
    if (reason !== 'io client disconnect') lost += 1
    // By itself it comes back from everything but from being sent away.
    if (reason === 'io server disconnect') move(Math.random() * RETURN_MS)
  })
  socket.on('connect_error', () => {
    if (!socket.active) move(RETURN_MS)
  })
  return socket
}

/** Comes and goes towards the wanted number, so many in a second. */
async function follow(): Promise<never> {
  let due = 0
  for (;;) {
    await sleep(SLICE_MS)
    due = Math.min(order.perSecond, due + (order.perSecond * SLICE_MS) / 1000)
    for (; due >= 1 && people.length !== order.tokens.length; due -= 1) {
      const token = order.tokens[people.length]
      if (people.length > order.tokens.length) people.pop()?.disconnect()
      else if (token !== undefined) people.push(come(token))
    }
  }
}

process.on('message', (next: CrowdOrder) => {
  order = next
})
setInterval(() => {
  const report: CrowdReport = {
    connected: people.filter((socket) => socket.connected).length,
    wanted: order.tokens.length,
    lost,
  }
  process.send?.(report)
}, REPORT_MS)
endWithParent()
await follow()
