import type { Values } from './render.ts'

const DIGEST = `sha256:${'a'.repeat(64)}`
const PEER = {
  namespaceSelector: { matchLabels: { team: 'a' } },
  podSelector: { matchLabels: { app: 'b' } },
}
const POLICIES = [{ type: 'Pods', value: 2, periodSeconds: 300 }]
const POD = {
  extraEnv: [{ name: 'TZ', value: 'UTC' }],
  extraVolumes: [{ name: 'ca', emptyDir: {} }],
  extraVolumeMounts: [{ name: 'tmp', mountPath: '/other' }],
  podLabels: { a: 'b' },
  podAnnotations: { a: 'b' },
  nodeSelector: { a: 'b' },
  tolerations: [{ key: 'a', operator: 'Exists' }],
  affinity: { nodeAffinity: {} },
  topologySpreadConstraints: [{ maxSkew: 1 }],
  'serviceAccount.annotations': { a: 'b' },
  'pdb.unhealthyPodEvictionPolicy': 'IfHealthyBudget',
}
const IMAGE = { digest: DIGEST, pullPolicy: 'Always' }

function under(prefix: string, values: Values): Values {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [`${prefix}.${key}`, value]),
  )
}

/** By path, where one more, the opposite or a letter more is no value that the key may have. */
export const OTHER_VALUES: Values = {
  'global.imagePullSecrets': [{ name: 'mirror' }],
  commonLabels: { a: 'b' },
  commonAnnotations: { a: 'b' },
  platform: 'openshift',
  ...under('image', IMAGE),
  ...under('redis.image', IMAGE),
  ...under('mongodb.image', IMAGE),
  'secrets.values.llmApiKeys': { key: 'any' },
  'settings.publicUrl': 'https://other.site.org',
  'settings.allowedOrigins': ['https://other.site.org'],
  'settings.trustedProxies': ['10.9.0.0/16'],
  'settings.hsts': 'host',
  'settings.jwksUrl': 'https://login.site.org/other',
  'settings.operators': ['other@site.org:admin'],
  'settings.oidcIssuer': 'https://login.site.org/other',
  'settings.logLevel': 'debug',
  'settings.smtpTls': 'implicit',
  'settings.emailFrom': 'Chat <chat@site.org>',
  'settings.adminEmails': ['ops@site.org'],
  'settings.alertQuietHours': ['22:00-07:00'],
  'settings.operatorTags': ['refund'],
  'settings.adminPhones': ['+4915112345678'],
  'settings.smsEndpoint': 'https://sms.site.org',
  'settings.budgetUserCost': '0.15',
  'settings.budgetAddressCost': '0.15',
  'settings.budgetSiteCost': '0.15',
  'llm.providers': [{ id: 'other', type: 'demo' }],
  ...under('gateway', POD),
  ...under('worker', POD),
  'gateway.replicas': 5,
  'gateway.autoscaling.mode': 'none',
  'gateway.autoscaling.behavior.scaleUp.selectPolicy': 'Min',
  'gateway.autoscaling.behavior.scaleUp.policies': POLICIES,
  'gateway.autoscaling.behavior.scaleDown.selectPolicy': 'Min',
  'gateway.autoscaling.behavior.scaleDown.policies': POLICIES,
  'gateway.service.type': 'NodePort',
  'gateway.service.annotations': { a: 'b' },
  'gateway.ingress.annotations': { a: 'b' },
  'gateway.ingress.hosts': ['other.site.org'],
  'gateway.ingress.tls': [{ secretName: 'other' }],
  'gateway.httpRoute.annotations': { a: 'b' },
  'gateway.httpRoute.parentRefs': [{ name: 'other' }],
  'gateway.httpRoute.hostnames': ['other.site.org'],
  'gateway.httpRoute.timeouts': { request: '1s' },
  'gateway.autoscaling.keda.serverAddress': 'http://other:9090',
  'networkPolicy.ingressController.from': [PEER],
  'networkPolicy.monitoring.from': [PEER],
  'networkPolicy.dns.to': [PEER],
  'networkPolicy.dns.ports': [54],
  'networkPolicy.dns.nodeLocal.cidrs': ['169.254.20.11/32'],
  'networkPolicy.redis.to': [PEER],
  'networkPolicy.mongodb.to': [PEER],
  'networkPolicy.jwks.to': [PEER],
  'networkPolicy.oidc.to': [PEER],
  'networkPolicy.llm.to': [PEER],
  'networkPolicy.llm.extraTo': [{ to: [PEER], port: 8000 }],
  'networkPolicy.alerts.to': [{ to: [PEER], port: 587 }],
  'monitoring.podMonitor.labels': { a: 'b' },
  'monitoring.rules.labels': { a: 'b' },
  'monitoring.runbookBaseUrl': 'https://wiki.site.org',
}

const ALERT_SECRETS = [
  ...['smtpPass', 'smsAuthToken', 'alertWebhookUrl', 'alertWebhookSecret'],
  ...['alertChatUrl', 'alertTeamsUrl'],
]

function toKeyed(name: string): [string, Values] {
  return [`secrets.values.${name}`, { secrets: { keys: { [name]: 'of-alerts' } } }]
}

/** What has to be said too before a key means anything. */
export const TOGETHER_WITH: Readonly<Record<string, Values>> = {
  'secrets.values.oidcClientSecret': { secrets: { keys: { oidcClientSecret: 'oidc' } } },
  'secrets.values.probeToken': { secrets: { keys: { probeToken: 'probe-token' } } },
  ...Object.fromEntries(ALERT_SECRETS.map(toKeyed)),
  'secrets.create': {
    secrets: {
      existingSecret: 'mine',
      values: { jwtSecret: '', encryptionKeys: '', redisPassword: '', mongoPassword: '' },
    },
  },
}

/** What changes nothing and refuses: the sentence begins so. */
export const REFUSES: Readonly<Record<string, string>> = {
  releaseMode: 'image.digest is missing: releaseMode ',
}
