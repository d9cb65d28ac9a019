import { EventEmitter, once } from 'node:events'
import { type Answer, streamReply } from '../../environment/model-server.ts'

/** An answer that is written only as far as the test says. */
export interface Dictation {
  answer: Answer
  /** Writes so many more pieces. */
  write(count: number): void
  /** Writes the rest and ends the answer. */
  finish(): void
}

/** Prepares an answer of these pieces. */
export function dictate(pieces: readonly string[]): Dictation {
  const changes = new EventEmitter()
  let allowed = 0
  const allow = (count: number): void => {
    allowed = Math.min(pieces.length, count)
    changes.emit('allowed')
  }
  async function before(index: number): Promise<void> {
    while (index >= allowed) await once(changes, 'allowed')
  }
  return {
    answer: streamReply({ pieces, before }),
    write: (count) => allow(allowed + count),
    finish: () => allow(pieces.length),
  }
}
