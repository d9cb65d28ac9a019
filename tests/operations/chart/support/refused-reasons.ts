import { autoscaling, controller, provider, type Row } from './refused-row.ts'
import { EVERYTHING, type Values } from './render.ts'

const MINIMAL = '01-minimal-values.yaml'
const EXTERNAL = '03-external-values.yaml'
const INGRESS = '04-ingress-values.yaml'
const KEDA = '07-keda-values.yaml'

function created(values: object): Values {
  return { secrets: { values } }
}

/** Of the templates: each is one sentence that names the value and says why. */
export const REASONS: Row[] = [
  {
    what: 'the tag latest',
    set: { image: { tag: 'latest' } },
    says: 'image.tag is latest: that names another image every day, so give a version',
  },
  {
    what: 'the tag latest of a store',
    set: { redis: { image: { tag: 'latest' } } },
    says: 'redis.image.tag is latest: ',
  },
  {
    what: 'neither a tag nor a digest',
    set: { mongodb: { image: { tag: '' } } },
    says: 'mongodb.image.tag is missing: give it or mongodb.image.digest',
  },
  {
    what: 'a release without a digest',
    set: { releaseMode: true },
    says: 'image.digest is missing: releaseMode takes no image without one',
  },
  {
    what: 'a release without the digest of a store',
    file: EVERYTHING,
    set: { mongodb: { image: { digest: '' } } },
    says: 'mongodb.image.digest is missing: ',
  },
  {
    what: 'no Secret',
    set: { secrets: { create: false, values: null } },
    says: 'secrets.existingSecret is missing: ',
  },
  {
    what: 'a Secret of yours and one of the chart',
    set: { secrets: { existingSecret: 'mine' } },
    says: 'secrets.existingSecret and secrets.create exclude each other',
  },
  {
    what: 'a secret that nobody would read',
    file: MINIMAL,
    set: created({ jwtSecret: 'any' }),
    says: 'secrets.values.jwtSecret is given and secrets.create is off: it would be read by nobody',
  },
  ...['jwtSecret', 'encryptionKeys', 'redisPassword', 'mongoPassword'].map((name) => ({
    what: `no ${name}`,
    set: created({ [name]: '' }),
    says: `secrets.values.${name} is missing: secrets.create makes nothing up`,
  })),
  {
    what: "no value of a model's key",
    set: provider({ id: 'two', type: 'anthropic', model: 'large', apiKeySecretKey: 'two-key' }),
    says: 'secrets.values.llmApiKeys.two-key is missing: the provider two names it',
  },
  {
    what: 'a placeholder for a secret',
    set: created({ redisPassword: 'replace-me' }),
    says: 'secrets.values.redisPassword still holds a placeholder',
  },
  {
    what: 'an example for a secret',
    set: created({ jwtSecret: 'this-is-an-example' }),
    says: 'secrets.values.jwtSecret still holds a placeholder',
  },
  {
    what: 'a placeholder for an address',
    set: { settings: { publicUrl: 'https://your-site.org' } },
    says: 'settings.publicUrl still holds a placeholder',
  },
  {
    what: 'a placeholder for an origin',
    set: { settings: { allowedOrigins: ['https://changeme.org'] } },
    says: 'settings.allowedOrigins still holds a placeholder',
  },
  {
    what: 'no page that may connect',
    set: { settings: { publicUrl: '' } },
    says: 'settings.publicUrl is missing: ',
  },
  {
    what: 'no proxy in front of an https address',
    set: { settings: { trustedProxies: [] } },
    says: 'settings.trustedProxies is empty: ',
  },
  {
    what: 'a bundled store without leave to speak without TLS',
    set: { redis: { bundled: true }, settings: { allowPlaintextBackends: false } },
    says: 'settings.allowPlaintextBackends is false, and a bundled store',
  },
  {
    what: 'no model',
    set: { llm: { providers: [] } },
    says: 'llm.providers is empty: without a model nobody answers',
  },
  {
    what: 'the same model twice',
    set: provider({ id: 'one', type: 'demo' }),
    says: 'llm.providers[1].id is that of another provider: one',
  },
  {
    what: 'a reply longer than the window',
    set: provider({ id: 'two', type: 'demo', maxTokens: 9000 }),
    says: 'llm.providers[1].maxTokens has to be smaller than its contextTokens: both share the window',
  },
  {
    what: 'sessions that end before users come back',
    set: { settings: { reconnectTimeout: '1h' } },
    says: 'settings.sessionIdleTimeout is shorter than settings.reconnectTimeout',
  },
  {
    what: 'visitors under foreign keys',
    file: EXTERNAL,
    set: { settings: { allowVisitors: true } },
    says: 'settings.allowVisitors excludes settings.jwksUrl: ',
  },
  {
    what: 'a test without a token',
    file: EXTERNAL,
    set: { secrets: { keys: { probeToken: '' } } },
    says: 'secrets.keys.probeToken is missing: under settings.jwksUrl ',
  },
  {
    what: 'a token under no name',
    set: created({ probeToken: 'any' }),
    says: 'secrets.keys.probeToken is missing: secrets.values.probeToken is given',
  },
  {
    what: 'a secret of alerts under no name',
    set: created({ smtpPass: 'any' }),
    says: 'secrets.keys.smtpPass is missing: secrets.values.smtpPass is given',
  },
  {
    what: 'a name of a secret of alerts without it',
    set: { secrets: { keys: { smtpPass: 'smtp-pass' } } },
    says: 'secrets.values.smtpPass is missing: secrets.keys.smtpPass is given',
  },
  {
    what: 'a secret of the provider under no name',
    set: created({ oidcClientSecret: 'any' }),
    says: 'secrets.keys.oidcClientSecret is missing: secrets.values.oidcClientSecret is given',
  },
  {
    what: 'an HPA and KEDA',
    set: autoscaling({ keda: { serverAddress: 'http://prometheus:9090' } }),
    says: 'gateway.autoscaling.keda is given and the mode is hpa: two autoscalers on the same pods both stop',
  },
  {
    what: 'KEDA without Prometheus',
    file: KEDA,
    set: autoscaling({ keda: { serverAddress: '' } }),
    says: 'gateway.autoscaling.keda.serverAddress is missing: mode keda asks Prometheus itself',
  },
  {
    what: 'a target above what a pod takes',
    set: autoscaling({ targetConnectionsPerPod: 3201 }),
    says: 'gateway.autoscaling.targetConnectionsPerPod is above 80 % of settings.maxConnections, which is 4000: pods would be full before others come',
  },
  {
    what: 'a scale-down faster than a drain',
    set: { gateway: { drain: { drainSeconds: 160 } } },
    says: 'gateway.autoscaling.behavior.scaleDown.policies[0].periodSeconds is below 190, the seconds that a pod drains: more than one would go at a time',
  },
  {
    what: 'more pods at least than at most',
    set: autoscaling({ minReplicas: 21 }),
    says: 'gateway.autoscaling.minReplicas is above gateway.autoscaling.maxReplicas',
  },
  {
    what: 'a metric that is a count',
    set: autoscaling({ metricName: 'chatbox_websocket_connections_total' }),
    says: 'gateway.autoscaling.metricName ends in _total: ',
  },
  {
    what: "an adapter's rule for another metric",
    set: {
      ...autoscaling({ metricName: 'connections' }),
      monitoring: { adapterRules: { enabled: true } },
    },
    says: 'monitoring.adapterRules serves chatbox_websocket_connections, and gateway.autoscaling.metricName is another one',
  },
  {
    what: 'CPU in percent of nothing',
    set: {
      gateway: {
        autoscaling: { cpu: { enabled: true } },
        resources: { requests: { cpu: null } },
      },
    },
    says: 'gateway.resources.requests.cpu is missing: ',
  },
  {
    what: 'a drain longer than the product takes',
    set: {
      gateway: { autoscaling: { mode: 'none' } },
      worker: { drain: { drainSeconds: 595 } },
    },
    says: 'worker.drain: drainSeconds and closeSeconds are more than the 600 that the product takes',
  },
  {
    what: 'an upgrade that cannot move',
    set: { worker: { rollout: { maxSurge: 0 } } },
    says: 'worker.rollout: maxSurge and maxUnavailable are both 0, so no upgrade could move',
  },
  {
    what: 'a variable that the chart gives',
    set: { worker: { extraEnv: [{ name: 'LLM_CONCURRENCY', value: '5' }] } },
    says: 'worker.extraEnv gives LLM_CONCURRENCY, which the chart gives itself',
  },
  {
    what: 'a label that selectors need',
    set: { worker: { podLabels: { 'app.kubernetes.io/component': 'gateway' } } },
    says: 'worker.podLabels has app.kubernetes.io/component, which the chart gives itself',
  },
  {
    what: 'a common label that selectors need',
    set: { commonLabels: { 'app.kubernetes.io/instance': 'a' } },
    says: 'commonLabels has app.kubernetes.io/instance, which the chart gives itself',
  },
  {
    what: 'an ingress that nobody may come through',
    file: INGRESS,
    set: controller(),
    says: 'networkPolicy.ingressController.from is empty: ',
  },
  {
    what: 'an ingress without a host',
    file: INGRESS,
    set: { gateway: { ingress: { hosts: [] } } },
    says: 'gateway.ingress.hosts is empty: ',
  },
  {
    what: 'a route that hangs on nothing',
    set: { gateway: { httpRoute: { enabled: true } } },
    says: 'gateway.httpRoute.parentRefs is empty: ',
  },
  ...['redis', 'mongodb'].map((store) => ({
    what: `a ${store} outside without a peer`,
    file: MINIMAL,
    set: { networkPolicy: { [store]: { to: [] } } },
    says: `networkPolicy.${store}.to is empty: say where it is, or set ${store}.bundled`,
  })),
  {
    what: 'no name servers',
    set: { networkPolicy: { dns: { to: [] } } },
    says: 'networkPolicy.dns.to is empty: no pod finds anything without a name server',
  },
  {
    what: 'keys from a host without a peer',
    file: EXTERNAL,
    set: { networkPolicy: { jwks: { to: [] } } },
    says: 'networkPolicy.jwks.to is empty: say where the host of settings.jwksUrl is',
  },
  {
    what: 'a sign-in at a host without a peer',
    file: EXTERNAL,
    set: { networkPolicy: { oidc: { to: [] } } },
    says: 'networkPolicy.oidc.to is empty: say where the host of settings.oidcIssuer is',
  },
  {
    what: 'metrics that nobody may read',
    file: '06-monitoring-values.yaml',
    set: { networkPolicy: { monitoring: { from: [] } } },
    says: 'networkPolicy.monitoring.from is empty: ',
  },
  {
    what: "a way to the cloud's credentials",
    set: { networkPolicy: { llm: { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }] } } },
    says: 'networkPolicy.llm.to[0] does not except 169.254.0.0/16, where clouds keep their credentials',
  },
  {
    what: 'a model that no worker may reach',
    file: EVERYTHING,
    set: { networkPolicy: { llm: { to: [] } } },
    says: 'networkPolicy.llm.to is empty: say where the model main is',
  },
]
