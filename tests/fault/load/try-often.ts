import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 1000

/** Again each second while it rejects, so many times in all: a fault may be in the way. */
export async function tryOften<T>(times: number, work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work()
    } catch (error) {
      if (tries >= times) throw error
      await sleep(PAUSE_MS)
    }
  }
}
