import { autoscaling, controller, provider, type Row } from './refused-row.ts'

const namespaceSelector = { matchLabels: { team: 'a' } }
const podSelector = { matchLabels: { app: 'b' } }

/** Of the schema: each names the value by its path. */
export const SHAPES: Row[] = [
  {
    what: 'a value that nobody knows',
    set: { replicaCount: 2 },
    says: "at '': additional properties 'replicaCount' not allowed",
  },
  {
    what: 'one further down',
    set: autoscaling({ enabled: true }),
    says: "at '/gateway/autoscaling': additional properties 'enabled' not allowed",
  },
  {
    what: 'a setting that the product does not have',
    set: { settings: { transports: ['polling'] } },
    says: "at '/settings': additional properties 'transports' not allowed",
  },
  {
    what: 'half a peer: a namespace alone',
    set: controller({ namespaceSelector }),
    says: "at '/networkPolicy/ingressController/from/0': missing property 'podSelector'",
  },
  {
    what: 'half a peer: pods alone',
    set: controller({ podSelector }),
    says: "at '/networkPolicy/ingressController/from/0': missing property 'namespaceSelector'",
  },
  {
    what: 'a peer in the form of an OR',
    set: controller({ namespaceSelector, podSelector }, { namespaceSelector }, { podSelector }),
    says: "at '/networkPolicy/ingressController/from/1': missing property 'podSelector'; at '/networkPolicy/ingressController/from/2': missing property 'namespaceSelector'",
  },
  {
    what: 'a peer of every namespace',
    set: controller({ namespaceSelector: {}, podSelector }),
    says: "at '/networkPolicy/ingressController/from/0/namespaceSelector': missing property 'matchLabels'",
  },
  {
    what: 'a peer of every pod',
    set: controller({ namespaceSelector, podSelector: { matchLabels: {} } }),
    says: "at '/networkPolicy/ingressController/from/0/podSelector/matchLabels': minProperties: got 0, want 1",
  },
  {
    what: 'an empty peer',
    set: controller({}),
    says: "at '/networkPolicy/ingressController/from/0': missing properties 'namespaceSelector', 'podSelector'",
  },
  {
    what: 'a block of addresses and a selector in one peer',
    set: controller({ ipBlock: { cidr: '10.0.0.0/8' }, podSelector }),
    says: "at '/networkPolicy/ingressController/from/0': maxProperties: got 2, want 1",
  },
  {
    what: 'two autoscalers in one mode',
    set: autoscaling({ mode: 'hpa+keda' }),
    says: "at '/gateway/autoscaling/mode': value must be one of 'hpa', 'keda', 'none'",
  },
  {
    what: 'a scale-down without a bound',
    set: autoscaling({ behavior: { scaleDown: { policies: [] } } }),
    says: "at '/gateway/autoscaling/behavior/scaleDown/policies': minItems: got 0, want 1",
  },
  {
    what: 'a budget that holds every drain',
    set: { gateway: { pdb: { maxUnavailable: 0 } } },
    says: "at '/gateway/pdb/maxUnavailable': minimum: got 0, want 1",
  },
  {
    what: 'a digest that is none',
    set: { image: { digest: 'sha256:12' } },
    says: "at '/image/digest': 'sha256:12' does not match pattern",
  },
  {
    what: 'any web page',
    set: { settings: { allowedOrigins: ['*'] } },
    says: "at '/settings/allowedOrigins/0': '*' does not match pattern",
  },
  {
    what: 'a public address in the clear',
    set: { settings: { publicUrl: 'http://chat.site.org' } },
    says: "at '/settings/publicUrl': 'http://chat.site.org' does not match pattern",
  },
  {
    what: 'a model without its key',
    set: provider({ id: 'two', type: 'anthropic', model: 'large' }),
    says: "at '/llm/providers/1': 'allOf' failed; at '/llm/providers/1': missing property 'apiKeySecretKey'",
  },
]
