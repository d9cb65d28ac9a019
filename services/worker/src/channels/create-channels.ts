import type { AlertChannel, Clock } from '@chatbox/core'
import type { Settings } from '@chatbox/kit'
import { createChatChannel } from './http/chat-channel.ts'
import { createTeamsChannel } from './http/teams-channel.ts'
import { createWebhookChannel } from './http/webhook-channel.ts'
import { createMailChannel } from './mail/mail-channel.ts'
import { createSmsChannel } from './sms/sms-channel.ts'

type AlertSettings = Settings['alerts']

/**
 * Creates the channels that the settings name, one for each recipient. A visitor's words reach them
 * only if the settings say so.
 */
export function createChannels(settings: AlertSettings, clock: Clock): AlertChannel[] {
  const channels = [
    ...mailChannels(settings),
    ...smsChannels(settings),
    ...httpChannels(settings, clock),
  ]
  return settings.visitorText ? channels : channels.map(withoutWords)
}

function withoutWords(channel: AlertChannel): AlertChannel {
  const { kind, recipient } = channel
  return {
    kind,
    recipient,
    send: ({ text: _words, ...notice }, signal) => channel.send(notice, signal),
  }
}

function mailChannels(settings: AlertSettings): AlertChannel[] {
  const { smtpHost, smtpPort, smtpTls, smtpUser, smtpPass, mailFrom, mailTo } = settings
  if (smtpHost === undefined || mailFrom === undefined) return []
  const server = {
    ...{ host: smtpHost, port: smtpPort, tls: smtpTls },
    ...{ user: smtpUser, pass: smtpPass },
  }
  return mailTo.map((to) => createMailChannel({ server, from: mailFrom, to }))
}

function smsChannels(settings: AlertSettings): AlertChannel[] {
  const { smsEndpoint, smsAccountSid, smsAuthToken, smsFrom, phones } = settings
  if (smsAccountSid === undefined || smsAuthToken === undefined || smsFrom === undefined) return []
  const account = {
    endpoint: new URL(smsEndpoint),
    ...{ accountSid: smsAccountSid, authToken: smsAuthToken, from: smsFrom },
    allowPrivate: settings.privateAddresses,
  }
  return phones.map((to) => createSmsChannel({ ...account, to }))
}

function httpChannels(settings: AlertSettings, clock: Clock): AlertChannel[] {
  const { webhookUrl, webhookSecrets, chatUrl, teamsUrl } = settings
  const allowPrivate = settings.privateAddresses
  return [
    ...(webhookUrl === undefined || webhookSecrets === undefined
      ? []
      : [
          createWebhookChannel({
            url: new URL(webhookUrl),
            secrets: webhookSecrets,
            ...{ clock, allowPrivate },
          }),
        ]),
    ...(chatUrl === undefined ? [] : [createChatChannel({ url: new URL(chatUrl), allowPrivate })]),
    ...(teamsUrl === undefined
      ? []
      : [createTeamsChannel({ url: new URL(teamsUrl), allowPrivate })]),
  ]
}
