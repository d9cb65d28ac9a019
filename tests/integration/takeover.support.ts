import type { Message, Session } from '@chatbox/contract'
import type { ReplyTask } from '@chatbox/core'
import type { ChatUser } from '../support/chat-user.ts'
import type { GatewayHarness } from '../support/gateway-harness.ts'

export const OLGA = { userId: 'olga', name: 'Olga', roles: ['chat_admin'] }
export const PAUL = { userId: 'paul', name: 'Paul', roles: ['chat_admin'] }
export const BOSS = { userId: 'boss', name: 'Boss', roles: ['admin'] }

interface Chat {
  ann: ChatUser
  session: Session
}

const toLine = ({ sender, event, content, status }: Message): string =>
  event ? `${sender.type} ${event.type}` : `${sender.type} ${status}: ${content}`

interface BegunReply {
  claim: ReplyTask
  goOn: (index: number, more: string) => Promise<'published' | 'fenced'>
}

interface Chats {
  openChat: () => Promise<Chat>
  join: (options: typeof OLGA, chat: Chat) => Promise<ChatUser>
  /** The log as lines. */
  story: (chat: Chat, show?: (message: Message) => string) => Promise<string[]>
  /** Lets a worker write the first words of the reply to the waiting question. */
  beginReply: (chat: Chat, text: string) => Promise<BegunReply>
}

/** Chats of a visitor, their operators and their replies, at one gateway. */
export function useChats(h: GatewayHarness): Chats {
  async function openChat(): Promise<Chat> {
    const ann = await h.connect({ name: 'Ann' })
    return { ann, session: (await ann.open()).session }
  }

  async function join(options: typeof OLGA, { session }: Chat): Promise<ChatUser> {
    const operator = await h.connect(options)
    await operator.open({ sessionId: session.id })
    return operator
  }

  async function story({ ann, session }: Chat, show = toLine): Promise<string[]> {
    return (await ann.open({ sessionId: session.id })).messages.map(show)
  }

  async function beginReply({ session }: Chat, text: string): Promise<BegunReply> {
    const { replies, bus } = h.backend.ports
    const open = await replies.findOpen(session.id)
    const claim = open && (await replies.claim(open, 15_000))
    if (!claim) throw new Error('no question waits')
    const { replyId } = claim
    const frame = { sessionId: session.id, replyId, attempt: claim.epoch }
    await bus.publishDelta({ ...frame, index: 0, text }, () => text)
    return {
      claim,
      goOn: (index: number, more: string) =>
        bus.publishDelta({ ...frame, index, text: more }, () => text + more),
    }
  }
  return { openChat, join, story, beginReply }
}
