import type { Cipher } from '@chatbox/adapters'
import type { Store } from '@chatbox/adapters'
import { createHooks, newKeyRing, type RecordedHooks } from '../contract/store.support.ts'
import { toNextCipher } from './next-version.ts'

/** A store on which processes of two versions work. */
export interface SharedStore {
  cipher: Cipher
  hooks: RecordedHooks
  /** What one of the next version writes is sealed as that version would. */
  open(version: Version): Promise<Store>
  /** Makes all that is stored into what the next version would have written. */
  upgrade(): Promise<void>
  /** A log as it is stored, oldest entry first. */
  readRows(sessionId: string): Promise<RawEntry[]>
  readSession(sessionId: string): Promise<RawState>
  readSealed(messageId: string): Promise<string>
  replaceSealed(messageId: string, sealed: string): Promise<void>
  setReplyState(messageId: string, state: string): Promise<void>
  /** Of the session and of all its entries. */
  setStatus(sessionId: string, status: string): Promise<void>
  close(): Promise<void>
}

type Version = 'this' | 'next'

export interface RawState {
  state: unknown
  stateSealed: string
}

export interface RawEntry extends RawState {
  id: string
  seq: number
  sealed: string
  /** Where an entry says what its session began as. */
  origin?: { sealed: string }
}

interface Parts {
  cipher: Cipher
  hooks: RecordedHooks
  open: SharedStore['open']
  closeAll: () => Promise<void>
}

/** `open` opens a store with a cipher; each is closed with the others. */
export function createParts(open: (cipher: Cipher, hooks: RecordedHooks) => Promise<Store>): Parts {
  const cipher = newKeyRing()
  const ciphers: Record<Version, Cipher> = { this: cipher, next: toNextCipher(cipher) }
  const hooks = createHooks()
  const opened: Store[] = []
  return {
    cipher,
    hooks,
    async open(version) {
      const store = await open(ciphers[version], hooks)
      opened.push(store)
      return store
    },
    async closeAll() {
      await Promise.all(opened.map((store) => store.close()))
    },
  }
}
