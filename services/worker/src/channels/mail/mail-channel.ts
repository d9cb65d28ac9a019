import type { AlertChannel, Delivery, DeliveryFault, Route } from '@chatbox/core'
import { toConnectionFault, toWords } from '../faults.ts'
import { createToSaid, type ToSaid } from '../said.ts'
import { toMailMessage, type MailParties } from './mail-message.ts'
import { sendMail, SMTP_TIMEOUTS, type SmtpServer, type SmtpTimeouts } from './smtp.ts'

export interface MailOptions extends MailParties {
  server: SmtpServer
  timeouts?: SmtpTimeouts
}

/**
 * Creates a channel to one mail address. A mail goes to one address alone, so that each has its own
 * outcome and nobody reads who else was told.
 */
export function createMailChannel(options: MailOptions): AlertChannel {
  const { server, timeouts = SMTP_TIMEOUTS } = options
  const toSaid = createToSaid([server.pass])
  return {
    kind: 'mail',
    recipient: options.to,
    async send(notice, signal) {
      const route: Route = {}
      const bound = AbortSignal.any([signal, AbortSignal.timeout(timeouts.totalMs)])
      try {
        const mail = await toMailMessage(notice, options)
        const said = await sendMail(server, mail, { route, timeouts, signal: bound })
        return { outcome: 'delivered', said: toSaid(said), route }
      } catch (error) {
        signal.throwIfAborted()
        return toFailure(error, route, toSaid)
      }
    },
  }
}

/** An error of nodemailer. Codes are its own, and `responseCode` is the server's. */
interface SmtpError {
  code?: string
  command?: string
  responseCode?: number
}

/** 5xx is the server's last word (RFC 5321, 4.2.1). Without any word, a later attempt may succeed. */
function toFailure(thrown: unknown, route: Route, toSaid: ToSaid): Delivery {
  const error = thrown as SmtpError
  const isFinal = (error.responseCode ?? 0) >= 500
  return {
    outcome: isFinal ? 'failed' : 'retry',
    fault: toFault(thrown, error, isFinal),
    said: toSaid(toWords(thrown)),
    route,
  }
}

function toFault(thrown: unknown, error: SmtpError, isFinal: boolean): DeliveryFault {
  const { code, command, responseCode } = error
  if (code === 'EAUTH') return 'credentials'
  if (code === 'ETLS' || responseCode === undefined) return toConnectionFault(thrown)
  if (!isFinal) return 'busy'
  // 530 asks for a sign-in, and 535 refuses it (RFC 4954, 6).
  if (responseCode === 530 || responseCode === 535) return 'credentials'
  return command === 'RCPT TO' ? 'recipient' : 'refused'
}
