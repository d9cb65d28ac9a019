import { createMemoryStorage, type OutboxStorage } from './outbox-storage.ts'
import { TypedText } from './typed-text.ts'

/** A browser with a storage in memory, in which pages are loaded. */
export interface TypedTextLab {
  storage: OutboxStorage
  /** Opens a page in a tab, which may be new, and does not wait for the storage. */
  open(tab?: Tab): TypedText
  /** As a page that is loaded; without a user until one is known. */
  load(userId?: string | null, tab?: Tab): Promise<TypedText>
  /** Begins with a new browser. */
  clear(): void
  /** The texts in the storage. */
  stored(): Promise<string[]>
}

interface Tab {
  tabId?: string
  isNewTab?: boolean
}

export function createTypedTextLab(): TypedTextLab {
  const lab: TypedTextLab = {
    storage: createMemoryStorage(),
    open: ({ tabId = 'tab', isNewTab = false } = {}) =>
      new TypedText({ storage: lab.storage, tabId, isNewTab }),
    async load(userId = 'u', tab) {
      const typed = lab.open(tab)
      await settle()
      if (userId !== null) typed.setUser(userId)
      await settle()
      return typed
    },
    clear() {
      lab.storage = createMemoryStorage()
    },
    async stored() {
      const texts = (await lab.storage.readAll()) as { text: string }[]
      return texts.map(({ text }) => text)
    },
  }
  return lab
}

/** Lets the storage answer. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** Types key by key, at the end of what is there, and lets it be stored. */
export async function type(typed: TypedText, text: string): Promise<void> {
  const before = typed.text
  for (let end = 1; end <= text.length; end += 1) typed.onInput(before + text.slice(0, end))
  await settle()
}
