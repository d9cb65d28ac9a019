import type { Values } from './render.ts'

export interface Refused {
  what: string
  /** The file of `ci/` that is right without `set`. */
  file: string
  set: Values
  /** The beginning of what Helm stops with. */
  says: string
}

/** Over the file that most of them change, where none is named. */
export type Row = Omit<Refused, 'file'> & { file?: string }

/** `networkPolicy` with these peers of the ingress controller. */
export function controller(...from: object[]): Values {
  return { networkPolicy: { ingressController: { from } } }
}

export function autoscaling(values: object): Values {
  return { gateway: { autoscaling: values } }
}

export function provider(values: object): Values {
  return { llm: { providers: [{ id: 'one', type: 'demo' }, values] } }
}
