import { afterAll, beforeAll } from '@jest/globals'
import type { Browser } from 'playwright-core'
import { toModelSettings, type Settings } from '../../environment/cluster.ts'
import { startModelServer, type ModelServer } from '../../environment/model-server.ts'
import { type ChatPage, type ChatPageOptions, useChatPages } from './chat-page.ts'
import { type ChatServer, startChatServer } from './chat-server.ts'

/** A suite's server and its pages, each as a visitor of its own. */
interface Chats {
  browser: Browser
  /** The chat page's address. */
  url: string
  /** Opens the chat, which need not be connected yet. */
  open: (options?: ChatPageOptions) => Promise<ChatPage>
  /** Opens the chat and waits until it is connected. */
  connect: (options?: ChatPageOptions) => Promise<ChatPage>
}

/** Runs one server for a suite, with demo models unless `settings` name others. */
export function useChats(settings?: Settings): Chats {
  return useServer(() => startChatServer(settings))
}

interface AnsweredChats extends Chats {
  model: ModelServer
}

/** The same with a model that answers what the test says. */
export function useAnsweredChats(): AnsweredChats {
  let model: ModelServer
  const chats = useServer(async () => {
    model = await startModelServer()
    return startChatServer(toModelSettings(model.url))
  })
  afterAll(() => model.stop())
  return Object.defineProperty(chats, 'model', { get: () => model }) as AnsweredChats
}

function useServer(start: () => Promise<ChatServer>): Chats {
  let server: ChatServer
  const pages = useChatPages()
  beforeAll(async () => {
    server = await start()
  }, 60_000)
  afterAll(() => server.stop())
  const open = (options?: ChatPageOptions): Promise<ChatPage> => pages.open(server.url, options)
  return {
    get browser() {
      return pages.browser
    },
    get url() {
      return server.url
    },
    open,
    async connect(options) {
      const chat = await open(options)
      await chat.page.getByText('Connected').waitFor({ state: 'attached' })
      return chat
    },
  }
}
