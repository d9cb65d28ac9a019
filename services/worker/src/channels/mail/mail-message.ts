import type { Notice } from '@chatbox/core'
import MailComposer from 'nodemailer/lib/mail-composer'
import { toHeaderId } from '../notice.ts'
import { toMailText } from './mail-text.ts'

export interface Envelope {
  from: string
  to: string
}

/** The sender and the receiver of alerts, as they stand in a mail. */
export interface MailParties {
  from: { name: string; address: string }
  to: string
}

/**
 * Returns a whole message. Its `Message-ID` is made of the notice's id, so a server and a mail
 * program can tell a repetition. Mails about a session name one reference and therefore are one
 * thread. Nothing answers such a mail by itself (RFC 3834; the second header is Exchange's).
 */
export async function toMailMessage(
  notice: Notice,
  { from, to }: MailParties,
): Promise<{ envelope: Envelope; bytes: Buffer }> {
  const domain = from.address.slice(from.address.lastIndexOf('@') + 1)
  const toMessageId = (id: string) => `<${toHeaderId(id)}@${domain}>`
  const { sessionId } = notice
  const words = toMailText(notice)
  const thread = sessionId === undefined ? undefined : toMessageId(`session-${sessionId}`)
  const message = new MailComposer({
    ...words,
    subject: withoutEncodedWords(words.subject),
    from,
    to,
    messageId: toMessageId(notice.id),
    ...(thread === undefined ? {} : { references: thread, inReplyTo: thread }),
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Auto-Response-Suppress': 'All',
      'List-Id': `<alerts.chatbox.${domain}>`,
    },
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return { envelope: { from: from.address, to }, bytes: await message.compile().build() }
}

/**
 * A subject that spells an encoded word would be decoded by its reader, into line breaks if it likes
 * (RFC 2047, 2). A space without width makes it another text.
 */
function withoutEncodedWords(subject: string): string {
  return subject.replaceAll('=?', '=\u200b?')
}
