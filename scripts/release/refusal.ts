/** A reason not to release, in one sentence for whoever pushed the tag. */
export class Refusal extends Error {
  override name = 'Refusal'
}
