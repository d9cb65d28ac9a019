import { isLoopbackHost, needsHttps } from '../settings/setting-types.ts'
import type { Circumstances, GroupValues } from '../settings/setting.ts'
import { ALERT_SETTINGS } from './alert-settings.ts'

type AlertValues = GroupValues<typeof ALERT_SETTINGS>

interface AlertReading extends Circumstances {
  values: { alerts: AlertValues; server: { publicUrl: string | undefined } }
}

/** What is useless without something else. */
const NEEDS = [
  ['SMTP_HOST', 'EMAIL_FROM'],
  ['SMTP_USER', 'SMTP_PASS'],
  ['SMTP_PASS', 'SMTP_USER'],
  ['SMTP_USER', 'SMTP_HOST'],
  ['ADMIN_EMAILS', 'SMTP_HOST'],
  ['ADMIN_PHONES', 'SMS_ACCOUNT_SID'],
  ['SMS_ACCOUNT_SID', 'SMS_AUTH_TOKEN'],
  ['SMS_ACCOUNT_SID', 'SMS_FROM'],
  ['ALERT_WEBHOOK_URL', 'ALERT_WEBHOOK_SECRET'],
  ['ALERT_WEBHOOK_SECRET', 'ALERT_WEBHOOK_URL'],
] as const

/** Returns one line for each fault of channels that shows only beside another setting. */
export function alertFaults(reading: AlertReading): string[] {
  if (reading.kind !== 'standalone' && reading.kind !== 'worker') return []
  return [...missing(reading), ...smtpFaults(reading), ...addressFaults(reading)]
}

function missing({ env, production, values: { alerts, server } }: AlertReading): string[] {
  const faults = NEEDS.filter(
    ([name, other]) => env[name] !== undefined && env[other] === undefined,
  ).map(([name, other]) => `${other} is missing: ${name} needs it`)
  if (production && hasRecipient(alerts) && server.publicUrl === undefined) {
    faults.push('PUBLIC_URL is missing: alerts link to the console')
  }
  return [...new Set(faults)]
}

function hasRecipient({ mailTo, phones, webhookUrl, chatUrl, teamsUrl }: AlertValues): boolean {
  const addresses = [webhookUrl, chatUrl, teamsUrl]
  return mailTo.length + phones.length > 0 || addresses.some((address) => address !== undefined)
}

function smtpFaults({ production, values: { alerts } }: AlertReading): string[] {
  const { smtpHost = '', smtpPort, smtpTls, smtpPass } = alerts
  if (smtpPort === 465 && smtpTls === 'starttls') {
    return ['SMTP_TLS must be implicit for SMTP_PORT 465, where no server speaks in the clear']
  }
  if (production && smtpTls === 'off' && smtpPass !== undefined && !isLoopbackHost(smtpHost)) {
    return ['SMTP_TLS must not be off in production: it would send SMTP_PASS in the clear']
  }
  return []
}

function addressFaults({ production, values: { alerts } }: AlertReading): string[] {
  const { smsEndpoint, webhookUrl, chatUrl, teamsUrl } = ALERT_SETTINGS
  return [
    [smsEndpoint.name, alerts.smsEndpoint] as const,
    [webhookUrl.name, alerts.webhookUrl] as const,
    [chatUrl.name, alerts.chatUrl] as const,
    [teamsUrl.name, alerts.teamsUrl] as const,
  ]
    .filter(([, address]) => address !== undefined && needsHttps(address, production))
    .map(([name]) => `${name} must be https in production`)
}
