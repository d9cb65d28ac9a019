/** Names that all parts of the proof share. */
export const RELEASE = 'rel'
export const NAMESPACE = 'chat'
export const GATEWAY = `${RELEASE}-chatbox-gateway`
export const METRIC = 'chatbox_websocket_connections'

/** The lab's own internet: nothing outside of the lab can be reached from it. */
export const INTERNET = '203.0.113.10'
/** The node's own side of that network: a public address on which the proof's model server answers. */
export const MODEL_ADDRESS = '203.0.113.1'

export const CONTROLLER_LABELS = { 'app.kubernetes.io/name': 'ingress-nginx' }
export const PROMETHEUS_LABELS = { 'app.kubernetes.io/name': 'prometheus' }

/** Where the pods of the proof are: the product's, its ingress controller's, and strangers'. */
export const NAMESPACES = [NAMESPACE, 'ingress', 'evil', 'monitoring']

export function selectorOf(component: string): string {
  return `app.kubernetes.io/instance=${RELEASE},app.kubernetes.io/component=${component}`
}
