import { autoscaling, controller, provider } from './refused-row.ts'
import type { Values } from './render.ts'

const peer = {
  namespaceSelector: { matchLabels: { team: 'a' } },
  podSelector: { matchLabels: { app: 'b' } },
}

const image = { digest: `sha256:${'a'.repeat(64)}` }

/** What the sentences advise: by the row that is refused, the values that mend it, each by itself. */
export const REMEDIES: Readonly<Record<string, readonly Values[]>> = {
  'the tag latest': [{ image: { tag: '1.2.3' } }],
  'neither a tag nor a digest': [{ mongodb: { image: { tag: '8.0' } } }, { mongodb: { image } }],
  'a release without a digest': [{ image, redis: { image }, mongodb: { image } }],
  'no Secret': [{ secrets: { existingSecret: 'mine' } }],
  'a Secret of yours and one of the chart': [{ secrets: { existingSecret: '' } }],
  "no value of a model's key": [
    { secrets: { values: { llmApiKeys: { 'two-key': 'sk-0f3b7c1d' } } } },
  ],
  'no page that may connect': [
    { settings: { publicUrl: 'https://chat.site.org' } },
    { settings: { allowedOrigins: ['https://www.site.org'] } },
  ],
  'no proxy in front of an https address': [
    { settings: { trustedProxies: ['none'] } },
    { settings: { trustedProxies: ['10.0.0.0/8'] } },
    { settings: { trustedProxies: ['2001:db8::/32', '10.1.2.3'] } },
  ],
  'a bundled store without leave to speak without TLS': [
    { settings: { allowPlaintextBackends: true } },
  ],
  'no model': [{ llm: { providers: [{ id: 'one', type: 'demo' }] } }],
  'the same model twice': [provider({ id: 'two', type: 'demo' })],
  'a test without a token': [
    { secrets: { keys: { probeToken: 'probe-token' } } },
    { test: { enabled: false } },
  ],
  'KEDA without Prometheus': [
    autoscaling({ keda: { serverAddress: 'http://prometheus.observe:9090' } }),
  ],
  'a target above what a pod takes': [autoscaling({ targetConnectionsPerPod: 3200 })],
  'an ingress that nobody may come through': [controller(peer)],
  'an ingress without a host': [{ gateway: { ingress: { hosts: ['chat.site.org'] } } }],
  'a mongodb outside without a peer': [
    { networkPolicy: { mongodb: { to: [{ ipBlock: { cidr: '10.0.0.0/24' } }] } } },
  ],
}
